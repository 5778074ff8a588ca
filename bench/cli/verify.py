"""``bench verify``: scores records again from their evidence, and runs a sample of them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import options

_EXAMPLES = """Examples:

  bench verify runs/records/street*rdmc*.json --sample 4

  bench verify mine.zip --sample 2 --board reports/board/records"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", epilog=_EXAMPLES)(command)


def command(
    record: Annotated[
        list[Path], typer.Argument(help="Records in a store, or entries made by `bench submit`.")
    ],
    derainer: Annotated[
        str | None, typer.Option(help="The record's derainer, where it is code of somebody's own.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The record's task, where it is FILE.py:NAME.")] = None,
    data: Annotated[str | None, typer.Option(help="The record's data, if it lies elsewhere here.")] = None,
    split: Annotated[str | None, typer.Option(help="That data's split, if it is called otherwise.")] = None,
    rain: Annotated[str | None, typer.Option(help="The record's rain, where it is FILE.py:NAME.")] = None,
    model: Annotated[str | None, typer.Option(help="The record's model, where it is a config file.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="That model's checkpoint.")] = None,
    search_path: options.SearchPath = None,
    trust_checkpoint: options.Trust = None,
    timeout: options.Timeout = None,
    sample: Annotated[
        int, typer.Option(min=0, help="How many images to run again; 0 scores again from the evidence only.")
    ] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
    board: Annotated[
        Path | None,
        typer.Option(help="A board's folder of records, to keep there what was found of entries."),
    ] = None,
) -> None:
    """Score records again from their evidence and run some of their images again; exit code 1 where anything differs.

    Nothing that a record names runs code, unless you name it too.
    """
    from bench.engine.verify import check_scores, verify
    from bench.keep.entry import SUFFIX

    options.limit(timeout)
    named = {
        "derainer": derainer,
        "task": task,
        "data": data,
        "split": split,
        "rain": rain,
        "model": model,
        "checkpoint": checkpoint,
        "trust_checkpoint": trust_checkpoint,
        "timeout": timeout,
    }
    choices = {option: value for option, value in named.items() if value is not None}
    differing = 0
    for path in record:
        if path.suffix == SUFFIX:
            differing += _verify_entry(path, sample, device, workers, choices, board)
            continue
        problem = check_scores(path, task)
        differing += problem is not None
        typer.echo(f"{path.name}: {problem or 'its evidence gives its scores'}")
        if not sample:
            continue
        verdicts = verify(path, sample, device=device, workers=workers, choices=choices)
        bad = [verdict for verdict in verdicts if verdict.problem]
        differing += len(bad)
        typer.echo(
            f"{path.name}: {len(verdicts) - len(bad)} of {len(verdicts)} images give the same evidence"
        )
        for verdict in bad:
            typer.echo(f"  {verdict.scene}: {verdict.problem}")
    if differing:
        raise typer.Exit(1)


def _verify_entry(
    path: Path, sample: int, device: str, workers: int | None, choices: dict[str, Any], board: Path | None
) -> int:
    """Verify an entry, say what came of it, and return how much differs."""
    from bench.engine.verify_entry import verify_entry
    from reports.board.checked import keep

    verdict = verify_entry(
        path,
        sample,
        device=device,
        workers=workers,
        choices=choices,
        progress=lambda name: typer.echo(f"running again: {name}", err=True),
    )
    for problem in verdict.problems:
        typer.echo(f"{path.name}: {problem}")
    if not verdict.problems:
        typer.echo(f"{path.name}: {verdict.records} records re-scored from their evidence, all equal")
    if verdict.run:
        typer.echo(f"{path.name}: {verdict.images} images of {verdict.run} records re-run")
    for reason, records in verdict.left.items():
        typer.echo(f"{path.name}: {records} records not re-run: {reason}")
    if board is not None and not verdict.problems:
        keep(board, path.name, verdict.sha256, images=verdict.images)
    return len(verdict.problems)
