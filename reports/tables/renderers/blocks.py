"""A table too wide for where it stands, cut between columns into blocks with the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reports.tables.table import Table


def blocks(table: Table, width: Callable[[Table], float], room: float) -> list[Table]:
    """Cut a table into as few blocks as fit, as even as can be.

    Columns under one header stay together where there is room for them.

    Args:
        table: The table.
        width: How wide a block is.
        room: How wide one may be; a block of a single column may be wider.
    """
    if width(table) <= room:
        return [table]
    pieces, at = [], 0
    for group, count in table.groups():
        whole = (at, at + count)
        keeps = group and width(_columns(table, *whole)) <= room
        pieces += [whole] if keeps else [(i, i + 1) for i in range(*whole)]
        at += count

    def packed(most: float) -> list[Table]:
        found: list[Table] = []
        start = 0
        for i, (_, stop) in enumerate(pieces):
            beyond = pieces[i + 1][1] if i + 1 < len(pieces) else None
            if beyond is None or width(_columns(table, start, beyond)) > most:
                found.append(_columns(table, start, stop))
                start = stop
        return found

    parts = packed(room)
    while True:
        widest = max(map(width, parts))
        evener = packed(widest - 1)
        if len(evener) > len(parts) or max(map(width, evener)) >= widest:
            return parts
        parts = evener


def _columns(table: Table, start: int, stop: int) -> Table:
    rows = tuple(replace(row, cells=row.cells[start:stop]) for row in table.rows)
    return replace(table, columns=table.columns[start:stop], rows=rows)
