"""Evidence, manifests, memos and descriptions of a store that a stranger sent: scored, reported, never run."""

from __future__ import annotations

import contextlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bench
from bench.cli import main
from bench.errors import BenchError
from bench.hashing import canonical_json, sha256_bytes
from bench.keep.evidence import read_shard, write_shard
from bench.keep.records import read_records
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream.tasks import find_task
from reports import render


@pytest.fixture
def shard(store: Path) -> Path:
    record = next(record for record in read_records(store) if record.derainer.label == "median")
    return Store(store).shards(record.evidence)[0]


def rewritten(table: pa.Table, **columns: Any) -> pa.Table:
    for name, values in columns.items():
        at = table.column_names.index(name)
        table = table.set_column(at, name, values)
    return table


def with_extension(table: pa.Table, bomb: Any) -> pa.Table:
    """A column whose type is to be unpickled, as releases of pyarrow before 14.0.1 did."""
    field = table.schema.field("psnr_y").with_metadata(
        {
            "ARROW:extension:name": "arrow.py_extension_type",
            "ARROW:extension:metadata": pickle.dumps(bomb),
        }
    )
    fields = [field if each.name == "psnr_y" else each for each in table.schema]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def with_metadata(table: pa.Table, **metadata: Any) -> pa.Table:
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})


EVIDENCE: dict[str, Callable[[pa.Table, Any], pa.Table]] = {
    "an extension type that is a pickle": with_extension,
    "pandas' metadata with a pickle": lambda t, bomb: with_metadata(t, pandas=pickle.dumps(bomb)),
    "metadata that is no text": lambda t, bomb: with_metadata(t, **{"derain_bench.schema": b"\xff\xfe"}),
    "a task that is no text": lambda t, bomb: with_metadata(t, **{"derain_bench.task": b"\xff\xfe"}),
    "a task that is a program": lambda t, bomb: with_metadata(t, **{"derain_bench.task": b"x.py:Task"}),
    "another version": lambda t, bomb: with_metadata(t, **{"derain_bench.schema": b"__import__('os')"}),
    "a column less": lambda t, bomb: t.drop_columns(["ssim_y"]),
    "a column more": lambda t, bomb: t.append_column("code", pa.array(["import os"] * len(t))),
    "a column twice": lambda t, bomb: t.append_column("scene", t["scene"]),
    "text for numbers": lambda t, bomb: rewritten(t, psnr_y=pa.array(["=cmd|' /C calc'!A0"] * len(t))),
    "no digest": lambda t, bomb: rewritten(t, digest=pa.nulls(len(t), pa.string())),
    "no rows": lambda t, bomb: t.slice(0, 0),
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_read_as_numbers_or_refused(store: Path, shard: Path, bomb: Any, name: str) -> None:
    pq.write_table(EVIDENCE[name](pq.read_table(shard), bomb), shard)
    with contextlib.suppress(BenchError):
        rescore(Store(store))
    render(read_records(store), "md")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"PAR1PAR1",
        b"\x80\x04.",
        b"PK\x03\x04",
        b"PAR1" + b"\xff" * 64 + b"PAR1",
        b"#!/bin/sh\n",
    ],
)
def test_evidence_that_is_no_parquet_counts_as_damaged(
    store: Path, shard: Path, bomb: Any, content: bytes
) -> None:
    shard.write_bytes(content)
    assert read_shard(shard, find_task("restoration")) is None
    shard.write_bytes(pickle.dumps(bomb))
    assert read_shard(shard, find_task("restoration")) is None
    with pytest.raises(BenchError, match="have evidence now"):
        rescore(Store(store))


@pytest.mark.parametrize(
    ("task", "column", "values"),
    [
        ("detection", "boxes", [[0.0, 1.0, 2.0]]),
        ("segmentation", "matrix", [[1, 2, 3]]),
        ("detection", "categories", [None]),
    ],
)
def test_rows_that_are_none(tmp_path: Path, task: str, column: str, values: list[Any]) -> None:
    from downstream.tasks.detection import DetectionRow
    from downstream.tasks.segmentation import SegmentationRow

    row = (
        DetectionRow("a", "d", 0.1, np.zeros((1, 4), "f4"), np.zeros(1, "f4"), np.zeros(1, "i4"))
        if task == "detection"
        else SegmentationRow("a", "d", 0.1, np.zeros((2, 2), "i8"))
    )
    path = tmp_path / "s.parquet"
    write_shard(path, find_task(task), [row])
    table = pq.read_table(path)
    pq.write_table(rewritten(table, **{column: pa.array(values, table.schema.field(column).type)}), path)
    with pytest.raises(BenchError, match="rows that are none"):
        read_shard(path, find_task(task))


