from __future__ import annotations

import pytest

from bench.errors import UnknownName
from reports.tables.table import Cell, Choice, Column, Row, Table, choose, choose_each

TABLE = Table(
    "t",
    "A table",
    (
        Column("a/ap", "AP", "%", scale=100.0, group="a"),
        Column("b/ap", "AP", "%", scale=100.0, group="b"),
        Column("time", "time", "ms", higher_is_better=False),
    ),
    (
        Row("none", (Cell(0.1), Cell(0.1), Cell(None, note="no derainer")), reference=True),
        Row("x", (Cell(0.2, 0.1, 0.3), Cell(None, note="not run"), Cell(5.0))),
        Row("y", (Cell(0.3), Cell(0.4), Cell(9.0))),
        Row("z", (Cell(None, note="not run"), Cell(0.2), Cell(1.0))),
    ),
)


def labels(table: Table) -> list[str]:
    return [row.label for row in table.rows]


def test_sorting_knows_the_direction_and_keeps_references_on_top() -> None:
    assert labels(choose(TABLE, Choice(sort="a/ap"))) == ["none", "y", "x", "z"]
    assert labels(choose(TABLE, Choice(sort="time"))) == ["none", "z", "x", "y"]
    assert labels(choose(TABLE, Choice(sort="name"))) == ["none", "x", "y", "z"]


def test_columns_by_full_or_short_key() -> None:
    assert [c.key for c in choose(TABLE, Choice(("time", "a/ap"))).columns] == ["time", "a/ap"]
    assert [c.key for c in choose(TABLE, Choice(("ap",))).columns] == ["a/ap", "b/ap"]


def test_a_table_may_be_sorted_by_a_column_it_does_not_show() -> None:
    chosen = choose(TABLE, Choice(("a/ap",), sort="time"))
    assert labels(chosen) == ["none", "z", "x", "y"]
    assert [len(row.cells) for row in chosen.rows] == [1, 1, 1, 1]


def test_a_column_of_some_tables_is_shown_where_there_is_one() -> None:
    dry = choose(TABLE, Choice(("a/ap",)))
    both = choose_each([TABLE, dry], Choice(("time", "a/ap"), sort="time"))
    assert [[c.key for c in table.columns] for table in both] == [["time", "a/ap"], ["a/ap"]]
    assert [labels(table) for table in both] == [["none", "z", "x", "y"], labels(dry)]
    assert choose_each([TABLE, dry], Choice(("time",))) == [choose(TABLE, Choice(("time",)))]
    with pytest.raises(UnknownName, match="did you mean time"):
        choose_each([TABLE, dry], Choice(("a/ap", "tiem")))


def test_unknown_column_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="did you mean time"):
        choose(TABLE, Choice(sort="tiem"))


def test_notes_are_numbered_once_in_reading_order() -> None:
    assert TABLE.footnotes() == {"no derainer": 1, "not run": 2}


def test_missing_is_an_em_dash_and_minus_zero_is_zero() -> None:
    column = TABLE.columns[0]
    assert Cell(None).text(column) == "—"
    assert Cell(-0.0001).text(column) == "0.0"
    assert Cell(0.2, 0.1, 0.3).interval_text(column) == "[10.0, 30.0]"
    assert Cell(0.2, None, 0.3).interval_text(column) == ""
