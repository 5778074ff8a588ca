"""The table of a paper: derainers by data sets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.errors import BadData
from bench.keep.records import Record
from reports.arrangement import arrangement_of
from reports.tables.presets import build_tables
from reports.tables.table import Choice

MakeRun = Callable[..., list[Record]]
LABELS = ("clean", "none", "median", "rdmc")


@pytest.fixture(scope="module")
def records(run_records: MakeRun) -> list[Record]:
    """A set that is only measured, two that a detector looks at, and a dry day."""
    measured = run_records(LABELS, ("streaks:heavy",), ("restoration",), data="pairs/rain100h")
    looked = run_records(LABELS, ("none", "streaks:light"), ("restoration", "detection"), data="coco/val")
    street = run_records(LABELS, ("streaks:light",), ("restoration", "detection"))
    return measured + looked + street


def test_groups_are_data_sets_and_the_average_is_last(records: list[Record]) -> None:
    (table,) = build_tables(records, "survey", None, arrangement_of(name=["rain100h@streaks:heavy=Rain100H"]))
    assert [(c.group, c.title) for c in table.columns] == [
        ("coco/val@streaks:light", "PSNR Y"),
        ("coco/val@streaks:light", "AP"),
        ("Rain100H", "PSNR Y"),
        ("Rain100H", "SSIM Y"),
        ("street/test@streaks:light", "PSNR Y"),
        ("street/test@streaks:light", "AP"),
        ("average", "PSNR Y"),
        ("average", "AP"),
        ("", "params"),
    ]
    assert "none" not in {c.group.rpartition("@")[2] for c in table.columns}
    assert [row.label for row in table.rows] == ["clean", "none", "rdmc", "median"]
    assert "average: the unweighted mean of the columns, PSNR Y over 3, AP over 2" in table.notes


def test_the_average_is_that_of_the_columns(records: list[Record]) -> None:
    (table,) = build_tables(records, "survey")
    keys = [column.key for column in table.columns]
    row = next(row for row in table.rows if row.label == "rdmc")
    parts = [
        cell.value
        for cell, key in zip(row.cells, keys, strict=True)
        if key.endswith("/ap") and "mean" not in key
    ]
    mean = row.cells[keys.index("mean/ap")]
    assert mean.value == pytest.approx(sum(parts) / 2)  # type: ignore[arg-type]
    assert mean.low is not None


def test_two_protocols_have_no_average(run_records: MakeRun) -> None:
    one = run_records(LABELS, ("streaks:light",), ("segmentation",))
    other = run_records(LABELS, ("streaks:light",), ("segmentation",), data="camvid/val")
    changed = []
    for record in other:
        scores = tuple(s.model_copy(update={"protocol": "miou@11"}) for s in record.scores)
        model = record.model.model_copy(update={"classes": 11})  # type: ignore[union-attr]
        changed.append(record.model_copy(update={"scores": scores, "model": model}))
    (table,) = build_tables(one + changed, "survey")
    assert "mIoU: no average, miou@11 and miou@3 are different protocols" in table.notes
    assert not any(column.group == "average" for column in table.columns)


def test_a_group_of_columns_is_chosen_by_its_name(records: list[Record]) -> None:
    (table,) = build_tables(records, "survey", Choice(columns=("average", "params")))
    assert [column.key for column in table.columns] == ["mean/psnr_y", "mean/ap", "params"]
    assert any(note.startswith("average:") for note in table.notes)
    (table,) = build_tables(records, "survey", Choice(columns=("ap", "params")))
    assert any(note.startswith("average:") for note in table.notes)
    (table,) = build_tables(records, "survey", Choice(columns=("street/test@streaks:light",)))
    assert not table.notes


def test_a_dry_day_alone_has_no_survey(run_records: MakeRun) -> None:
    with pytest.raises(BadData, match="nothing to show in table survey"):
        build_tables(run_records(LABELS, ("none",), ("detection",)), "survey")


def test_classes_have_counts_and_intervals(run_records: MakeRun) -> None:
    records = run_records(("none", "rdmc"), ("streaks:heavy",), ("segmentation",))
    counted = []
    for record in records:
        scores = tuple(
            s.model_copy(update={"low": s.value - 0.1, "high": s.value + 0.1})
            if "/" in s.metric and s.value
            else s
            for s in record.scores
        )
        counts = {"of": "pixels", "classes": {"road": 700, "car": 30}}
        breakdown = {**record.breakdown, "counts": counts}
        counted.append(record.model_copy(update={"scores": scores, "breakdown": breakdown}))
    (table,) = build_tables(counted, "per-class")
    assert [column.title for column in table.columns] == ["pixels", "none", "rdmc"]
    road = next(row for row in table.rows if row.label == "road")
    assert road.cells[0].value == 700
    own = counted[1].score("iou/road")
    assert own is not None
    assert (road.cells[2].value, road.cells[2].low) == (own.value, own.low)
    assert table.intervals
    (bare,) = build_tables(records, "per-class")
    assert [column.title for column in bare.columns] == ["none", "rdmc"]
