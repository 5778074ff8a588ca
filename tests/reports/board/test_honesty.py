"""Records that lie: each lie is named in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.keep.records import Record, encode_replicates, write_record
from reports.board.content import read_board
from reports.board.honesty import problems

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def with_score(record: Record, metric: str, **change: Any) -> Record:
    scores = tuple(s.model_copy(update=change) if s.metric == metric else s for s in record.scores)
    return record.model_copy(update={"scores": scores})


def test_an_honest_run_has_no_problems(run_records: MakeRun, failed: Make) -> None:
    assert problems([*run_records(), failed()]) == []


@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        ("ap", {"value": 0.9}, "is not the score of its replicates"),
        ("ap", {"value": 1.2}, r"is outside \[0, 1\]"),
        ("ap", {"low": 0.0}, "interval that its replicates do not give"),
        ("ap", {"low": 0.5, "high": 0.4}, "ends before it begins"),
        ("ap", {"low": None}, "interval that its replicates do not give"),
        ("ap_recovery", {"value": 0.99}, "is not what rows clean and none give"),
    ],
)
def test_lies_are_named(run_records: MakeRun, metric: str, change: dict[str, Any], words: str) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:medium",), ("detection",))
    records[-1] = with_score(records[-1], metric, **change)
    (line,) = problems(records)
    assert line.startswith(records[-1].filename())
    assert "\n" not in line
    assert re.search(words, line)


def test_a_gain_that_row_none_does_not_give_is_named(run_records: MakeRun) -> None:
    none, rdmc = run_records(("none", "rdmc"), ("own",), ("detection",))
    assert rdmc.score("ap_gain") is not None
    assert problems([none, rdmc]) == []
    (line,) = problems([none, with_score(rdmc, "ap_gain", value=0.5)])
    assert "ap_gain of 0.5 is not what row none gives" in line


def test_rows_of_another_machine_are_no_lie(run_records: MakeRun) -> None:
    """Their last digits differ, and with them the recovery that they give, the more the less rain took."""
    clean, none, rdmc = run_records(("clean", "none", "rdmc"), ("streaks:light",), ("detection",))
    stated = rdmc.score("ap_recovery")
    assert stated is not None
    assert stated.value is not None
    assert problems([clean, none, with_score(rdmc, "ap_recovery", value=stated.value * (1 + 5e-5))]) == []
    (line,) = problems([clean, none, with_score(rdmc, "ap_recovery", value=stated.value + 0.02)])
    assert "is not what rows clean and none give" in line


def test_moved_replicates_are_named(record: Make) -> None:
    honest = record()
    moved = honest.replicates | {"ap": encode_replicates(np.full(200, 0.9))}
    assert (
        "is not the score of its replicates" in problems([honest.model_copy(update={"replicates": moved})])[0]
    )
    short = honest.replicates | {"ap": encode_replicates(np.full(5, 0.386))}
    assert "5 replicates where 200" in problems([honest.model_copy(update={"replicates": short})])[0]


def test_reference_to_another_row_is_named(run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:medium",), ("detection",))
    records[-1] = records[-1].model_copy(update={"references": {"none": "0" * 64}})
    assert "its row none was another" in problems(records)[0]


def test_board_names_every_bad_file(tmp_path: Path, record: Make) -> None:
    write_record(tmp_path, record())
    good = next(tmp_path.glob("*.json"))
    (tmp_path / "renamed.json").write_bytes(good.read_bytes())
    (tmp_path / "broken.json").write_text("{")
    text = good.read_text().replace('"status": "ok"', '"status": "failed"')
    (tmp_path / "status.json").write_text(text)
    _, wrong = read_board(tmp_path)
    assert len(wrong) == 3
    assert "its name and its content disagree" in wrong[1]
    assert all("\n" not in line for line in wrong)


def test_empty_board_says_what_to_do(tmp_path: Path) -> None:
    records, wrong = read_board(tmp_path)
    assert records == []
    assert "no records in" in wrong[0]


def test_a_run_is_a_board(run_records: MakeRun, tmp_path: Path) -> None:
    records = run_records(("clean", "none", "rdmc"), ("streaks:heavy",), ("restoration",))
    for record in records:
        (tmp_path / "records").mkdir(exist_ok=True)
        write_record(tmp_path / "records", record)
    found, wrong = read_board(tmp_path)
    assert wrong == []
    assert {r.filename() for r in found} == {r.filename() for r in records}


def test_committed_board_is_honest() -> None:
    folder = Path(__file__).parents[3] / "reports" / "board" / "records"
    if not list(folder.glob("*.json")):
        pytest.skip("no records on the board yet")
    assert read_board(folder)[1] == []
