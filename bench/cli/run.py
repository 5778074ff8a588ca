"""``bench run``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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
    suite: Annotated[str | None, typer.Argument(help="A suite: a YAML file or a shipped name; see `bench list suites`.")] = None,
    derainer: Annotated[str | None, typer.Option(help="[LABEL=]NAME[:ARG], separated by commas.")] = None,
    task: Annotated[str | None, typer.Option(help="detection, segmentation, restoration; separated by commas. [default: detection]")] = None,
    data: Annotated[str | None, typer.Option(help="street or KIND:DIR; see `bench list data`. [default: street]")] = None,
    split: Annotated[str | None, typer.Option(help="The data set's split, e.g. val2017.")] = None,
    rain: Annotated[str | None, typer.Option(help="streaks:light|medium|heavy, rainfall:MM_PER_HOUR, none; separated by commas. [default: streaks:medium]")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Name of the model index, embedded, or CONFIG.py; TASK=NAME for several tasks.")] = None,
    checkpoint: Annotated[list[str] | None, typer.Option(help="The model's checkpoint; TASK=FILE for several tasks.")] = None,
    out: Annotated[Path, typer.Option(help="Where evidence and records are kept; a run goes on from what is there.")] = Path("runs"),
    limit: Annotated[int | None, typer.Option(help="Only the first so many scenes.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    seed: Annotated[int | None, typer.Option(help="Seeds the rain. [default: 0]")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16: what derainers compute in. [default: auto]")] = None,
    tile: Annotated[str | None, typer.Option(help="auto, off or SIZE[+OVERLAP]: how large images are cut. [default: auto]")] = None,
    trust_checkpoint: Annotated[list[str] | None, typer.Option(metavar="SHA256", help="A checkpoint that may be unpickled although it is not plain weights.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes. [default: one per core or GPU]")] = None,
    strategy: Annotated[str, typer.Option(help="only-missing, always, never or only-cache: what is done about evidence that is there.")] = "only-missing",
    engine: Annotated[str, typer.Option(help="local: this machine's processes; ray: a Ray cluster.")] = "local",
    address: Annotated[str | None, typer.Option(help="With --engine ray: the cluster's address. [default: a local cluster]")] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure instead of finishing the rest.")] = False,
) -> None:
    """Restore rainy scenes with each derainer and score what the models see of them."""
    from bench.api import run_suite
    from bench.cli.watch import TerminalWatcher
    from reports import print_summary

    chosen = choose_suite(
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
        engine=choose_engine(engine, address, fail_fast),
    )
    print_summary(result.records)
    for problem in result.problems:
        typer.echo(f"not complete: {problem}", err=True)
    if result.problems:
        raise typer.Exit(1)


def choose_suite(name: str | None, **choices: Any) -> Any:
    """Make a suite from a name and the command line's choices, which override the suite's."""
    from bench.suite import override_suite, read_suite, suite_of

    given = {key: value for key, value in choices.items() if value is not None}
    return override_suite(read_suite(name), given) if name else suite_of(given)


def choose_engine(name: str, address: str | None, fail_fast: bool) -> Any:
    """Return what makes the engine from the settings; None for this machine's processes."""
    from bench.errors import BadConfig, unknown

    if name == "local":
        if address:
            raise BadConfig(f"--address {address} goes with --engine ray")
        return None
    if name != "ray":
        raise unknown("engine", name, ("local", "ray"))

    def make(settings: Any) -> Any:
        from bench.cluster import RayEngine

        return RayEngine(settings, address=address, fail_fast=fail_fast)

    return make
