"""Derainers by models in one table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.errors import BadData
from bench.keep.records import Record
from reports.tables.presets import build_tables

MakeRun = Callable[..., list[Record]]


def test_models_stand_side_by_side_with_harm_on_dry_days(run_records: MakeRun) -> None:
    rains = ("none", "streaks:heavy")
    first = run_records(rains=rains, tasks=("detection",))
    other = [
        record.model_copy(
            update={
                "model": record.model.model_copy(
                    update={"name": "knows_rain", "key": {"name": "knows_rain"}}
                ),
                "cell": record.cell[::-1],
                "evidence": record.evidence[::-1],
            }
        )
        for record in first
        if record.model is not None
    ]
    (table,) = build_tables([*first, *other], "models")
    assert [(column.group, column.title) for column in table.columns] == [
        ("dry", "knows_rain AP"),
        ("dry", "knows_rain AP harm"),
        ("dry", "tiny_detector AP"),
        ("dry", "tiny_detector AP harm"),
        ("streaks:heavy", "knows_rain AP"),
        ("streaks:heavy", "tiny_detector AP"),
    ]
    assert [row.label for row in table.rows] == ["clean", "none", "guided", "median", "rdmc", "twin"]
    with pytest.raises(BadData, match="nothing to show in table models"):
        build_tables(first, "models")
