"""``bench restore``: run a derainer over images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("restore", epilog="Example:\n\n  bench restore rainy/*.jpg --derainer rdmc --out restored")(
        command
    )


def command(
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    derainer: Annotated[str, typer.Option(help="[LABEL=]NAME[?OPTIONS][:ARG].")],
    out: Annotated[
        Path, typer.Option(help="Folder for the restored images (PNG, same names and sub-folders).")
    ],
    search_path: options.SearchPath = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    tile: Annotated[str, typer.Option(help="auto, off or SIZE[+OVERLAP].")] = "auto",
    trust_checkpoint: options.Trust = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that another derainer has written.")
    ] = False,
) -> None:
    """Restore images and write them as PNG."""
    from bench.cli.watch import TerminalWatcher
    from bench.device import resolve_device
    from bench.engine.suite import suite_of
    from bench.errors import BadConfig
    from bench.restoring import plan_jobs, restore_images, skipped, still_to_do
    from derainers import load_derainer, parse_derainers
    from reports.tables.renderers.escape import visible

    suite_of({"precision": precision, "tile": tile})  # networks alone would look at them
    place = resolve_device(device)
    jobs, others = plan_jobs(images, out)
    specs = parse_derainers(derainer)
    if len(specs) != 1:
        raise BadConfig(f"--derainer {derainer} names {len(specs)}: bench restore takes one")
    trust = ",".join(trust_checkpoint or ()) or None
    network = load_derainer(specs[0], device=place, precision=precision, tile=tile, trust=trust)
    left = still_to_do(jobs, specs[0].label, network, overwrite=overwrite)
    watcher = TerminalWatcher()
    watcher.begin(len(left))
    try:
        restore_images(left, specs[0].label, network, watcher.advance)
    finally:
        watcher.end()
    for line in skipped(others, len(jobs) - len(left)):
        typer.echo(visible(f"skipped: {line}"), err=True)
