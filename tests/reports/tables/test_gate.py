"""The gate of a continuous integration job: what passes, what does not, and that cells are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.errors import BadConfig, BadData, UnknownName
from bench.keep.records import Record, write_record
from reports.tables.compare import compare
from reports.tables.gate import below, parse_limits, worse

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def test_a_score_below_its_limit_is_named_with_its_cell(run_records: MakeRun) -> None:
    records = run_records(tasks=("detection",))
    assert below(records, "rdmc", {"ap_recovery": 0.5}) == []
    lines = below(records, "guided", {"ap_recovery": 0.5})
    assert len(lines) == 3  # on a dry day there is nothing to recover
    assert (
        "guided on street/test@streaks:light, tiny_detector: AP recovery is -10.00 %, below 50.00 %" in lines
    )


def test_a_cell_that_failed_fails_and_what_cannot_be_told_does_not(record: Make, failed: Make) -> None:
    lines = below([record("rdmc"), failed("rdmc", "streaks:heavy")], "rdmc", {"ap": 0.1})
    assert lines == [
        "rdmc on street/test@streaks:heavy, tiny_detector: ap counts as failed: 200 of 200 scenes failed; out of memory"
    ]
    good, other = record("rdmc"), record("rdmc", "streaks:light")
    untold = [
        score.model_copy(
            update={"value": None, "low": None, "high": None, "note": "rain takes no more than noise"}
        )
        if score.metric == "ap_recovery"
        else score
        for score in other.scores
    ]
    other = other.model_copy(update={"scores": tuple(untold)})
    assert below([good, other], "rdmc", {"ap_recovery": 0.5}) == []
    assert below([other], "rdmc", {"ap_recovery": 0.5}) == [
        "rdmc on street/test@streaks:light, tiny_detector: ap_recovery cannot be told: rain takes no more than noise"
    ]


def test_mistakes_are_not_passes(record: Make) -> None:
    with pytest.raises(UnknownName, match="did you mean ap_recovery"):
        below([record("rdmc")], "rdmc", {"ap_recovry": 0.5})
    with pytest.raises(UnknownName, match="rdcm"):
        below([record("rdmc")], "rdcm", {"ap": 0.5})
    with pytest.raises(
        BadConfig, match=r"ap_recovery=60: fractions are asked for, as records have them: 0.6"
    ):
        below([record("rdmc")], "rdmc", {"ap_recovery": 60})
    for text in ("ap", "ap=", "ap=much"):
        with pytest.raises(BadConfig, match="write METRIC=VALUE"):
            parse_limits([text])


def test_worse_is_beyond_noise_only(run_records: MakeRun) -> None:
    records = run_records(rains=("streaks:heavy",), tasks=("detection",))
    assert worse(compare(records, "rdmc", "median")) == []
    assert worse(compare(records, "rdmc", "twin")) == []
    (line,) = worse(compare(records, "median", "rdmc"))
    assert "median is worse than rdmc by 20.5 points AP" in line


def test_a_lost_cell_is_worse_and_one_more_is_not(record: Make, failed: Make) -> None:
    both = [record("rdmc"), record("twin")]
    lost = [*both, failed("rdmc", "streaks:heavy"), record("twin", "streaks:heavy")]
    (line,) = worse(compare(lost, "rdmc", "twin"))
    assert "rdmc: 200 of 200 scenes failed" in line
    assert worse(compare(lost, "twin", "rdmc")) == []


def test_without_intervals_nothing_is_passed(record: Make) -> None:
    other = record("median")
    assert other.bootstrap is not None
    other = other.model_copy(update={"bootstrap": other.bootstrap.model_copy(update={"seed": 8})})
    with pytest.raises(BadData, match="no cell of rdmc and median has an interval"):
        worse(compare([record("rdmc"), other], "rdmc", "median"))


def test_the_command_across_two_stores(tmp_path: Path, run_records: MakeRun) -> None:
    from bench.cli.app import app

    for name, skill in (("old", (0.8, 0.01)), ("new", (0.3, 0.02))):
        (tmp_path / name).mkdir()
        for item in run_records(("clean", "none", "rdmc"), ("streaks:heavy",), ("detection",)):
            if item.derainer.label == "rdmc":
                item = run_records(("rdmc",), ("streaks:heavy",), ("detection",), skill=skill)[0]
            write_record(tmp_path / name, item)
    old = tmp_path / "old"
    options = ["--run", str(tmp_path / "new"), "--run", str(old), "--label", f"{old}:rdmc=before"]

    def gate(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["compare", *arguments, *options])
        return result.exit_code, result.stderr

    code, said = gate("rdmc", "before", "--fail-if-worse", "--fail-below", "ap_recovery=0.6")
    assert code == 1
    assert len(said.splitlines()) == 2
    assert all(
        line.startswith("failed: ") and "street/test@streaks:heavy" in line.replace("On ", "")
        for line in said.splitlines()
    )
    assert gate("before", "rdmc", "--fail-if-worse", "--fail-below", "ap_recovery=0.6") == (0, "")
