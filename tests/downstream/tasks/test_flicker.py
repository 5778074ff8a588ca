"""Flicker against the definition, on frames in memory and through a run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.api import run_suite
from bench.data.base import Scene
from bench.engine.suite import suite_of
from bench.images import read_image, write_image
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream.measures.fidelity import luma
from downstream.tasks import find_task
from downstream.tasks.base import Sight
from downstream.tasks.successive import follows as is_next


def by_hand(restored: list[np.ndarray], clean: list[np.ndarray]) -> np.ndarray:
    """Mean size of the block means of the changes' difference, for each frame but the first."""
    planes = [luma(a).astype(float) - luma(b) for a, b in zip(restored, clean, strict=True)]
    small = [cv2.resize(p, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for p in planes]
    return np.array([np.abs(b - a).mean() for a, b in pairwise(small)])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a moving pattern, and the same with streaks that jump; then a clip of two frames more."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("clip")
    y, x = np.indices((32, 40))
    for side in ("rain", "norain"):
        (folder / side).mkdir()
    for i, name in enumerate([*(f"a_{n:03}" for n in range(12)), "b_000", "b_001"]):
        clean = np.stack([(4 * x + 3 * i) % 160, (5 * y + i) % 160, (x * y) % 160], axis=2).astype(np.uint8)
        streaks = np.where((x + 7 * int(rng.integers(9))) % 9 == 0, 80, 0)[..., None]
        write_image(folder / "norain" / f"{name}.png", clean)
        write_image(folder / "rain" / f"{name}.png", (clean + streaks).astype(np.uint8))
    return folder


def test_a_run_gives_what_the_definition_says(clip: Path, tmp_path: Path, inline: Any) -> None:
    suite = suite_of({"derainer": "median", "measure": "flicker", "data": f"pairs:{clip}"})
    run = run_suite(suite, tmp_path / "run", device="cpu", place=inline)
    found = {r.derainer.label: r for r in run.records if r.task == "flicker"}
    names = [path.stem for path in sorted((clip / "rain").iterdir())]
    sides = {side: [read_image(clip / side / f"{name}.png") for name in names] for side in ("rain", "norain")}
    first = by_hand(sides["rain"][:12], sides["norain"][:12])
    second = by_hand(sides["rain"][12:], sides["norain"][12:])
    record = found["none"]
    per_image = record.breakdown["images"]["flicker"]
    assert [value is None for value in per_image] == [name in ("a_000", "b_000") for name in names]
    assert per_image[1:12] == pytest.approx(list(first))
    score = record.score("flicker")
    assert score is not None
    assert score.value == pytest.approx(np.concatenate([first, second]).mean())
    assert (score.images, score.note) == (12, "2 images without a frame before left out")
    assert score.low < score.value < score.high  # type: ignore[operator]
    assert found["clean"].score("flicker").value == 0  # type: ignore[union-attr]
    assert found["median"].score("flicker").value < score.value  # type: ignore[operator, union-attr]
    assert [changed for _, changed in rescore(Store(tmp_path / "run"))] == [False] * len(run.records)


def test_rows_come_back_as_they_were_and_odd_sizes_are_cut() -> None:
    task = find_task("flicker")
    rng = np.random.default_rng(1)
    image, clean = rng.integers(0, 256, (2, 13, 22, 3), np.uint8)
    sight = Sight(Scene("a_1", None), "d", image, clean, 0.5, lambda: None, lambda f: (f, 0.0))  # type: ignore[arg-type, return-value]
    row = task.look(None, None)(sight)  # type: ignore[arg-type]
    assert row.error.shape == (3, 5)  # type: ignore[attr-defined]
    common = {"scene": "a_1", "digest": "d", "seconds": 0.5}
    again = task.decode(common, task.encode(row))
    assert task.difference(row, again) is None
    worse = task.decode(common, task.encode(row) | {"error": bytes(30)})
    assert task.difference(row, worse) == "other differences to the clean frame"
    with pytest.raises(ValueError):
        task.decode(common, task.encode(row) | {"rows": 4})


@pytest.mark.parametrize(
    ("before", "after", "follows"),
    [("00009", "00010", True), ("a/7", "a/9", True), ("a/7", "b/8", False), ("7", "7", False),
     ("f3_left", "f4_left", True), ("f3_left", "f4_right", False), ("8", "7", False), ("x", "y", False)],
)  # fmt: skip
def test_successive_frames_differ_in_their_last_number(before: str, after: str, follows: bool) -> None:
    assert is_next(before, after) is follows
