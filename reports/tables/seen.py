"""Who has learnt from the rain or the scenes that it is tested on: a dagger, and a remark that says from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.keep.records import Record
from reports.arrangement import forms
from reports.quotes import plain
from reports.results import Results
from reports.tables.renderers.escape import SEEN
from reports.tables.table import Row, Table

#: By derainer and what a table calls a variant: what of the test the derainer has learnt from.
Seen = dict[tuple[str, str], str]


def seen_of(record: Record) -> str | None:
    """What of a record's test its derainer has learnt from: the rain, or the data set; None as far as its card says.

    A data set is the same only with its split: who learnt on ``camvid/train`` has not seen ``camvid/val``.
    """
    learnt = record.derainer.card.get("learnt")
    test = {plain(form) for form in forms(record.data.name)}
    rain = record.rain.name.partition(":")[0]
    for name in learnt if isinstance(learnt, list | tuple) else ():
        parts = str(name).split("/")
        if str(name) == rain or test.intersection((plain(parts[-1]), plain("/".join(parts[-2:])))):
            return str(name)
    return None


def with_seen(tables: Sequence[Table], results: Results) -> list[Table]:
    """Mark who has learnt from the test: its row where that holds for all of a table's variants, else its numbers."""
    seen: Seen = {
        (label, group.shown): what
        for group in results
        for label, record in group.records.items()
        if (what := seen_of(record)) is not None
    }
    return [_marked(table, seen) if table.head == "derainer" else table for table in tables]


def _marked(table: Table, seen: Seen) -> Table:
    places = [column.variants for column in table.columns]
    tests = {test for place in places for test in place}
    rows, found = [], {}
    for row in table.rows:
        where = {test for test in tests if (row.label, test) in seen} if not row.quoted else set()
        if where:
            found[row.name] = dict.fromkeys(seen[row.label, test] for test in sorted(where))
        rows.append(_row(row, places, where, whole=where == tests))
    if not found:
        return table
    words = "; ".join(f"{name}: {', '.join(what)}" for name, what in found.items())
    note = f"{SEEN} has learnt from the rain or the scenes of the test ({words})"
    return replace(table, rows=tuple(rows), notes=(*table.notes, note))


def _row(row: Row, places: Sequence[Sequence[str]], where: set[str], *, whole: bool) -> Row:
    if not where or whole:
        return replace(row, seen=bool(where))
    cells = (
        replace(cell, seen=cell.value is not None and not where.isdisjoint(place))
        for cell, place in zip(row.cells, places, strict=True)
    )
    return replace(row, cells=tuple(cells))
