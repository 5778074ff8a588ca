"""Rows of numbers that others published, under the rows of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import BadConfig, some
from bench.vocabulary import OWN
from reports.arrangement import forms
from reports.quotes import Quoted, plain
from reports.results import Results
from reports.tables.table import Cell, Column, Row, Table


def with_quotes(tables: Sequence[Table], results: Results, quotes: Sequence[Quoted]) -> list[Table]:
    """Put quoted rows under the rows of every table that has a column for one of their numbers.

    A number stands in the column of its data set, metric and protocol. Data that the bench adds rain to is the
    published set only where it is named so.

    Raises:
        BadConfig: If a block has nothing for these tables: other data sets, or other protocols.
    """
    names = _names(results)
    for quote in quotes:
        _check(tables, names, quote)
    found = []
    for table in tables:
        rows = [
            row
            for quote in quotes
            for method in quote.rows
            if (row := _row(table, names, quote, method)) is not None and _is_wanted(method, results, quotes)
        ]
        found.append(replace(table, rows=(*table.rows, *rows)))
    return found


def _names(results: Results) -> dict[str, set[str]]:
    """By what a table calls a variant: the names that its data set may be published under."""
    names: dict[str, set[str]] = {}
    for group in results:
        known = {group.shown, group.header}
        if group.first.rain.name == OWN:
            known |= {group.data, *forms(group.first.data.name)}
        names.setdefault(group.shown, set()).update(map(plain, known))
    return names


def _is_wanted(method: str, results: Results, quotes: Sequence[Quoted]) -> bool:
    """Whether a row is chosen; who chooses among derainers alone means no quoted row."""
    only, drop = results.arrangement.only, results.arrangement.drop
    among = {name for quote in quotes for name in quote.rows}.intersection(only)
    return method not in drop and (not among or method in among)


def _on(column: Column, names: dict[str, set[str]], quote: Quoted) -> list[str]:
    """The sets of a block that a column is about."""
    known = names.get(str(column.about.get("variant")), set())
    return [on for on in quote.sets if plain(on) in known]


def _row(table: Table, names: dict[str, set[str]], quote: Quoted, method: str) -> Row | None:
    cells = [_cell(column, _on(column, names, quote), quote, method) for column in table.columns]
    if table.head != "derainer" or all(cell.value is None for cell in cells):
        return None
    about = {"derainer": method}
    return Row(method, tuple(cells), quoted=True, note=quote.note, about=about)


def _cell(column: Column, on: Sequence[str], quote: Quoted, method: str) -> Cell:
    metric = str(column.about.get("metric"))
    if quote.protocol.get(metric) == column.protocol:
        for name in on:
            value = quote.rows[method].get((name, metric))
            if value is not None:
                digits = max(0, -int(value.as_tuple().exponent))
                return Cell(float(value) / column.scale, digits=digits, about={"status": "quoted"})
    return Cell(None, about={"status": "quoted"})  # the row's footnote says what is quoted


def _check(tables: Sequence[Table], names: dict[str, set[str]], quote: Quoted) -> None:
    columns = [c for table in tables if table.head == "derainer" for c in table.columns]
    shared = {on: column for column in columns for on in _on(column, names, quote)}
    if not shared:
        raise BadConfig(
            f"--quote {quote.name}: its sets are {some(quote.sets)}, of which these tables have none; "
            f"--name DATA=SET says that two are the same"
        )
    if any(_cell(c, _on(c, names, quote), quote, m).value is not None for c in columns for m in quote.rows):
        return
    on = next(iter(shared))
    here = {c.protocol for c in columns if on in _on(c, names, quote) and c.protocol}
    raise BadConfig(
        f"--quote {quote.name}: its numbers on {on} are {', '.join(quote.protocol.values())}, those of these tables "
        f"{', '.join(sorted(here))}: other protocols are not put side by side"
    )
