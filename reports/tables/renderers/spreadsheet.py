"""Tables as CSV, with every digit there is."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from reports.tables.renderers.escape import spreadsheet
from reports.tables.table import Cell, Column, Table


def render_csv(tables: Sequence[Table]) -> str:
    """One block per table, with an empty line between.

    Numbers are unrounded and in the unit of their header, which names the protocol too. A missing number is
    empty, and the last column says why.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for number, table in enumerate(tables):
        if number:
            buffer.write("\n")
        header = ["table", table.head]
        for column in table.columns:
            name = column.full_header + (f" {column.protocol}" if column.protocol else "")
            header += [name, f"{name} low", f"{name} high"] if table.intervals else [name]
        writer.writerow([spreadsheet(text) for text in (*header, "notes")])
        for row in table.rows:
            line: list[str] = [spreadsheet(table.name), spreadsheet(row.label)]
            notes = []
            for cell, column in zip(row.cells, table.columns, strict=True):
                line += _numbers(cell, column, table.intervals)
                if cell.note:
                    notes.append(f"{column.full_header}: {cell.note}")
            writer.writerow([*line, spreadsheet("; ".join(notes))])
    return buffer.getvalue()


def _numbers(cell: Cell, column: Column, intervals: bool) -> list[str]:
    values = (cell.value, cell.low, cell.high) if intervals else (cell.value,)
    return ["" if value is None else repr(value * column.scale) for value in values]
