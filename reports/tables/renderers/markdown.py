"""Tables as GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.marks import caption, legend
from reports.tables.renderers.escape import TIED, markdown, raised, superscript
from reports.tables.table import Cell, Column, Row, Table

_MARKS = {"best": ("**", "**"), "second": ("<ins>", "</ins>"), None: ("", "")}


def render_markdown(tables: Sequence[Table]) -> str:
    """Each table with its caption above and its footnotes below."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    notes = table.footnotes()
    marks = legend(table, "best in bold", "second underlined", TIED)
    header = [markdown(table.head), *(markdown(column.full_header) for column in table.columns)]
    lines = [
        f"**{markdown(caption(table, marks))}**",
        "",
        "| " + " | ".join(header) + " |",
        "|:--|" + "--:|" * len(table.columns),
    ]
    for section, rows in table.blocks():
        if section:
            lines.append(f"| **{markdown(section)}** |" + " |" * len(table.columns))
        for row in rows:
            cells = zip(row.cells, table.columns, strict=True)
            texts = [_label(row, notes), *(_cell(cell, column, row, table, notes) for cell, column in cells)]
            lines.append("| " + " | ".join(texts) + " |")
    remarks = [f"{superscript(number)} {markdown(note)}" for note, number in notes.items()]
    remarks += [markdown(note) for note in table.notes]
    # Two spaces end a line; without them the notes would run together.
    lines += ["", "  \n".join(remarks)] if remarks else []
    return "\n".join(lines) + "\n"


def _label(row: Row, notes: dict[str, int]) -> str:
    text = markdown(row.name)
    text = f"*{text}*" if row.reference or row.quoted else text
    return text + raised(row.seen, False, row.note, notes)


def _cell(cell: Cell, column: Column, row: Row, table: Table, notes: dict[str, int]) -> str:
    before, after = ("*", "*") if row.quoted and cell.value is not None else _MARKS[cell.mark]
    text = f"{before}{cell.text(column)}{after}"
    interval = cell.interval_text(column) if table.intervals else ""
    if interval:
        text += f" {interval}"
    return text + raised(cell.seen, cell.tied, cell.note, notes)
