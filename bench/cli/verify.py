"""``bench verify``: runs a sample of a record again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("verify", epilog="Example:\n\n  bench verify runs/records/street*rdmc*.json --sample 4")(
        command
    )


def command(
    record: Annotated[list[Path], typer.Argument(help="Records in a store.")],
    sample: Annotated[int, typer.Option(min=1, help="How many images to run again.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
) -> None:
    """Run some images of a record again and compare the evidence; exit code 1 where it differs."""
    from bench.engine.verify import verify

    differing = 0
    for path in record:
        verdicts = verify(path, sample, device=device, workers=workers)
        bad = [verdict for verdict in verdicts if verdict.problem]
        differing += len(bad)
        typer.echo(
            f"{path.name}: {len(verdicts) - len(bad)} of {len(verdicts)} images give the same evidence"
        )
        for verdict in bad:
            typer.echo(f"  {verdict.scene}: {verdict.problem}")
    if differing:
        raise typer.Exit(1)
