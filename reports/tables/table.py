"""The neutral table that every preset builds and every renderer reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.errors import UnknownName, unknown
from reports.metrics import MISSING, written

Mark = Literal["best", "second"]


@dataclass(frozen=True)
class Column:
    """A column and everything a renderer must know of it.

    Attributes:
        key: What `--columns` and `--sort` call it.
        title: Its header.
        unit: Unit of the numbers shown.
        protocol: How the numbers were measured, e.g. `ap@coco`; one protocol per column.
        digits: Decimals shown.
        scale: What stored values are multiplied by to be shown.
        higher_is_better: Direction; None where neither end is better.
        group: Header above several columns, e.g. the rain.
    """

    key: str
    title: str
    unit: str = ""
    protocol: str = ""
    digits: int = 1
    scale: float = 1.0
    higher_is_better: bool | None = True
    group: str = ""

    @property
    def header(self) -> str:
        """Title and unit, e.g. `AP (%)`."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def full_header(self) -> str:
        """Group, title and unit, for formats that have no spanning headers."""
        return f"{self.group} {self.header}" if self.group else self.header


@dataclass(frozen=True)
class Cell:
    """A number with its interval, or the reason why there is none.

    Attributes:
        value: As stored; None is missing.
        low: Lower end of the interval, as stored.
        high: Upper end of the interval.
        mark: Whether it is the best or second best of its column, ties included.
        note: Footnote: why it is missing, or what it is made of.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    mark: Mark | None = None
    note: str | None = None

    def text(self, column: Column) -> str:
        """The number as shown."""
        return written(self.value, column.digits, column.scale)

    def interval_text(self, column: Column) -> str:
        """`[low, high]` as shown, or nothing."""
        if self.value is None or self.low is None or self.high is None:
            return ""
        low, high = (written(v, column.digits, column.scale) for v in (self.low, self.high))
        return f"[{low}, {high}]"


@dataclass(frozen=True)
class Row:
    """A derainer's cells; `reference` marks the rows `clean` and `none`, which are not ranked."""

    label: str
    cells: tuple[Cell, ...]
    reference: bool = False


@dataclass(frozen=True)
class Table:
    """A table; empty is a value.

    Attributes:
        name: Short name, unique in a report.
        caption: What it shows, under which protocol, made by which version.
        columns: Its columns.
        rows: Its rows, in order; every row has one cell per column.
        notes: Remarks on the whole table.
        intervals: Whether intervals are shown.
        head: Header of the column of labels.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    intervals: bool = True
    head: str = "derainer"

    def footnotes(self) -> dict[str, int]:
        """Each cell's note once, numbered from 1 in reading order."""
        numbers: dict[str, int] = {}
        for row in self.rows:
            for cell in row.cells:
                if cell.note:
                    numbers.setdefault(cell.note, len(numbers) + 1)
        return numbers

    def groups(self) -> list[tuple[str, int]]:
        """Neighbouring columns by group: (group, how many)."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return spans


@dataclass(frozen=True)
class Choice:
    """What to show, and sorted by what; None keeps the preset's.

    Attributes:
        columns: Column keys in order; a key without a group names the column in every group.
        sort: A column key, or `name`.
        intervals: Whether to show intervals.
    """

    columns: tuple[str, ...] | None = None
    sort: str | None = None
    intervals: bool | None = None


def choose(table: Table, choice: Choice) -> Table:
    """Apply a choice of columns and an order of rows.

    References stay on top; rows sort best first by the direction of the column, missing last, equal values
    by name.

    Raises:
        UnknownName: If the table has no such column.
    """
    chosen = table if choice.intervals is None else replace(table, intervals=choice.intervals)
    if choice.columns is not None:
        positions = [i for key in choice.columns for i in _find(table, key)]
        rows = [replace(row, cells=tuple(row.cells[i] for i in positions)) for row in table.rows]
        chosen = replace(chosen, columns=tuple(table.columns[i] for i in positions), rows=tuple(rows))
    if choice.sort is None:
        return chosen
    references = [row for row in chosen.rows if row.reference]
    if choice.sort == "name":
        ranked = sorted((row for row in chosen.rows if not row.reference), key=lambda row: row.label)
        return replace(chosen, rows=(*references, *ranked))
    at = _find(table, choice.sort)[0]
    falling = table.columns[at].higher_is_better is not False
    values = {id(row): full.cells[at].value for row, full in zip(chosen.rows, table.rows, strict=True)}

    def place(row: Row) -> tuple[bool, float, str]:
        value = values[id(row)]
        return (value is None, (-value if falling else value) if value is not None else 0.0, row.label)

    ranked = sorted((row for row in chosen.rows if not row.reference), key=place)
    return replace(chosen, rows=(*references, *ranked))


def _find(table: Table, key: str) -> list[int]:
    exact = [i for i, column in enumerate(table.columns) if column.key == key]
    found = exact or [i for i, column in enumerate(table.columns) if column.key.rpartition("/")[2] == key]
    if not found:
        error: UnknownName = unknown("column", key, (column.key for column in table.columns))
        raise error
    return found


__all__ = ["MISSING", "Cell", "Choice", "Column", "Mark", "Row", "Table", "choose"]
