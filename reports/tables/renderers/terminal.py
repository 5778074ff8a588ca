"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.tables.marks import caption, legend
from reports.tables.renderers.escape import TIED, raised, superscript, visible
from reports.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

_STYLES = {"best": "bold", "second": "underline", None: ""}


def print_tables(tables: Sequence[Table], console: Console) -> None:
    """Print tables; where the terminal is too narrow, intervals go first, then columns wrap."""
    for table in tables:
        notes = table.footnotes()
        console.print(_text(caption(table), "bold"))
        for part in _fitting(table, console):
            console.print(_rich(part, notes))
        for note, number in notes.items():
            console.print(_text(f"{superscript(number)} {note}", "dim"))
        for note in (*table.notes, *filter(None, [legend(table, "best in bold", "second underlined", TIED)])):
            console.print(_text(note, "dim"))
        console.print()


def _fitting(table: Table, console: Console) -> list[Table]:
    """The table, or the least of it that fits: without intervals, or cut between columns."""
    if _width(table, console) <= console.width:
        return [table]
    bare = replace(table, intervals=False)
    if _width(bare, console) <= console.width:
        return [bare]
    parts: list[Table] = []
    start = 0
    while start < len(table.columns):
        stop = start + 1
        while stop < len(table.columns) and _width(_slice(bare, start, stop + 1), console) <= console.width:
            stop += 1
        parts.append(_slice(bare, start, stop))
        start = stop
    return parts


def _slice(table: Table, start: int, stop: int) -> Table:
    rows = tuple(replace(row, cells=row.cells[start:stop]) for row in table.rows)
    return replace(table, columns=table.columns[start:stop], rows=rows)


def _width(table: Table, console: Console) -> int:
    from rich.measure import Measurement

    wide = console.options.update(max_width=10_000)
    return Measurement.get(console, wide, _rich(table, table.footnotes())).maximum


def _rich(table: Table, notes: dict[str, int]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column(_text(table.head), no_wrap=True)
    shared = {column.group for column in table.columns}
    for column in table.columns:
        header = column.header if shared == {""} else f"{column.group}\n{column.header}"
        drawn.add_column(_lines(header), justify="right", no_wrap=True)
    for section, rows in table.blocks():
        if section:
            drawn.add_row(_text(section, "bold"))
        for row in rows:
            cells = (
                _cell(cell, column, table.intervals, notes)
                for cell, column in zip(row.cells, table.columns, strict=True)
            )
            label = row.name + raised(row.seen, False, row.note, notes)
            drawn.add_row(_text(label, "italic" if row.reference or row.quoted else ""), *cells)
        drawn.add_section()
    return drawn


def _cell(cell: Cell, column: Column, intervals: bool, notes: dict[str, int]) -> Text:
    from rich.text import Text

    text = Text(cell.text(column), style=_STYLES[cell.mark])
    shown = Text.assemble(text)
    if intervals and (interval := cell.interval_text(column)):
        shown.append(f" {interval}", style="dim")
    shown.append(raised(cell.seen, cell.tied, cell.note, notes))
    return shown


def _text(words: str, style: str = "") -> Text:
    """Words as they are: a Text is not parsed for markup."""
    from rich.text import Text

    return Text(visible(words), style=style)


def _lines(words: str) -> Text:
    from rich.text import Text

    return Text("\n".join(visible(line) for line in words.split("\n")))
