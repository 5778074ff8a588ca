"""``bench run``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench run --derainer rdmc --task detection

  bench run --derainer h=prenet:prenet_rain100h.pth,rdmc --data coco:/data/coco --split val2017
            --rain streaks:heavy --model yolox_nano_8xb8-300e_coco --checkpoint yolox_nano.pth

  bench run --task restoration --derainer guided --data pairs:/data/Rain100H

  bench run street --out runs/street"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("run", epilog=_EXAMPLES)(command)


def command(
    suite: options.Suite = None,
    derainer: options.Derainer = None,
    search_path: options.SearchPath = None,
    task: options.Task = None,
    measure: options.Measure = None,
    data: options.Data = None,
    split: options.Split = None,
    rain: options.Rain = None,
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    classes: options.Classes = None,
    layout: options.Layout = None,
    out: options.Out = Path("runs"),
    where: options.Where = None,
    limit: options.Limit = None,
    device: options.Device = "auto",
    seed: options.Seed = None,
    precision: options.Precision = None,
    tile: options.Tile = None,
    trust_checkpoint: options.Trust = None,
    timeout: options.Timeout = None,
    workers: options.Workers = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="only-missing, always, never or only-cache: what is done about evidence that is there."
        ),
    ] = "only-missing",
    save_images: Annotated[
        bool,
        typer.Option(
            "--save-images",
            help="Keep the images that the run looks at, as OUT/images/VARIANT/DERAINER/SCENE.png.",
        ),
    ] = False,
    engine: options.EngineName = "local",
    address: options.Address = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first failure instead of finishing the rest.")
    ] = False,
) -> None:
    """Restore rainy scenes with each derainer and score what the models see of them."""
    from bench.api import run_suite
    from bench.cli.watch import TerminalWatcher
    from reports import print_summary
    from reports.tables.renderers.escape import visible

    chosen = options.choose_suite(
        suite,
        derainer=derainer,
        task=task,
        measure=measure,
        data=data,
        split=split,
        rain=rain,
        model=model,
        checkpoint=checkpoint,
        classes=classes,
        layout=layout,
        where=where,
        limit=limit,
        seed=seed,
        precision=precision,
        tile=tile,
        trust_checkpoint=trust_checkpoint,
        timeout=timeout,
    )
    result = run_suite(
        chosen,
        out,
        device=device,
        workers=workers,
        strategy=strategy,  # type: ignore[arg-type]
        save_images=save_images,
        fail_fast=fail_fast,
        watcher=TerminalWatcher(),
        place=options.choose_place(engine, address, workers),
    )
    print_summary(result.records)
    for problem in result.problems:
        typer.echo(visible(f"not complete: {problem}"), err=True)
    if result.problems:
        raise typer.Exit(1)
