from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadData, BadRecord, OutputError
from bench.files import TEMPORARY_PREFIX
from bench.keep.evidence import read_shard, write_shard
from bench.keep.store import Store, missing_scenes
from downstream.tasks import find_task
from downstream.tasks.base import Row
from downstream.tasks.detection import DetectionRow
from downstream.tasks.per_image import Numbers
from downstream.tasks.segmentation import SegmentationRow

RESTORATION, DETECTION = find_task("restoration"), find_task("detection")


def restoration(name: str, value: float = 30.0) -> Numbers:
    numbers = {"psnr_y": value, "ssim_y": 0.9, "psnr_rgb": value, "ssim_rgb": 0.8}
    return Numbers(name, f"digest of {name}", 0.1, numbers)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.prepare()
    store.describe("k", {"task": "restoration", "rain": None, "derainer": None, "model": None})
    return store


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 5))
def test_rows_survive_the_disk(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], classes: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    detections = [
        DetectionRow(
            str(i),
            "d",
            0.5,
            rng.random((n, 4)).astype(np.float32),
            rng.random(n).astype(np.float32),
            rng.integers(1, 90, n).astype(np.int32),
        )
        for i, n in enumerate(counts)
    ]
    matrices = [SegmentationRow(str(i), "d", 0.5, rng.integers(0, 9, (classes, classes))) for i in range(3)]
    scores = [restoration("a", float("inf")), restoration("b")]
    for task, rows in (("detection", detections), ("segmentation", matrices), ("restoration", scores)):
        write_shard(folder / "s.parquet", find_task(task), rows)
        back = read_shard(folder / "s.parquet", find_task(task))
        assert back is not None
        for row, other in zip(rows, back, strict=True):
            for field, value in vars(row).items():
                np.testing.assert_array_equal(getattr(other, field), value)


def test_a_shard_of_another_schema_is_told_apart_from_a_damaged_one(store: Store) -> None:
    path = store.write("k", RESTORATION, [restoration("a")])
    table = pq.read_table(path)
    pq.write_table(
        table.replace_schema_metadata(table.schema.metadata | {b"derain_bench.schema": b"99"}), path
    )
    with pytest.raises(BadRecord, match="schema version 99"):
        store.read("k", RESTORATION)
    assert [reason for _, reason in store.damaged()] != []
    path.write_bytes(b"PAR1")
    assert store.read("k", RESTORATION) == {}


def test_a_flipped_bit_is_found_by_the_checksum(store: Store) -> None:
    path = store.write("k", RESTORATION, [restoration(f"scene {i}", 20.0 + i) for i in range(50)])
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 0x40
    path.write_bytes(bytes(data))
    assert read_shard(path, RESTORATION) is None


def test_evidence_of_another_task_is_refused(store: Store) -> None:
    store.write("k", RESTORATION, [restoration("a")])
    with pytest.raises(BadRecord, match="holds restoration where detection belongs"):
        store.done("k", DETECTION)


def test_missing_scenes_are_those_without_evidence_of_the_same_files() -> None:
    scenes = [("a", "1"), ("b", "2"), ("c", "3")]
    assert missing_scenes(scenes, {("a", "1"), ("b", "other")}) == ["b", "c"]


def test_a_folder_of_something_else_is_not_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(BadData, match="already holds other files"):
        Store(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_garbage_is_what_killed_runs_leave(store: Store) -> None:
    path = store.write("k", RESTORATION, [restoration("a")])
    fresh = store.root / "records" / f"{TEMPORARY_PREFIX}fresh"
    old = store.folder("k") / f"{TEMPORARY_PREFIX}old"
    future = store.folder("k") / f"{TEMPORARY_PREFIX}future"
    for leftover in (fresh, old, future):
        leftover.write_bytes(b"half")
    now = time.time()
    os.utime(old, (now - 7200, now - 7200))
    os.utime(future, (now + 7200, now + 7200))
    damaged = store.folder("k") / "damaged.parquet"
    damaged.write_bytes(path.read_bytes()[:-9])
    assert set(store.collect_garbage()) == {old, future, damaged}
    assert path.exists()
    assert fresh.exists()


def test_garbage_that_cannot_be_removed_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (store.root / "evidence" / f"{TEMPORARY_PREFIX}left").touch()

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(OutputError, match=r"cannot remove .*left: Read-only file system"):
        store.collect_garbage(grace=0)


def test_a_manifest_that_was_changed_is_refused(store: Store) -> None:
    name = store.write_manifest({"name": "x", "scenes": []})
    assert store.read_manifest(name) == {"name": "x", "scenes": []}
    (store.root / "manifests" / f"{name}.json").write_text('{"name":"y","scenes":[]}')
    with pytest.raises(BadRecord, match="was changed"):
        store.read_manifest(name)


def test_a_lock_is_held_by_one_process_at_a_time(store: Store) -> None:
    with store.lock("shard", wait=False) as first, store.lock("shard", wait=False) as second:
        assert first
        assert not second
    with store.lock("shard", wait=False) as again:
        assert again


def test_what_is_read_does_not_depend_on_how_scenes_were_cut(store: Store, tmp_path: Path) -> None:
    rows: list[Row] = [restoration(str(i), 20.0 + i) for i in range(6)]
    other = Store(tmp_path / "other")
    other.prepare()
    other.describe("k", {"task": "restoration"})
    store.write("k", RESTORATION, rows)
    other.write("k", RESTORATION, rows[4:])
    other.write("k", RESTORATION, rows[:4])
    assert store.read("k", RESTORATION) == other.read("k", RESTORATION)
