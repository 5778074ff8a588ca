"""Scene by scene, and the scenes that lose and gain most by deraining."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports
from bench.cli.app import app
from bench.errors import BadData, UnknownName
from bench.keep.records import Record, write_record
from reports.results import read_results
from reports.tables.images import worst
from reports.tables.presets import build_tables

MakeRun = Callable[..., list[Record]]
LABELS = ("clean", "none", "median", "rdmc")


@pytest.fixture(scope="module")
def records(run_records: MakeRun) -> list[Record]:
    return run_records(LABELS, ("streaks:heavy",))


def value(record: Record, metric: str, scene: str) -> float:
    at = record.breakdown["scenes"].index(scene)
    return float(record.breakdown["images"][metric][at])


def test_a_row_for_every_scene_and_derainer(records: list[Record]) -> None:
    tables = build_tables(records, "images")
    assert [table.columns[0].key for table in tables] == ["ap", "miou", "psnr_y"]
    detection = tables[0]
    assert len(detection.rows) == 40 * len(LABELS)
    row = next(r for r in detection.rows if r.about == {"derainer": "rdmc", "scene": "007"})
    by_label = {r.derainer.label: r for r in records if r.task == "detection"}
    own, rainy = (value(by_label[label], "ap", "007") for label in ("rdmc", "none"))
    assert row.name == "007, rdmc"
    assert [cell.value for cell in row.cells] == [own, pytest.approx(own - rainy)]
    rows = json.loads(reports.render(records, "json", "images"))
    assert {"scene", "derainer", "metric", "value"} <= set(rows[0])
    (found,) = (r for r in rows if (r["scene"], r["derainer"], r["metric"]) == ("007", "rdmc", "ap_change"))
    assert found["value"] == pytest.approx(own - rainy)


def test_the_worst_are_those_that_changed_most(records: list[Record]) -> None:
    results = read_results(records)
    (table,) = worst(results, "detection", 3)
    by_label = {r.derainer.label: r for r in records if r.task == "detection"}
    gaps = {
        (scene, label): value(by_label[label], "ap", scene) - value(by_label["none"], "ap", scene)
        for label in ("median", "rdmc")
        for scene in by_label["none"].breakdown["scenes"]
    }
    ordered = sorted(gaps, key=lambda place: gaps[place])
    found = [(row.about["scene"], row.about["derainer"]) for row in table.rows]
    assert found == [*ordered[:3], *ordered[::-1][:3]]
    assert [title for title, _ in table.blocks()] == ["lose most", "gain most"]
    assert [row.cells[2].value for row in table.rows] == [pytest.approx(gaps[place]) for place in found]
    (table,) = worst(results, None, 2, "median")
    assert {row.label for row in table.rows} == {"median"}


def test_mistakes_are_one_line(records: list[Record]) -> None:
    results = read_results(records)
    with pytest.raises(UnknownName, match="did you mean detection"):
        worst(results, "detectoin", 3)
    with pytest.raises(UnknownName, match="did you mean median"):
        worst(results, None, 3, "meidan")
    bare = [r.model_copy(update={"breakdown": {}}) for r in records]
    with pytest.raises(BadData, match="no values for each image"):
        worst(read_results(bare), None, 3)


def test_the_verb(records: list[Record], tmp_path: Path) -> None:
    for record in records:
        write_record(tmp_path, record)
    done = CliRunner().invoke(app, ["worst", str(tmp_path), "--task", "segmentation", "--count", "2"])
    assert done.exit_code == 0, done.output
    assert "lose most" in done.output
    assert "mIoU rainy (%)" in done.output
