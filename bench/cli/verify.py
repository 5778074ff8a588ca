"""``bench verify``: runs a sample of a record again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", epilog="Example:\n\n  bench verify runs/records/street*rdmc*.json --sample 4")(
        command
    )


def command(
    record: Annotated[list[Path], typer.Argument(help="Records in a store.")],
    derainer: Annotated[
        str | None, typer.Option(help="The record's derainer, where it is code of somebody's own.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The record's task, where it is FILE.py:NAME.")] = None,
    data: Annotated[str | None, typer.Option(help="The record's data, if it lies elsewhere here.")] = None,
    rain: Annotated[str | None, typer.Option(help="The record's rain, where it is FILE.py:NAME.")] = None,
    model: Annotated[str | None, typer.Option(help="The record's model, where it is a config file.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="That model's checkpoint.")] = None,
    search_path: options.SearchPath = None,
    trust_checkpoint: options.Trust = None,
    sample: Annotated[int, typer.Option(min=1, help="How many images to run again.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
) -> None:
    """Run some images of a record again and compare the evidence; exit code 1 where it differs.

    Nothing that a record names runs code, unless you name it too.
    """
    from bench.engine.verify import verify

    named = {
        "derainer": derainer,
        "task": task,
        "data": data,
        "rain": rain,
        "model": model,
        "checkpoint": checkpoint,
        "trust_checkpoint": trust_checkpoint,
    }
    choices = {option: value for option, value in named.items() if value is not None}
    differing = 0
    for path in record:
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
