from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.errors import BadRecord
from bench.keep.records import (
    Record,
    decode_replicates,
    encode_replicates,
    identity,
    read_record,
    read_records,
    same_data,
    slug,
    write_record,
)


def make(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "cell": "c" * 64,
        "evidence": "e" * 64,
        "derainer": {"label": "rdmc", "name": "rdmc"},
        "data": {
            "name": "street/test",
            "kind": "street",
            "split": "test",
            "scenes": 4,
            "fingerprint": "f" * 64,
        },
        "rain": {"name": "streaks:medium", "version": "1", "seed": 0},
        "variant": "street/test@streaks:medium",
        "task": "restoration",
        "status": "ok",
        "images": 4,
        "coverage": 1.0,
        "scores": [{"metric": "psnr_y", "protocol": "psnr@y", "value": 30.0, "images": 4}],
    }
    return values | changes


def test_a_record_survives_the_disk(tmp_path: Path) -> None:
    record = Record.model_validate(make())
    path = write_record(tmp_path, record)
    assert read_record(path) == record
    assert read_records(tmp_path) == [record]


def test_times_are_no_part_of_the_identity() -> None:
    one = Record.model_validate(make(run={"date": "today"}))
    two = Record.model_validate(make(run={"date": "tomorrow"}))
    assert identity(one) == identity(two)
    assert identity(one) != identity(
        Record.model_validate(make(images=3, coverage=0.75, status="partial", reason="x", scores=[]))
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variant": "coco/val2017@streaks:medium"}, "not that of its data and rain"),
        ({"coverage": 0.5}, "is not 4 of 4"),
        ({"images": 3, "coverage": 0.75}, "status ok with scenes missing"),
        ({"status": "failed", "reason": "x"}, "status failed with scores"),
        ({"status": "partial"}, "without a reason"),
        ({"model": {"name": "m"}}, "task restoration has a model"),
        ({"task": "detection"}, "lacks a model"),
        ({"schema_version": 2}, "schema version 2"),
        (
            {"scores": [{"metric": "psnr_y", "protocol": "psnr@rgb", "value": 1, "images": 4}]},
            "under protocol",
        ),
        (
            {"scores": [{"metric": "psnr_y", "protocol": "psnr@y", "value": 1, "images": 9}]},
            "counts 9 images of 4",
        ),
        ({"surprise": 1}, "surprise"),
        ({"replicates": {"psnr_y": "AAAAA"}}, "replicates of psnr_y are no numbers"),
        ({"replicates": {"psnr_y": "AAA="}}, "replicates of psnr_y are no numbers"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Record.model_validate(make(**changes))


def test_a_record_under_another_name_is_refused(tmp_path: Path) -> None:
    path = write_record(tmp_path, Record.model_validate(make()))
    lie = tmp_path / path.name.replace("rdmc", "best")
    path.rename(lie)
    with pytest.raises(BadRecord, match="name and its content disagree"):
        read_record(lie)


def test_a_damaged_file_is_named_with_its_fault(tmp_path: Path) -> None:
    path = write_record(tmp_path, Record.model_validate(make()))
    values = json.loads(path.read_text())
    values["images"] = "four"
    path.write_text(json.dumps(values))
    with pytest.raises(BadRecord, match="images"):
        read_record(path)
    path.write_text("{")
    with pytest.raises(BadRecord, match="not a valid record"):
        read_record(path)


def test_records_of_other_files_under_one_name_are_not_mixed() -> None:
    one = make()
    two = make(data=one["data"] | {"fingerprint": "0" * 64})
    with pytest.raises(BadRecord, match="different files"):
        same_data([Record.model_validate(one), Record.model_validate(two)])


@given(st.lists(st.floats(-100, 100, width=32), max_size=20))
def test_replicates_survive_their_encoding(values: list[float]) -> None:
    assert decode_replicates(encode_replicates(np.array(values))).tolist() == values


@given(st.text())
def test_a_slug_is_a_safe_file_name(text: str) -> None:
    name = slug(text)
    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert name.isascii()
