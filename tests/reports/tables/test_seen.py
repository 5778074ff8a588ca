"""Daggers: who has learnt from the rain or the scenes of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import reports
from bench.keep.records import Record
from reports.board.content import make_board
from reports.tables.presets import build_tables
from reports.tables.seen import seen_of

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def taught(record: Record, *learnt: str, **data: Any) -> Record:
    derainer = record.derainer.model_copy(update={"card": {**record.derainer.card, "learnt": list(learnt)}})
    changes: dict[str, Any] = {"derainer": derainer}
    if data:
        changes["data"] = record.data.model_copy(update=data)
    return record.model_copy(update=changes)


@pytest.mark.parametrize(
    ("learnt", "data", "rain", "seen"),
    [
        (("streaks",), "street/test", "streaks:heavy", "streaks"),
        (("streaks",), "street/test", "rainfall:50", None),
        (("Rain100H",), "pairs/rain100h[:8]", "own", "Rain100H"),
        (("Rain100H",), "pairs/rain100l", "own", None),
        (("data/camvid/train",), "masks/camvid/val", "streaks:light", None),
        (("data/camvid/train",), "masks/camvid/train", "rainfall:50", "data/camvid/train"),
        (("data/rain100l",), "pairs/rain100l", "own", "data/rain100l"),
        ((), "street/test", "streaks:heavy", None),
    ],
)
def test_rain_or_scenes(
    record: Make, learnt: tuple[str, ...], data: str, rain: str, seen: str | None
) -> None:
    made = taught(record("rdmc", "streaks:heavy"), *learnt, name=data)
    made = made.model_copy(update={"rain": made.rain.model_copy(update={"name": rain})})
    assert seen_of(made) == seen


def test_a_row_or_its_numbers_are_marked(record: Make) -> None:
    heavy = [record(label, "streaks:heavy") for label in ("none", "median")]
    heavy.append(taught(record("rdmc", "streaks:heavy"), "streaks"))
    (table,) = build_tables(heavy, "detection")
    assert [row.seen for row in table.rows] == [False, True, False]
    assert table.notes[-1] == "† has learnt from the rain or the scenes of the test (rdmc: streaks)"
    dry = [record(label, "none") for label in ("none", "median")]
    dry.append(taught(record("rdmc", "none"), "streaks"))
    (table,) = build_tables(heavy + dry, "paper")
    marked = next([cell.seen for cell in row.cells] for row in table.rows if row.label == "rdmc")
    keys = [column.key for column in table.columns]
    assert {key for key, seen in zip(keys, marked, strict=True) if seen} == {
        "streaks:heavy/ap",
        "streaks:heavy/ap_recovery",
    }
    assert not any(row.seen for row in table.rows)
    for form in ("md", "html", "text"):
        assert "†" in reports.render(heavy, form, "detection")
    assert r"rdmc\textsuperscript{$\dagger$}" in reports.render(heavy, "latex", "detection")


def test_an_average_over_what_was_seen_is_marked(run_records: MakeRun) -> None:
    labels = ("none", "median", "rdmc")
    records = [
        taught(r, "streaks") if r.derainer.label == "rdmc" and r.data.name == "coco/val" else r
        for r in (
            *run_records(labels, ("streaks:heavy",), ("restoration",), data="coco/val"),
            *run_records(labels, ("streaks:light",), ("restoration",), data="pairs/rain12"),
        )
    ]
    (table,) = build_tables(records, "survey")
    row = next(row for row in table.rows if row.label == "rdmc")
    seen = {c.key for c, cell in zip(table.columns, row.cells, strict=True) if cell.seen}
    assert seen == {f"{of}/{m}" for of in ("coco/val@streaks:heavy", "mean") for m in ("psnr_y", "ssim_y")}


def test_the_board_marks_them_too(record: Make) -> None:
    from reports.board.page import build_site

    records = [record("none"), record("median"), taught(record("rdmc"), "streaks")]
    board = make_board(records)
    assert [row.seen for row in board.sections[0].table.rows] == [False, True, False]
    site = build_site(board)
    (page,) = [content.decode() for name, content in site.items() if name.startswith("sets/")]
    assert "rdmc</a>†" in page
    assert "has learnt from the rain" in page
    assert "has learnt from the rain" in site["index.html"].decode()
