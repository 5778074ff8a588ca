"""Tables as GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.renderers.escape import markdown, superscript
from reports.tables.table import Cell, Column, Table

_MARKS = {"best": ("**", "**"), "second": ("<ins>", "</ins>"), None: ("", "")}


def render_markdown(tables: Sequence[Table]) -> str:
    """Each table with its caption above and its footnotes below; best bold, second underlined."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    notes = table.footnotes()
    header = [markdown(table.head), *(markdown(column.full_header) for column in table.columns)]
    lines = [
        f"**{markdown(table.caption)}**",
        "",
        "| " + " | ".join(header) + " |",
        "|:--|" + "--:|" * len(table.columns),
    ]
    for row in table.rows:
        label = f"*{markdown(row.label)}*" if row.reference else markdown(row.label)
        cells = (
            _cell(cell, column, table, notes) for cell, column in zip(row.cells, table.columns, strict=True)
        )
        lines.append("| " + " | ".join([label, *cells]) + " |")
    remarks = [f"{superscript(number)} {markdown(note)}" for note, number in notes.items()]
    remarks += [markdown(note) for note in table.notes]
    # Two spaces end a line; without them the notes would run together.
    lines += ["", "  \n".join(remarks)] if remarks else []
    return "\n".join(lines) + "\n"


def _cell(cell: Cell, column: Column, table: Table, notes: dict[str, int]) -> str:
    before, after = _MARKS[cell.mark]
    text = f"{before}{cell.text(column)}{after}"
    interval = cell.interval_text(column) if table.intervals else ""
    if interval:
        text += f" {interval}"
    return text + (superscript(notes[cell.note]) if cell.note else "")
