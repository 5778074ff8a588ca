"""``bench submit``: packs a derainer's records and their evidence for the board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  bench submit runs --derainer mine

  bench submit runs --derainer mine --out reports/board/records/mine.zip --partial "no weights for Rain100H"

Then: bench verify mine.zip, and a pull request that adds the file to reports/board/records."""


def add(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("submit", epilog=_EXAMPLES)(command)


def command(
    run: Annotated[Path, typer.Argument(help="The --out folder of a finished run.")],
    derainer: Annotated[str, typer.Option(help="The derainer's label in that run.")],
    out: Annotated[Path | None, typer.Option(help="The file. [default: LABEL.zip]")] = None,
    partial: Annotated[
        str | None, typer.Option(help="Why some variants of a data set are left out, if some are.")
    ] = None,
) -> None:
    """Pack a derainer's records and their evidence into one file, from which anyone can score them again."""
    from bench.errors import BadConfig
    from bench.keep.entry import SUFFIX, pack
    from bench.keep.records import distinct_slug
    from bench.keep.store import Store

    path = out or Path(f"{distinct_slug(derainer)}{SUFFIX}")
    if path.suffix != SUFFIX:
        raise BadConfig(f"--out {path}: an entry is a {SUFFIX} file")
    records = pack(Store(run), derainer, path, partial=partial)
    size = path.stat().st_size
    typer.echo(
        f"{path}: {len(records)} records of {derainer} with their evidence, {size / 1e3:,.0f} kB; "
        f"try it: bench verify {path}"
    )
