"""``bench new``: a file of one's own to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    examples = "Examples:\n\n  bench new derainer my_net\n\n  bench new rain drizzle --out rains"
    app.command("new", epilog=examples)(command)


def command(
    kind: Annotated[str, typer.Argument(help="derainer, rain, task, model or data.")],
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
) -> None:
    """Write a commented file of your own, and its test."""
    from bench.listing import in_shell
    from bench.templates import write_template

    code, test = write_template(kind, name, out)
    there = "" if out == Path() else ", in its folder"
    typer.echo(
        f"{code}: its first lines say how it is run{there}\n{test}: python -m pytest {in_shell(str(test))}"
    )
