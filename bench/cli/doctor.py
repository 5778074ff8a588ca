"""``bench doctor``: the environment, each problem with its fix."""

from __future__ import annotations

import typer


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(command)


def command() -> None:
    """Check the environment; say of each problem how it is mended."""
    from bench.environment import processor, versions
    from downstream.doctor import problems

    for name, version in versions().items():
        typer.echo(f"{name:16} {version}")
    typer.echo(f"{'processor':16} {processor()}")
    found = problems()
    typer.echo("")
    for problem in found:
        typer.echo(f"problem: {problem.what}\n    fix: {problem.fix}")
    if found:
        raise typer.Exit(1)
    typer.echo("all is well")
