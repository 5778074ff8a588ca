"""Tables as plain text, as wide as they need to be: for pipes and files."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.renderers.escape import superscript, visible
from reports.tables.table import Cell, Column, Table

_MARKS = {"best": "*", "second": "+", None: " "}
_GAP = "   "


def render_text(tables: Sequence[Table]) -> str:
    """Each table under its caption; a star follows the best of a column and a plus the second best."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    from rich.cells import cell_len

    notes = table.footnotes()
    lines = [[visible(table.head), *(visible(column.header) + " " for column in table.columns)]]
    grouped = any(column.group for column in table.columns)
    if grouped:
        lines.insert(0, ["", *(visible(column.group) + " " for column in table.columns)])
    for row in table.rows:
        cells = zip(row.cells, table.columns, strict=True)
        lines.append(
            [visible(row.label), *(_cell(cell, column, table.intervals, notes) for cell, column in cells)]
        )
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(lines[0]))]

    def drawn(line: list[str]) -> str:
        label, *numbers = line
        parts = [label + " " * (widths[0] - cell_len(label))]
        parts += [
            " " * (width - cell_len(text)) + text for text, width in zip(numbers, widths[1:], strict=True)
        ]
        return _GAP.join(parts).rstrip()

    shown = [drawn(line) for line in lines]
    shown.insert(2 if grouped else 1, "─" * (sum(widths) + len(_GAP) * len(table.columns)))
    remarks = [f"{superscript(number)} {visible(note)}" for note, number in notes.items()]
    remarks += [visible(note) for note in table.notes]
    if any(cell.mark for row in table.rows for cell in row.cells):
        remarks.append("* best, + second; derainers within noise of each other share the mark")
    return "\n".join([visible(table.caption), "", *shown, "", *remarks]).rstrip() + "\n"


def _cell(cell: Cell, column: Column, intervals: bool, notes: dict[str, int]) -> str:
    text = cell.text(column)
    interval = cell.interval_text(column) if intervals else ""
    if interval:
        text += f" {interval}"
    if cell.note:
        return text + superscript(notes[cell.note]) + (_MARKS[cell.mark] if cell.mark else "")
    # The sign has a column of its own, or numbers of one column would not line up.
    return text + _MARKS[cell.mark]
