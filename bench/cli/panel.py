"""``bench panel``: a few scenes as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options

if TYPE_CHECKING:
    from bench.engine.suite import ModelChoice
    from reports.figures.panels import Crop

_EXAMPLES = """Examples:

  bench panel --derainer guided,rdmc --task detection --out panel.png

  bench panel --video dash.mp4 --derainer rdmc --task detection --out beside.mp4

  bench panel --data images:/data/real_rain --derainer guided,rdmc --scene 02,08 --out real.png
              --task detection --model yolox_nano_8xb8-300e_coco --checkpoint yolox_nano.pth"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("panel", epilog=_EXAMPLES)(command)


def command(
    derainer: Annotated[str, typer.Option(help="[LABEL=]NAME[:ARG], separated by commas.")] = "",
    task: Annotated[
        str | None, typer.Option(help="detection or segmentation: draw what the model sees. [default: none]")
    ] = None,
    data: Annotated[str, typer.Option(help="street or KIND:DIR; see `bench list data`.")] = "street",
    split: options.Split = None,
    rain: Annotated[
        str, typer.Option(help="The rain; of no effect on data that brings its own.")
    ] = "streaks:medium",
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    scene: Annotated[
        list[str] | None, typer.Option(help="Scene ids, separated by commas or as several options.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many scenes, where none are named.")] = 3,
    run: Annotated[
        Path | None,
        typer.Option(
            help="A run's --out folder: choose the largest gain, the largest loss and the median change of the score."
        ),
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="Show what the last derainer changed most, enlarged.")
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Show this window of every scene, in pixels, enlarged."),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="Keep the pictures in this folder for the leaderboard's slider instead of drawing them."
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            help="A video file instead of scenes: it and its restored self side by side, as a video."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seeds the rain.")] = 0,
    device: options.Device = "auto",
    trust_checkpoint: options.Trust = None,
    timeout: options.Timeout = None,
    out: Annotated[
        Path, typer.Option(help="The picture, a PNG, SVG or PDF by its ending; with --video the video.")
    ] = Path("panel.png"),
) -> None:
    """Draw a few scenes clean, rainy and restored, with what a model sees in each."""
    from bench.engine.outline import default_model
    from bench.engine.suite import ModelChoice, suite_of
    from bench.engine.views import View, draw, keep_samples, make_panels, restore_scenes
    from bench.errors import unknown
    from bench.plugins import listed
    from bench.vocabulary import RESTORATION
    from downstream.tasks import all_tasks
    from reports.figures.style import picture_format

    options.limit(timeout)
    looking = {each.about.name: each for each in all_tasks() if each.about.looks == "model"}
    if task is not None and task not in looking:
        raise unknown("task", task, looking)
    choices = {"task": task or RESTORATION, "model": model or (), "checkpoint": checkpoint or ()}
    models = suite_of(choices).models
    if task and not models:
        models = (ModelChoice(task=task, name=default_model(looking[task])),)
    trust = ",".join(trust_checkpoint or ()) or None
    if video is not None:
        _beside(video, out, derainer, models[0] if models else None, device, trust)
        typer.echo(out)
        return
    view = View(data, split, rain, seed, derainer, models[0] if models else None, device, trust)
    picture_format(out)
    window = None if crop is None else _window(crop)
    names = listed(options.as_written(scene)) if scene else []
    if samples is not None:
        keep_samples(view, restore_scenes(view, names, count, run), samples)
        typer.echo(samples)
        return
    draw(make_panels(view, names, count, run), out, crops=crops, crop=window)
    typer.echo(out)


def _beside(
    source: Path, out: Path, derainer: str, model: ModelChoice | None, device: str, trust: str | None
) -> None:
    from bench.cli.watch import TerminalWatcher
    from bench.device import resolve_device
    from bench.errors import BadConfig
    from bench.video.panel import beside, seer, write_side_by_side
    from bench.video.read import open_clip
    from bench.video.restore import check_output
    from derainers import load_derainer, parse_derainers

    specs = parse_derainers(derainer) if derainer else ()
    if len(specs) != 1:
        raise BadConfig(f"--video shows one derainer beside the clip: --derainer names {len(specs)}")
    clip = open_clip(source)
    check_output(beside(clip), out)
    place = resolve_device(device)
    network = load_derainer(specs[0], device=place, trust=trust)
    see = seer(model.task, model.name, model.checkpoint, place, trust) if model else lambda image: None
    watcher = TerminalWatcher()
    watcher.begin(clip.stated)
    try:
        write_side_by_side(clip, out, network, see, watcher.advance)
    finally:
        watcher.end()


def _window(text: str) -> Crop:
    """Read `X,Y,W,H`."""
    from bench.errors import BadConfig
    from reports.figures.panels import Crop

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdigit() for part in parts) or "0" in parts[2:]:
        raise BadConfig(f"--crop {text}: write X,Y,W,H in pixels, such as 40,20,120,80")
    return Crop(*map(int, parts))
