"""The leaderboard's files: what they should hold, whether they do, and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.files import ensure_folder, write_atomic
from bench.keep.records import Record
from reports import glossary
from reports.board import words
from reports.board.checked import Filed, Status, statuses
from reports.board.content import Board, make_board, read_board
from reports.board.coverage import coverage, coverage_table
from reports.board.entries import Listed, read_entries
from reports.board.page import build_site
from reports.board.samples import SUFFIX, read_samples
from reports.board.story import tell
from reports.tables.presets import build_tables
from reports.tables.renderers.escape import markdown
from reports.tables.renderers.markdown import render_markdown

_INTRO = """# Leaderboard

Made by `bench leaderboard` from the records in `{board}`; edit nothing here.

{story}{rows}; no such row is ranked. Ranks go by value; ≈ marks what cannot be told apart from the best.
{metrics}
An em dash is a number that does not exist; its note says why.
"""

_ENTRIES = """## Entries

*Re-scored*: its evidence gives its scores. *Re-run*: of some images a maintainer made the same evidence besides. All
other records came by themselves and are unverified.

| entry | derainer | data | results | what was found |
|:--|:--|:--|--:|:--|"""

_COVERAGE = """## Coverage

Who has been measured on what. A result of a data set is what one rain, task and model gives; in brackets, how many of
them a derainer has.
"""

_SMOKE = "Smoke test: rendered scenes, which show that things work and no more"


def render_leaderboard(
    folder: Path, site: Path, page: Path, further: Sequence[Path] = (), repository: str | None = None
) -> tuple[dict[Path, bytes], list[str]]:
    """Render every file of the leaderboard.

    Args:
        folder: The records, with sample scenes in its folder `samples`.
        site: Where the site will be.
        page: Where the Markdown will be.
        further: Other runs whose records are shown too.
        repository: Address of the repository that the site links to; None for none.

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
    entries, _ = read_entries(folder)
    found = statuses(folder)
    # A record lies by itself, or in the entry that brought it.
    filed: dict[str, Filed] = {}
    for entry in entries:
        address, status = _relative(folder / entry.name, site), found[entry.name]
        # Images are run again for the derainer's own records.
        beside: Status = "re-scored" if status == "re-run" else status
        filed |= {record.filename(): Filed(address, beside) for record in entry.references}
        filed |= {record.filename(): Filed(address, status) for record in entry.records}
    filed |= {
        path.name: Filed(_relative(path, site)) for place in reversed(places) for path in place.glob("*.json")
    }
    files = build_site(board, read_samples(folder / "samples"), filed, repository)
    rendered = {site / name: content for name, content in files.items()}
    shown = "`, `".join(markdown(place.as_posix()) for place in (folder, *further))
    rendered[page] = render_page(board, records, shown, [(e, found[e.name]) for e in entries]).encode()
    return rendered, []


def render_page(
    board: Board, records: list[Record], folder: str, entries: Sequence[tuple[Listed, Status]] = ()
) -> str:
    """LEADERBOARD.md: photos before rendered scenes, tables over all rains, then one for each variant; coverage.

    Args:
        board: The checked board.
        records: Its records.
        folder: The address of the records, as Markdown.
        entries: What was found of each entry.
    """
    rows = ", ".join(f"`{label}` {text}" for label, text in glossary.rows(board.results))
    metrics = " ".join(glossary.metrics(board.results, "board"))
    story = tell(board.results)
    told = (
        f"**{markdown(story.sentence)}** {markdown(' '.join((story.about, *story.caveats)))}\n\n"
        if story
        else ""
    )
    parts = [_INTRO.format(board=folder, story=told, rows=rows, metrics=metrics)]
    kinds = (("Photos", False), (_SMOKE, True))
    for title, smoke in kinds:
        sections = [section for section in board.sections if words.smoke(section.group) == smoke]
        if not sections:
            continue
        own = [record for section in sections for record in section.group.records.values()]
        parts.append(f"## {title}\n\n### Over all rains\n")
        parts.append(render_markdown(build_tables(own, "paper")))
        parts.append("### By variant\n")
        tables = [replace(section.table, caption=section.table.caption + ".") for section in sections]
        parts.append(render_markdown(tables))
    parts += [_COVERAGE, coverage_table(coverage(board.results))]
    if entries:
        parts += [_ENTRIES, *(_entry(entry, status) for entry, status in entries), ""]
    return "\n".join(parts)


def _entry(entry: Listed, status: Status) -> str:
    """An entry as a row of the page's table."""
    sets = ", ".join(sorted({record.data.name for record in entry.records}))
    cells = (entry.name, entry.statement.label, sets)
    return f"| {' | '.join(map(markdown, cells))} | {len(entry.records):,} | {status} |"


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
    """Pictures that the index of samples does not name, and pages of derainers and data sets that are not there."""
    named = {path.name for path in rendered if path.parent == site / "samples"}
    pictures = [*(folder / "samples").glob(f"*{SUFFIX}"), *(site / "samples").glob(f"*{SUFFIX}")]
    pages = [*(site / "derainers").glob("*.html"), *(site / "sets").glob("*.html")]
    return sorted(
        [path for path in pictures if path.name not in named]
        + [path for path in pages if path not in rendered]
    )


def _relative(path: Path, site: Path) -> str:
    """The address of a file as seen from the site's folder."""
    import os

    return Path(os.path.relpath(path, site)).as_posix()
