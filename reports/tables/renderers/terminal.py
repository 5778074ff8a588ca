"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.tables.marks import caption
from reports.tables.renderers.blocks import blocks
from reports.tables.renderers.escape import visible
from reports.tables.renderers.plain import lines, remarks
from reports.tables.table import Table

if TYPE_CHECKING:
    from rich.console import Console


def print_tables(tables: Sequence[Table], console: Console) -> None:
    """Print tables; where the terminal is too narrow, intervals go first, then columns go into blocks below."""
    from rich.text import Text

    for table in tables:
        notes = table.footnotes()
        console.print(Text(visible(caption(table)), style="bold"), end="\n\n")
        for block in _fitting(table, notes, console.width):
            for line in lines(block, notes, styled=True):
                console.print(line, overflow="fold")
            console.print()
        for remark in remarks(table, notes, "best in bold", "second underlined"):
            console.print(Text(remark, style="dim"))
        console.print()


def _fitting(table: Table, notes: dict[str, int], room: int) -> list[Table]:
    """The table, or the least of it that fits: without intervals, or cut between columns."""

    def width(block: Table) -> int:
        return max(line.cell_len for line in lines(block, notes, styled=True))

    if width(table) <= room:
        return [table]
    rows = tuple(replace(row, title=_short(row.name, room // 2)) for row in table.rows)
    return blocks(replace(table, rows=rows, intervals=False), width, room)


def _short(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1] + "…"
