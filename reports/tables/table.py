"""The neutral table that every preset builds and every renderer reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

from bench.errors import unknown
from reports.arrangement import Arrangement, Best, forms
from reports.metrics import MISSING, written
from reports.quotes import plain

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
        about: What a tidy row says of the column's numbers: variant, task, model, metric.
        over: Of a mean, what tables call the variants that it is over.
    """

    key: str
    title: str
    unit: str = ""
    protocol: str = ""
    digits: int = 1
    scale: float = 1.0
    higher_is_better: bool | None = True
    group: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    over: tuple[str, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """What tables call the variants that its numbers are from."""
        own = self.about.get("variant")
        return self.over or ((str(own),) if own else ())

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
        mark: Whether it is the best or second best of its column.
        note: Footnote: why it is missing, or what it is made of.
        tied: Whether it cannot be told apart from the best of its column.
        seen: Whether its derainer has learnt from the rain or the scenes of the test.
        about: What a tidy row says of this number alone: images, coverage, status.
        digits: Decimals that are known, where these may be fewer than the column shows.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    mark: Mark | None = None
    note: str | None = None
    tied: bool = False
    seen: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    digits: int | None = None

    def text(self, column: Column) -> str:
        """The number as shown."""
        known = column.digits if self.digits is None else min(self.digits, column.digits)
        return written(self.value, known, column.scale)

    def lacking(self, column: Column) -> int:
        """How many characters its text is short of the column's decimals, for numbers to line up."""
        decimals = len(self.text(column).partition(".")[2])
        return 0 if self.value is None else column.digits - decimals + (column.digits > 0 == decimals)

    def interval_text(self, column: Column) -> str:
        """`[low, high]` as shown, or nothing."""
        if self.value is None or self.low is None or self.high is None:
            return ""
        low, high = (written(v, column.digits, column.scale) for v in (self.low, self.high))
        return f"[{low}, {high}]"


@dataclass(frozen=True)
class Row:
    """A derainer's cells.

    Attributes:
        label: The derainer's label, `clean` or `none`.
        cells: One per column.
        reference: Whether it is one of the rows `clean` and `none`, which are not ranked.
        title: What the row is called, where that is not its label.
        section: Title of the group of rows that it stands in.
        quoted: Whether its numbers are others'; they are not ranked.
        note: Footnote on the whole row.
        seen: Whether its derainer has learnt from the rain or the scenes of every test of the table.
        cite: Key of a bibliography.
        about: What a tidy row says of it; empty for the row's name under the table's head.
    """

    label: str
    cells: tuple[Cell, ...]
    reference: bool = False
    title: str | None = None
    section: str = ""
    quoted: bool = False
    note: str | None = None
    seen: bool = False
    cite: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the row is called."""
        return self.label if self.title is None else self.title


@dataclass(frozen=True)
class Table:
    """A table; empty is a value.

    Attributes:
        name: Short name, unique in a report.
        caption: What it shows, under which protocol, made by which version.
        recaption: The caption where only these columns are shown; None where it is the same.
        sampling: How its ties and intervals were made; empty where it has none.
        columns: Its columns.
        rows: Its rows, in order; every row has one cell per column.
        notes: Remarks on the whole table; one that begins with a header and a colon is on the columns under it.
        intervals: Whether intervals are shown.
        head: Header of the column of labels.
        best: How the best of a column are marked.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    intervals: bool = True
    head: str = "derainer"
    best: Best = "value"
    sampling: str = ""
    recaption: Callable[[Sequence[Column]], str] | None = field(default=None, compare=False, repr=False)

    def footnotes(self) -> dict[str, int]:
        """Each row's and cell's note once, numbered from 1 in reading order."""
        numbers: dict[str, int] = {}
        for row in self.rows:
            for note in (row.note, *(cell.note for cell in row.cells)):
                if note:
                    numbers.setdefault(note, len(numbers) + 1)
        return numbers

    def groups(self) -> list[tuple[str, int]]:
        """Neighbouring columns by group: (group, how many)."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, lambda c: c.group)]

    def blocks(self) -> list[tuple[str, tuple[Row, ...]]]:
        """Neighbouring rows that belong together, with the title of their section: a rule goes between."""
        kinds = groupby(self.rows, lambda row: (row.reference, row.quoted, row.section))
        return [(section, tuple(rows)) for (_, _, section), rows in kinds]


@dataclass(frozen=True)
class Choice:
    """What to show, and sorted by what; None keeps the preset's.

    Attributes:
        columns: Column keys in order; a key without a group names the column in every group, a group's name all its
            columns.
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
        positions = list(dict.fromkeys(i for key in choice.columns for i in find_columns(table, key)))
        rows = [replace(row, cells=tuple(row.cells[i] for i in positions)) for row in table.rows]
        columns = tuple(table.columns[i] for i in positions)
        chosen = replace(
            chosen,
            columns=columns,
            rows=tuple(rows),
            notes=_kept_notes(table, columns),
            caption=table.recaption(columns) if table.recaption else table.caption,
        )
    if choice.sort is None:
        return chosen
    references = [row for row in chosen.rows if row.reference]
    if choice.sort == "name":
        ranked = sorted((row for row in chosen.rows if not row.reference), key=lambda row: row.name)
        return replace(chosen, rows=(*references, *ranked))
    at = find_columns(table, choice.sort)[0]
    falling = table.columns[at].higher_is_better is not False
    values = {id(row): full.cells[at].value for row, full in zip(chosen.rows, table.rows, strict=True)}

    def place(row: Row) -> tuple[bool, float, str]:
        value = values[id(row)]
        return (value is None, (-value if falling else value) if value is not None else 0.0, row.name)

    ranked = sorted((row for row in chosen.rows if not row.reference), key=place)
    return replace(chosen, rows=(*references, *ranked))


def choose_each(tables: Sequence[Table], choice: Choice) -> list[Table]:
    """Apply a choice to tables that differ in their columns: a dry day has harm where rain has recovery.

    Of each are shown the columns that it has; one that has none of them is left out, and one without the column to sort
    by keeps its order.

    Raises:
        UnknownName: If no table has such a column.
    """
    named = (*(choice.columns or ()), *(() if choice.sort in (None, "name") else (choice.sort,)))
    for key in named:
        if not any(_positions(table, key) for table in tables):
            raise unknown("column", key, {name for table in tables for name in _names(table)})
    chosen = []
    for table in tables:
        columns = choice.columns and tuple(key for key in choice.columns if _positions(table, key))
        sort = choice.sort if choice.sort in (None, "name") or _positions(table, choice.sort) else None
        if columns != ():
            chosen.append(choose(table, replace(choice, columns=columns, sort=sort)))
    return chosen


def _kept_notes(table: Table, columns: Sequence[Column]) -> tuple[str, ...]:
    """The remarks on a table but those on columns that it does not show any more."""
    before, after = (
        {c.group for c in found} | {c.title for c in found} for found in (table.columns, columns)
    )
    return tuple(note for note in table.notes if note.partition(":")[0] not in before - after)


def set_out(table: Table, arrangement: Arrangement, *, ordered: bool = True) -> Table:
    """Put the rows of a table of derainers into the order, names and groups that were asked for.

    Args:
        table: The table, sorted as its preset does.
        arrangement: From :func:`reports.arrangement.arrange`.
        ordered: Whether the arrangement's order counts, within its groups too; not where the user sorts by a column.
    """
    rows = [row for row in table.rows if row.label not in arrangement.drop]
    if arrangement.order and ordered:
        known = {label: place for place, label in enumerate(arrangement.order)}
        rows.sort(key=lambda row: known.get(row.label, -1 if row.reference else len(known)))
    titles = [title for title, _ in arrangement.sections]
    placed = []
    for row in rows:
        section = None if row.reference else arrangement.section(row.label)
        title = arrangement.references.get(row.label) if row.reference else row.title
        cite = arrangement.cites.get(row.label)
        name = "" if section is None else titles[section]
        new = replace(row, title=title, section=name, cite=cite)
        placed.append((-1 if row.reference else len(titles) if section is None else section, new))
    if titles:
        listed = [label for _, members in arrangement.sections for label in members] if ordered else []
        own = {label: place for place, label in enumerate(listed)}
        placed.sort(key=lambda pair: (pair[0], own.get(pair[1].label, 0)))
    return replace(table, rows=tuple(row for _, row in placed), best=arrangement.best)


def find_columns(table: Table, key: str) -> list[int]:
    """The positions of the columns that a key names: one column, one in every group, or those of a group.

    A group may be named as `--name` has it, and however a data set's name is spelt.

    Raises:
        UnknownName: If it names none.
    """
    found = _positions(table, key)
    if not found:
        raise unknown("column", key, _names(table))
    return found


def _positions(table: Table, key: str) -> list[int]:
    """What :func:`find_columns` finds, or nothing."""
    exact = [i for i, column in enumerate(table.columns) if column.key == key]
    found = exact or [i for i, column in enumerate(table.columns) if column.key.rpartition("/")[2] == key]
    groups = {column.group for column in table.columns if column.group}
    named = {key} & groups or {group for group in groups if plain(key) in map(plain, forms(group))}
    return found or [i for i, column in enumerate(table.columns) if column.group in named]


def _names(table: Table) -> set[str]:
    """What :func:`find_columns` finds something for."""
    return {column.key for column in table.columns} | {c.group for c in table.columns if c.group}


__all__ = [
    "MISSING",
    "Cell",
    "Choice",
    "Column",
    "Mark",
    "Row",
    "Table",
    "choose",
    "choose_each",
    "find_columns",
    "set_out",
]
