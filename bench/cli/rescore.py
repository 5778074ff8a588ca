"""``bench rescore``: scores again from evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rescore", epilog="Example:\n\n  bench rescore runs")(command)


def command(
    store: Annotated[Path, typer.Argument(help="The --out folder of a run.")],
    task: Annotated[list[str] | None, typer.Option(help="A task from a file, FILE.py:NAME.")] = None,
) -> None:
    """Score every record again from its evidence; needs no data, network or GPU."""
    from bench.keep.store import Store
    from bench.score.rescore import rescore
    from downstream.tasks import load_task

    for spec in task or ():
        load_task(spec)

    results = rescore(Store(store))
    for record, changed in results:
        if changed:
            typer.echo(f"changed: {record.filename()}")
    typer.echo(f"{len(results)} records scored again, {sum(changed for _, changed in results)} changed")
