"""The table of a paper: derainers by data sets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.errors import BadData, UnknownName
from bench.keep.records import Record
from reports.arrangement import arrangement_of
from reports.tables.marks import caption
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


def test_a_data_set_is_chosen_however_it_is_spelt_and_the_caption_follows(records: list[Record]) -> None:
    (whole,) = build_tables(records, "survey")
    assert whole.caption.startswith("Derainers on 3 data sets, PSNR Y in dB, AP in %, params in M; scenes: ")
    assert all(not column.unit for column in whole.columns)
    for key in ("rain100h@streaks:heavy", "Rain100H@streaks:heavy", "pairs/rain100h@streaks:heavy"):
        (table,) = build_tables(records, "survey", Choice(columns=(key,)))
        assert [column.title for column in table.columns] == ["PSNR Y", "SSIM Y"]
        assert table.caption == (
            "Derainers on 1 data set, PSNR Y in dB; 200 scenes. Protocols: psnr@y, ssim@y. derain-bench 0.1.0."
        )
    with pytest.raises(UnknownName, match="known: average, .*pairs/rain100h@streaks:heavy, "):
        build_tables(records, "survey", Choice(columns=("nowhere",)))


def test_averages_stand_in_the_order_of_tasks_and_name_no_model_of_two(
    records: list[Record], run_records: MakeRun
) -> None:
    more = run_records(LABELS, ("streaks:heavy",), ("restoration",), data="pairs/rain12")
    other = [
        r.model_copy(update={"model": r.model.model_copy(update={"name": "another"})}) if r.model else r
        for r in run_records(LABELS, ("streaks:light",), ("restoration", "detection"), data="bdd/val")
    ]
    (table,) = build_tables(records + more + other, "survey")
    averages = [column for column in table.columns if column.group == "average"]
    assert [column.title for column in averages] == ["PSNR Y", "SSIM Y", "AP"]
    assert averages[-1].about["model"] is None
    (table,) = build_tables(records, "survey")
    assert [c.about["model"] for c in table.columns if c.key == "mean/ap"] == ["tiny_detector"]


def test_the_caption_speaks_of_ties_and_intervals_that_are_shown(records: list[Record]) -> None:
    how = "95 %, paired bootstrap over scenes, 200 resamples."
    (table,) = build_tables(records, "survey")
    assert "ntervals" not in caption(table)
    (table,) = build_tables(records, "survey", Choice(intervals=True))
    assert caption(table).endswith(f"Intervals: {how}")
    (table,) = build_tables(records, "survey", Choice(intervals=True), arrangement_of(best="ties"))
    assert f"Ties and intervals: {how}" in caption(table)
    (table,) = build_tables(records, "images", Choice())[:1]
    assert "resamples" not in caption(table)


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
        few = {"low": None, "high": None, "note": "objects in too few scenes for an interval"}
        scores = tuple(s.model_copy(update=few) if s.metric == "iou/person" else s for s in scores)
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
    person = next(row for row in table.rows if row.label == "person")
    assert person.cells[2].note == "objects in too few scenes for an interval"
    (bare,) = build_tables(records, "per-class")
    assert [column.title for column in bare.columns] == ["none", "rdmc"]
