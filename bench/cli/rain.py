"""``bench rain``: write the rainy variant of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench rain --rain rainfall:50 --out rainy

  bench rain --data coco:/data/coco --split val2017 --rain streaks:heavy --out /data/coco_heavy

  bench rain --data cityscapes:/data/cityscapes --split val --rain rainfall:100 --out /data/cityscapes_100"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rain", epilog=_EXAMPLES)(command)


def command(
    rain: Annotated[
        str, typer.Option(help="streaks:light|medium|heavy, rainfall:MM_PER_HOUR or FILE.py:FUNCTION[:ARG].")
    ],
    out: Annotated[Path, typer.Option(help="Empty or new folder; a stopped run goes on from what is there.")],
    data: Annotated[
        str, typer.Option(help="street, KIND:DIR (see `bench list data`) or FILE.py:READER[:DIR].")
    ] = "street",
    split: Annotated[str | None, typer.Option(help="The data set's split, e.g. val2017.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many scenes.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the rain, as in bench run.")] = 0,
) -> None:
    """Write a data set's images in rain, in its own layout, with its annotations."""
    from shlex import quote

    from bench.cli.watch import TerminalWatcher
    from bench.data import open_data
    from bench.rain import parse_rain
    from bench.rain.write import MANIFEST, write_variant
    from bench.vocabulary import OWN

    chosen = parse_rain(rain)
    scenes = open_data(data, split)
    if limit is not None:
        scenes = scenes.first(limit)
    watcher = TerminalWatcher()
    watcher.begin(len(scenes.scenes))
    try:
        manifest = write_variant(scenes, chosen, seed, out, watcher.advance)
    finally:
        watcher.end()
    depth = f", depth: {manifest['depth_source']}" if manifest["depth_source"] else ""
    kind, part = manifest["read_as"], manifest["split"]
    option = f" --split {part}" if part and kind != "pairs" else ""
    print(f"{manifest['scenes']} scenes of {manifest['data']} in {chosen.name} (seed {seed}{depth}): {out}")
    print(
        f"Read them with --data {quote(f'{kind}:{out}')}{option} --rain {OWN}; "
        f"{out / MANIFEST} has every file's SHA-256."
    )
