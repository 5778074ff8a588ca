"""The leaderboard's files: what they should hold, whether they do, and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bench.files import ensure_folder, write_atomic
from bench.keep.records import Record
from reports import glossary
from reports.board.checked import Status, statuses
from reports.board.content import Board, make_board, read_board
from reports.board.page import build_site
from reports.board.samples import read_samples
from reports.tables.presets import build_tables
from reports.tables.renderers.escape import markdown
from reports.tables.renderers.markdown import render_markdown

_INTRO = """# Leaderboard

Made by `bench leaderboard` from the records in `{board}`; edit nothing here.

{rows}; no such row is ranked. Ranks go by value; ≈ marks what cannot be told apart from the best.
{metrics}
An em dash is a number that does not exist; its note says why.
"""

_ENTRIES = """*Re-scored*: its evidence gives its scores. *Re-run*: of some images a maintainer made the same
evidence. The rest is unverified.

| entry | what was found |
| --- | --- |"""


def render_leaderboard(
    folder: Path, site: Path, page: Path, further: Sequence[Path] = ()
) -> tuple[dict[Path, bytes], list[str]]:
    """Render every file of the leaderboard.

    Args:
        folder: The records, with sample scenes in its folder `samples`.
        site: Where the site will be.
        page: Where the Markdown will be.
        further: Other runs whose records are shown too.

    Returns:
        Content by path, and one line for everything that is wrong with the records. Where anything is
        wrong there is no content.

    Raises:
        BadData: If the sample scenes cannot be read.
    """
    records, wrong = read_board(folder, further)
    if wrong:
        return {}, wrong
    board = make_board(records)
    places = [place / "records" if (place / "records").is_dir() else place for place in (folder, *further)]
    addresses = {
        record.filename(): _relative(
            next((p for p in places if (p / record.filename()).is_file()), folder), site
        )
        for record in records
    }
    files = build_site(board, read_samples(folder / "samples"), addresses)
    rendered = {site / name: content for name, content in files.items()}
    shown = "`, `".join(markdown(place.as_posix()) for place in (folder, *further))
    rendered[page] = render_page(board, records, shown, statuses(folder)).encode()
    return rendered, []


def render_page(
    board: Board, records: list[Record], folder: str, verified: Mapping[str, Status] | None = None
) -> str:
    """LEADERBOARD.md: tables over all rains first, then one with ranks and intervals for each variant.

    Args:
        board: The checked board.
        records: Its records.
        folder: The address of the records, as Markdown.
        verified: What maintainers found of each entry, by its file name.
    """
    rows = ", ".join(f"`{label}` {text}" for label, text in glossary.rows(board.results))
    metrics = " ".join(glossary.metrics(board.results, "board"))
    parts = [_INTRO.format(board=folder, rows=rows, metrics=metrics)]
    if verified:
        parts += ["## Entries\n", _ENTRIES, *(f"| {markdown(n)} | {s} |" for n, s in verified.items()), ""]
    parts.append("## Over all rains\n")
    parts.append(render_markdown(build_tables(records, "paper")))
    parts.append("## By variant\n")
    tables = [replace(section.table, caption=section.table.caption + ".") for section in board.sections]
    parts.append(render_markdown(tables))
    return "\n".join(parts)


def stale(rendered: Mapping[Path, bytes], folder: Path, site: Path) -> list[Path]:
    """Files that are missing or differ from what they should hold, and pictures that no sample shows any more.

    The site is not kept beside its records: where it has not been rendered, nothing of it is missed.
    """
    wanted = {
        path: content for path, content in rendered.items() if site.is_dir() or site not in path.parents
    }
    differ = [path for path, content in wanted.items() if not path.is_file() or path.read_bytes() != content]
    return differ + _orphans(rendered, folder, site)


def write_leaderboard(rendered: Mapping[Path, bytes], folder: Path, site: Path) -> None:
    """Write the files that differ and remove the pictures that no sample shows any more.

    Raises:
        OutputError: If a file cannot be written.
    """
    for path, content in rendered.items():
        if not path.is_file() or path.read_bytes() != content:
            ensure_folder(path.parent)
            write_atomic(path, content)
    for path in _orphans(rendered, folder, site):
        path.unlink(missing_ok=True)


def _orphans(rendered: Mapping[Path, bytes], folder: Path, site: Path) -> list[Path]:
    """Pictures beside the records and in the site that the index of samples does not name."""
    named = {path.name for path in rendered if path.parent == site / "samples"}
    pictures = [*(folder / "samples").glob("*.jpg"), *(site / "samples").glob("*.jpg")]
    return sorted(path for path in pictures if path.name not in named)


def _relative(folder: Path, site: Path) -> str:
    """The address of the records as seen from the site's page."""
    import os

    return PurePosixPath(Path(os.path.relpath(folder, site))).as_posix()
