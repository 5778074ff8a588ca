"""Disks that fill up, files cut short, clocks that jump, two runs at once: nothing is lost, and words are clear."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bench import files
from bench.api import Run, Watcher, run_suite
from bench.data.base import DataSet, Scene, SegmentationTruth
from bench.data.instances import InstanceTruth
from bench.engine.outline import outline
from bench.engine.plan import make_plan
from bench.engine.suite import Suite, suite_of
from bench.engine.verify import verify
from bench.engine.work import Settings
from bench.engine.worker import load_components
from bench.errors import BadRecord, OutputError
from bench.keep.manifest import fingerprint, make_boxes, make_manifest
from bench.keep.records import identity, read_records
from bench.keep.store import Store
from bench.score.rescore import rescore


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def suite(pairs: Path) -> Suite:
    return suite_of({"derainer": "median,guided", "task": "restoration", "data": f"pairs:{pairs}"})


@pytest.fixture(scope="module")
def undisturbed(suite: Suite, tmp_path_factory: pytest.TempPathFactory, inline: Any) -> dict[str, str]:
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    run_suite(suite, out, place=inline)
    return identities(out)


def identities(out: Path) -> dict[str, str]:
    return {record.filename(): identity(record) for record in read_records(out)}


def shards(out: Path) -> list[Path]:
    return sorted((out / "evidence").rglob("*.parquet"))


@pytest.fixture
def idle(inline: Any) -> Any:
    """An engine for runs that are to do no work."""

    class Idle(type(inline)):  # type: ignore[misc]
        def open(self, settings: Any) -> Any:
            pool = super().open(settings)

            def submit(*arguments: Any) -> Any:
                raise AssertionError("there was work")

            pool.submit = submit
            return pool

    return Idle()


def test_a_full_disk_is_said_and_the_run_goes_on_from_there(
    suite: Suite, undisturbed: dict[str, str], tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(12))

    def fsync(handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fsync)
        with pytest.raises(OutputError, match=r"No space left.*free some space") as caught:
            run_suite(suite, tmp_path, place=inline)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob(".tmp-*"))
    there = shards(tmp_path)
    assert there
    before = {path: path.stat().st_mtime_ns for path in there}
    run_suite(suite, tmp_path, place=inline)
    assert identities(tmp_path) == undisturbed
    assert {path: path.stat().st_mtime_ns for path in there} == before


def test_a_store_whose_locks_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(OutputError, match="what is finished stays"), Store(tmp_path).lock("x", wait=False):
        pass


def test_a_file_system_without_locks_does_not_stop_a_run(
    suite: Suite, undisturbed: dict[str, str], tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def flock(*args: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    run_suite(suite, tmp_path, place=inline)
    assert identities(tmp_path) == undisturbed


def test_two_runs_at_once_share_the_work_and_agree(
    pairs: Path, tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "slow.py"
    plugin.write_text(
        "import time\nseen = []\n"
        "def slow(image):\n    seen.append(int(image[0, 0, 0]))\n    time.sleep(0.05)\n    return image\n"
    )
    suite = suite_of({"derainer": f"{plugin}:slow", "task": "restoration", "data": f"pairs:{pairs}"})
    runs: list[Run] = []
    both = threading.Barrier(2, timeout=60)

    class Meeting(Watcher):
        def begin(self, images: int) -> None:
            planned.append(images)
            both.wait()  # neither works before the other has planned all of it too

    planned: list[int] = []

    def go() -> None:
        runs.append(run_suite(suite, tmp_path / "out", place=inline, watcher=Meeting()))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 2
    assert planned == [18, 18]
    assert not any(run.problems for run in runs)
    assert [identity(record) for record in runs[0].records] == [
        identity(record) for record in runs[1].records
    ]
    import sys

    (module,) = [m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(plugin)]
    assert sorted(module.seen) == list(range(6))


def test_a_run_that_starts_later_takes_the_same_locks(suite: Suite, tmp_path: Path, inline: Any) -> None:
    found = outline(suite)
    components = load_components(found, Settings())
    whole = make_plan(found, components, Store(tmp_path))
    run_suite(suite, tmp_path, place=inline)
    for path in shards(tmp_path)[::3]:
        path.unlink()
    later = make_plan(found, components, Store(tmp_path))
    assert later.shards
    assert {shard.name for shard in later.shards} <= {shard.name for shard in whole.shards}


@pytest.mark.parametrize("jump", [-10 * 365 * 86400, 10 * 365 * 86400])
def test_a_clock_that_jumped_makes_no_evidence_stale(
    suite: Suite, undisturbed: dict[str, str], tmp_path: Path, inline: Any, idle: Any, jump: int
) -> None:
    run_suite(suite, tmp_path, place=inline)
    for path in tmp_path.rglob("*"):
        seconds = path.stat().st_mtime + jump
        os.utime(path, (seconds, seconds))
    run_suite(suite, tmp_path, place=idle)
    Store(tmp_path).collect_garbage()
    run_suite(suite, tmp_path, place=idle)
    assert identities(tmp_path) == undisturbed


def test_evidence_of_another_schema_is_refused_and_never_removed(
    suite: Suite, tmp_path: Path, inline: Any
) -> None:
    run_suite(suite, tmp_path, place=inline)
    path = shards(tmp_path)[0]
    kept = pq.read_table(path)
    pq.write_table(kept.replace_schema_metadata(kept.schema.metadata | {b"derain_bench.schema": b"2"}), path)
    content = path.read_bytes()
    with pytest.raises(BadRecord, match=r"schema version 2, this program reads 1: use another folder"):
        run_suite(suite, tmp_path, place=inline)
    assert path not in Store(tmp_path).collect_garbage(grace=0)
    assert path.read_bytes() == content


def test_scoring_again_without_all_evidence_keeps_the_records(
    suite: Suite, undisturbed: dict[str, str], tmp_path: Path, inline: Any, idle: Any
) -> None:
    run_suite(suite, tmp_path, place=inline)
    path = shards(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadRecord, match=r"was made from 6 scenes, of which \d have evidence now"):
        rescore(Store(tmp_path))
    run_suite(suite, tmp_path, place=idle, strategy="only-cache")
    assert identities(tmp_path) == undisturbed
    run_suite(suite, tmp_path, place=inline)
    assert [changed for _, changed in rescore(Store(tmp_path))] == [False] * 4


def test_verify_runs_one_cell_again_and_sees_a_changed_number(
    suite: Suite, tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.engine.verify.ThisMachine", lambda workers: inline)
    run_suite(suite, tmp_path, place=inline)
    store = Store(tmp_path)
    (path,) = store.records.glob("*median*")
    verdicts = verify(path, 4)
    assert len(verdicts) == 4
    assert not any(verdict.problem for verdict in verdicts)
    record = next(record for record in read_records(tmp_path) if record.derainer.label == "median")
    for shard in store.shards(record.evidence):
        table = pq.read_table(shard)
        column = table.column_names.index("psnr_y")
        better = [value + 3 for value in table["psnr_y"].to_pylist()]
        import pyarrow as pa

        pq.write_table(table.set_column(column, table.schema.field(column), pa.array(better)), shard)
    verdicts = verify(path, 4)
    assert len(verdicts) == 4
    assert all("psnr_y" in (verdict.problem or "") for verdict in verdicts)


def test_boxes_are_derived_only_where_detection_is_scored(tmp_path: Path) -> None:
    """Reading a Cityscapes frame's instances costs 40 ms; the fingerprint is the same with and without."""
    scenes = [Scene("a", tmp_path / "a.png", instances=tmp_path / "a_instances.png", size=(8, 8))]
    truth = InstanceTruth(scenes, {"a": 1})
    data = DataSet(
        "cityscapes/val",
        "cityscapes",
        tmp_path,
        "val",
        tuple(scenes),
        detection=truth,
        segmentation=SegmentationTruth(("road",)),
    )
    manifest = make_manifest(data, {"a": "digest"})  # the file does not exist: nothing has read it
    assert "coco" not in manifest
    store = Store(tmp_path / "store")
    store.prepare()
    name = store.write_manifest(manifest)
    assert name == fingerprint(manifest)
    assert "coco" not in store.read_manifest(name)
    truth.__dict__["coco"] = {"images": [{"id": 1}], "annotations": [], "categories": truth.categories}
    store.write_boxes(name, make_boxes(data))
    assert store.read_manifest(name)["coco"]["images"] == [{"id": 1}]
    assert fingerprint(make_manifest(data, {"a": "digest"})) == name
    path = store.root / "manifests" / f"{name}.boxes.json"
    path.write_bytes(path.read_bytes().replace(b'"id":1}', b'"id":2}', 1))
    with pytest.raises(BadRecord, match="was changed"):
        store.read_manifest(name)
