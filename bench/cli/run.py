"""``bench run``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    task: options.Task = None,
    data: options.Data = None,
    split: options.Split = None,
    rain: options.Rain = None,
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    out: options.Out = Path("runs"),
    limit: options.Limit = None,
    device: options.Device = "auto",
    seed: options.Seed = None,
    precision: options.Precision = None,
    tile: options.Tile = None,
    trust_checkpoint: options.Trust = None,
    workers: options.Workers = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="only-missing, always, never or only-cache: what is done about evidence that is there."
        ),
    ] = "only-missing",
    engine: Annotated[
        str, typer.Option(help="local: this machine's processes; ray: a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="With --engine ray: the cluster's address. [default: RAY_ADDRESS, else this machine's, else a new one]"
        ),
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first failure instead of finishing the rest.")
    ] = False,
) -> None:
    """Restore rainy scenes with each derainer and score what the models see of them."""
    from bench.api import run_suite
    from bench.cli.watch import TerminalWatcher
    from reports import print_summary

    chosen = options.choose_suite(
        suite,
        derainer=derainer,
        task=task,
        data=data,
        split=split,
        rain=rain,
        model=model,
        checkpoint=checkpoint,
        limit=limit,
        seed=seed,
        precision=precision,
        tile=tile,
        trust_checkpoint=trust_checkpoint,
    )
    result = run_suite(
        chosen,
        out,
        device=device,
        workers=workers,
        strategy=strategy,  # type: ignore[arg-type]
        fail_fast=fail_fast,
        watcher=TerminalWatcher(),
        engine=choose_engine(engine, address, workers, fail_fast),
    )
    print_summary(result.records)
    for problem in result.problems:
        typer.echo(f"not complete: {problem}", err=True)
    if result.problems:
        raise typer.Exit(1)


def choose_engine(name: str, address: str | None, workers: int | None, fail_fast: bool) -> Any:
    """Return what makes the engine from the settings; None for this machine's processes."""
    from bench.errors import BadConfig, unknown

    if name == "local":
        if address:
            raise BadConfig(f"--address {address} goes with --engine ray")
        return None
    if name != "ray":
        raise unknown("engine", name, ("local", "ray"))
    if workers is not None:
        raise BadConfig(
            f"--workers {workers} goes with --engine local: on a cluster, Ray gives each shard a core or a GPU"
        )

    from bench.cluster import OnRay

    return OnRay(address, fail_fast)