def test_a_column_that_states_more_values_than_memory_holds(
    shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.keep import evidence

    task = find_task("restoration")
    rows = read_shard(shard, task) or []
    write_shard(shard, task, rows * 9)
    monkeypatch.setattr(evidence, "_MOST_VALUES", 8)
    with pytest.raises(BenchError, match="more values than a shard has"):
        read_shard(shard, task)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'{"task": 5}',
        b'{"no": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"task": "x.py:Task"}',
        b'{"task": "../../x"}',
    ],
)
def test_descriptions_of_cells(
    store: Path, shard: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shard.parent / "cell.json").write_bytes(content)
    for verb in (["ls"], ["verify"], ["gc"]):
        monkeypatch.setattr(sys, "argv", ["bench", "store", *verb, str(store)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, 1, 2)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"5", b"[]", b"[" * 100_000, b"\x80\x04.", b'{"scenes": 5}']
)
def test_manifests(store: Path, content: bytes) -> None:
    """A manifest is filed under its own hash, which a stranger can make fit."""
    for path in (store / "records").glob("*.json"):
        values = json.loads(path.read_bytes())
        values["data"]["fingerprint"] = sha256_bytes(content)
        path.write_text(json.dumps(values))
    (store / "manifests" / f"{sha256_bytes(content)}.json").write_bytes(content)
    with pytest.raises(BenchError) as caught:
        rescore(Store(store))
    assert "\n" not in str(caught.value)


def test_boxes_beside_a_manifest(store: Path) -> None:
    (path,) = (store / "manifests").glob("*.json")
    for content in (
        b"",
        b"[]",
        b'{"sha256": "0", "coco": {}}',
        b"[" * 100_000,
        canonical_json({"coco": 5}).encode(),
    ):
        path.with_suffix(".boxes.json").write_bytes(content)
        with pytest.raises(BenchError, match="was changed"):
            rescore(Store(store))


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"5", b'{"derainers": [], "models": []}', b"[" * 100_000, b'{"derainers": {"a": 1}}'],
)
def test_memos_that_are_none_are_made_again(
    store: Path, pairs: Path, content: bytes, no_workers: Any
) -> None:
    (memo,) = (store / "memos").glob("*.json")
    memo.write_bytes(content)
    with no_workers():
        run = bench.run(derainer="median", task="restoration", data=f"pairs:{pairs}", out=store)
    assert not run.problems


NAMES = {
    "html": "<script>open('it-ran')</script>",
    "attribute": '" onload="alert(1)',
    "latex": r"\input{/etc/passwd}\write18{touch it-ran}",
    "ansi": "\x1b]0;title\x07\x1b[2J",
    "csv": '=HYPERLINK("http://x","y")',
    "csv command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "csv tab": "\t=1+1",
    "bidi": "a\u202eb",
    "path": "../../../it-ran",
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}",
    "markdown": "![x](http://example.org/x.png) [y](javascript:alert(1))",
    "null": "a\x00b",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["md", "latex", "csv", "html", "text", "json"])
def test_names_of_records_become_text(store: Path, name: str, form: str) -> None:
    records = [
        record.model_copy(update={"derainer": record.derainer.model_copy(update={"label": NAMES[name]})})
        if record.derainer.label == "median"
        else record
        for record in read_records(store)
    ]
    text = render(records, form)
    if form == "json":
        json.loads(text)
        return
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(text)
    if form == "html":
        assert "<script" not in text
        assert ' onload="' not in text
    if form == "latex":
        assert r"\input{" not in text
        assert r"\write18" not in text
    if form == "csv":
        import csv

        cells = [cell.strip() for row in csv.reader(text.splitlines()) for cell in row]
        assert not any(cell[:1] in ("=", "@", "+") for cell in cells)
    if form == "md":
        assert "](" not in text.replace("\\](", "")
