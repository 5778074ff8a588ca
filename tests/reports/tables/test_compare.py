from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.errors import BadConfig, BadData, UnknownName
from bench.keep.records import Record, write_record
from bench.score.stats import interval
from reports.tables.compare import compare, comparison_table, sentence

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_difference_is_that_of_the_replicates(run_records: MakeRun) -> None:
    records = run_records(("none", "rdmc"), ("streaks:heavy",), ("detection",))
    (found,) = compare(records, "rdmc", "none")
    one, other = records[1].replicate("ap"), records[0].replicate("ap")
    assert one is not None
    assert other is not None
    assert found.gap is not None
    assert found.gap.value == pytest.approx(0.19)
    assert (found.gap.low, found.gap.high) == pytest.approx(interval(one - other, value=found.gap.value))


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("rdmc", "none"), "rdmc is better than none by 19.0 points AP ([18.8, 19.2])."),
        (("median", "rdmc"), "median is worse than rdmc by 20.5 points AP"),
        (("rdmc", "twin"), "no difference between rdmc and twin beyond noise in AP"),
    ],
)
def test_sentences(run_records: MakeRun, pair: tuple[str, str], words: str) -> None:
    (found,) = compare(run_records(rains=("streaks:heavy",), tasks=("detection",)), *pair)
    text = sentence(found)
    assert text.startswith("On street/test@streaks:heavy, tiny_detector: ")
    assert words in text


def test_missing_and_failed_cells_are_said(record: Make, failed: Make) -> None:
    records = [record("rdmc"), failed("broken"), record("rdmc", task="restoration")]
    texts = [sentence(found) for found in compare(records, "rdmc", "broken")]
    assert "broken: 200 of 200 scenes failed; out of memory" in texts[0]
    assert "broken was not run there" in texts[1]


def test_other_resamples_give_no_interval(record: Make) -> None:
    other = record("median")
    assert other.bootstrap is not None
    other = other.model_copy(update={"bootstrap": other.bootstrap.model_copy(update={"seed": 8})})
    (found,) = compare([record("rdmc"), other], "rdmc", "median")
    assert found.row()["low"] is None
    assert "not the same scenes, so no interval" in sentence(found)


def test_one_scene_has_no_interval(record: Make) -> None:
    note = "one scene has no interval"

    def alone(label: str) -> Record:
        full = record(label)
        scores = [s.model_copy(update={"low": None, "high": None, "note": note}) for s in full.scores]
        return full.model_copy(update={"scores": tuple(scores), "replicates": {}})

    (found,) = compare([alone("rdmc"), alone("median")], "rdmc", "median")
    assert found.reason == note
    assert note in sentence(found)


def test_names_are_checked(record: Make) -> None:
    with pytest.raises(UnknownName, match="did you mean rdmc"):
        compare([record("rdmc")], "rdmc", "rdcm")
    with pytest.raises(BadData, match="named twice"):
        compare([record("rdmc")], "rdmc", "rdmc")


def test_table_has_a_row_per_cell(run_records: MakeRun) -> None:
    table = comparison_table(compare(run_records(), "rdmc", "none"))
    assert len(table.rows) == 12
    assert [column.key for column in table.columns] == ["ap", "miou", "psnr_y", "ssim_y"]


def test_command(tmp_path: Path, run_records: MakeRun) -> None:
    from bench.cli.app import app

    for item in run_records(rains=("streaks:heavy",)):
        write_record(tmp_path, item)
    text = CliRunner().invoke(app, ["compare", "rdmc", "none", "--run", str(tmp_path)])
    assert text.exit_code == 0
    assert len(text.output.strip().splitlines()) == 4
    rows = json.loads(
        CliRunner()
        .invoke(app, ["compare", "rdmc", "none", "--run", str(tmp_path), "--format", "json"])
        .output
    )
    assert [row["metric"] for row in rows] == ["ap", "miou", "psnr_y", "ssim_y"]
    page = CliRunner().invoke(app, ["compare", "rdmc", "none", "--run", str(tmp_path), "--format", "md"])
    assert "| street/test@streaks:heavy, tiny_detector | 19.0 [18.8, 19.2] |" in page.output


def test_report_command(tmp_path: Path, run_records: MakeRun) -> None:
    from bench.cli.app import app

    run, out = tmp_path / "run" / "records", tmp_path / "table.csv"
    run.mkdir(parents=True)
    for item in run_records(rains=("streaks:heavy",)):
        write_record(run, item)
    options = [
        "--table",
        "detection",
        "--columns",
        "ap,ap_recovery",
        "--sort",
        "ap",
        "--format",
        "csv",
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(app, ["report", str(tmp_path / "run"), *options])
    assert result.exit_code == 0, result.output
    lines = out.read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1::2]][2] == "rdmc"
    assert "summary" in CliRunner().invoke(app, ["report", str(tmp_path / "run"), "--help"]).output
    shown = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert "rdmc" in shown.output


def test_the_ending_says_the_format(tmp_path: Path) -> None:
    from reports.tables.renderers import format_of

    for ending, form in (
        ("md", "md"),
        ("tex", "latex"),
        ("HTML", "html"),
        ("csv", "csv"),
        ("json", "json"),
        ("txt", "text"),
    ):
        assert format_of(None, tmp_path / f"t.{ending}") == form
    assert format_of("md", tmp_path / "README") == "md"
    assert format_of(None, None) == "text"
    with pytest.raises(BadConfig, match=r"t.csv is a file of format csv, and --format says md"):
        format_of("md", tmp_path / "t.csv")
    with pytest.raises(BadConfig, match="no format has this ending; use .txt, .md"):
        format_of(None, tmp_path / "t.doc")
    with pytest.raises(UnknownName, match="did you mean latex"):
        format_of("latx", None)
