"""``bench restore``: run a derainer over images, or over a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options

if TYPE_CHECKING:
    from derainers import DerainerSpec

_EXAMPLES = """Examples:

  bench restore rainy/*.jpg --derainer rdmc --out restored

  bench restore dash.mp4 --derainer rdmc --out dry.mp4"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("restore", epilog=_EXAMPLES)(command)


def command(
    images: Annotated[list[Path], typer.Argument(help="Image files or folders of them, or one video file.")],
    derainer: Annotated[str, typer.Option(help="[LABEL=]NAME[?OPTIONS][:ARG].")],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the restored images (PNG, same names and sub-folders), or the restored video."
        ),
    ],
    search_path: options.SearchPath = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    tile: Annotated[str, typer.Option(help="auto, off or SIZE[+OVERLAP].")] = "auto",
    trust_checkpoint: options.Trust = None,
    timeout: options.Timeout = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that another derainer has written.")
    ] = False,
) -> None:
    """Restore images and write them as PNG, or a video with its sound; both go on where they were stopped."""
    from bench.cli.watch import TerminalWatcher
    from bench.device import resolve_device
    from bench.engine.suite import suite_of
    from bench.image_metadata import notes_on, oddities_of
    from bench.restoring import plan_jobs, restore_images, skipped, still_to_do
    from bench.video import is_video
    from derainers import load_derainer
    from reports.tables.renderers.escape import visible

    suite_of({"precision": precision, "tile": tile})  # networks alone would look at them
    options.limit(timeout)
    trust = ",".join(trust_checkpoint or ()) or None
    settings = {"device": resolve_device(device), "precision": precision, "tile": tile, "trust": trust}
    if any(map(is_video, images)):
        _restore_clip(images, out, _one(derainer), settings, overwrite)
        return
    jobs, others = plan_jobs(images, out)
    spec = _one(derainer)
    network = load_derainer(spec, **settings)  # type: ignore[arg-type]
    left = still_to_do(jobs, spec.label, network, overwrite=overwrite)
    watcher = TerminalWatcher()
    watcher.begin(len(left))
    try:
        restore_images(left, spec.label, network, watcher.advance)
    finally:
        watcher.end()
    for note in notes_on(oddities_of(job.source) for job in left):
        typer.echo(f"note: {note}", err=True)
    for line in skipped(others, len(jobs) - len(left)):
        typer.echo(visible(f"skipped: {line}"), err=True)


def _one(derainer: str) -> DerainerSpec:
    from bench.errors import BadConfig
    from derainers import parse_derainers

    specs = parse_derainers(derainer)
    if len(specs) != 1:
        raise BadConfig(f"--derainer {derainer} names {len(specs)}: bench restore takes one")
    return specs[0]


def _restore_clip(
    images: list[Path], out: Path, spec: DerainerSpec, settings: dict[str, str | None], overwrite: bool
) -> None:
    from bench.cli.watch import TerminalWatcher
    from bench.errors import BadConfig
    from bench.video.restore import check, restore_clip
    from derainers import load_derainer

    if len(images) != 1:
        raise BadConfig(f"{images[0]} and {len(images) - 1} more: a video is restored by itself")
    clip = check(images[0], out, overwrite=overwrite)
    network = load_derainer(spec, **settings)  # type: ignore[arg-type]
    watcher = TerminalWatcher()
    watcher.begin(clip.stated)
    try:
        restore_clip(clip, out, network, watcher.advance)
    finally:
        watcher.end()
