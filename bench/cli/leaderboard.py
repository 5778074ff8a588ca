"""``bench leaderboard``: committed records to LEADERBOARD.md and a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench leaderboard

  bench leaderboard --check

  bench leaderboard --board reports/board/records --board runs/mine"""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("leaderboard", epilog=_EXAMPLES)(command)


def command(
    board: Annotated[
        list[Path] | None,
        typer.Option(
            help="The folder of records, or a run; again for runs to show with it. [default: reports/board/records]"
        ),
    ] = None,
    site: Annotated[Path, typer.Option(help="Where the site goes.")] = Path("reports/site"),
    page: Annotated[Path, typer.Option(help="Where the Markdown goes.")] = Path("LEADERBOARD.md"),
    repository: Annotated[
        str | None,
        typer.Option(help="Address of a repository to link to. [default: the package's, where it says one]"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where what is there is stale.")
    ] = False,
) -> None:
    """Render the leaderboard from its records."""
    from bench.errors import BadConfig
    from reports.board.files import render_leaderboard, stale, write_leaderboard
    from reports.board.repository import own_repository

    if repository is not None and not repository.startswith(("https://", "http://")):
        raise BadConfig(f"--repository {repository} is no address: give one that begins with https://")
    folder, *further = board or [Path("reports/board/records")]
    rendered, wrong = render_leaderboard(folder, site, page, further, repository or own_repository())
    for line in wrong:
        typer.echo(f"bench: {line}", err=True)
    if wrong:
        raise typer.Exit(2)
    if check:
        old = stale(rendered, folder, site)
        for path in old:
            typer.echo(f"bench: {path} is stale: run `bench leaderboard` and commit what it writes", err=True)
        if old:
            raise typer.Exit(1)
        rendered_too = f" and {site} agree" if site.is_dir() else " agrees"
        typer.echo(f"{page}{rendered_too} with the records in {folder}")
    else:
        write_leaderboard(rendered, folder, site)
        typer.echo(f"wrote {page} and {site / 'index.html'}")
