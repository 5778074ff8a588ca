"""Warped error on pictures that are moved by a known flow, and through a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.api import run_suite
from bench.data.base import Scene
from bench.engine.suite import suite_of
from bench.images import write_image
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream.measures.fidelity import luma
from downstream.tasks import find_task
from downstream.tasks.base import Sight
from downstream.tasks.successive import BLOCK
from downstream.tasks.warped import WarpedFrame, flow_between, warp

#: By how many pixels the camera moves from frame to frame, to the right and down.
STEP = (12, 8)


def scenery(rows: int, columns: int, seed: int) -> np.ndarray:
    """Soft spots, uint8 RGB, grey."""
    spots = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    soft = cv2.GaussianBlur(spots, (0, 0), 8)
    grey = (255 * (soft - soft.min()) / np.ptp(soft)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def frames(count: int) -> list[np.ndarray]:
    """A camera that moves over a picture: frame t shows it from (12 t, 8 t) on, 96x128."""
    whole = scenery(200, 240, 0)
    return [
        whole[STEP[1] * t : STEP[1] * t + 96, STEP[0] * t : STEP[0] * t + 128].copy() for t in range(count)
    ]


def row(image: np.ndarray, guide: np.ndarray, name: str = "f_1", known: bool = True) -> Any:
    """The row of a frame in a data set that knows the clean one, or of one that does not."""

    class Data:
        own_rain = True

        def rainy(self, scene: Scene) -> np.ndarray:
            return guide

    clean = guide if known else None
    sight = Sight(Scene(name, None), "d", image, clean, 0.5, lambda: image, lambda see: (see(image), 0.0))
    return find_task("warped").look(Data(), None)(sight)  # type: ignore[arg-type]


def change(before: WarpedFrame, after: WarpedFrame) -> float:
    return find_task("warped").change(before, after)  # type: ignore[attr-defined]


def test_the_flow_of_a_translation_is_found_and_what_came_in_is_left_out() -> None:
    before, after = (each[..., 0] for each in frames(2))
    flow, seen = flow_between(before, after)
    middle = flow[24:-24, 24:-24].reshape(-1, 2)
    assert np.median(np.abs(middle - STEP), axis=0) == pytest.approx([0, 0], abs=0.2)
    assert not seen[:, -STEP[0] + 2 :].any()  # the camera shows these columns for the first time
    assert seen[24:-24, 24:-24].mean() > 0.95
    exact = np.full((96, 128, 2), STEP, np.float32)
    assert np.array_equal(warp(before.astype(np.float32), exact)[:-8, :-12], after[:-8, :-12])


@pytest.mark.parametrize("known", [True, False])
def test_what_moves_with_the_scene_is_no_error_and_what_does_not_is(known: bool) -> None:
    clean = frames(2)
    still = np.repeat(
        luma(scenery(96, 128, 1))[..., None] // 4, 3, axis=2
    )  # stays where it is, as dirt on the lens
    moved = change(*(row(each, each, known=known) for each in clean))
    planes = [luma(each).astype(float) for each in clean]
    unmoved = np.abs(planes[1] - planes[0]).mean()
    assert moved < unmoved / 10
    dirty = change(*(row(each // 2 + still, each, known=known) for each in clean))
    assert dirty > 4 * moved
    brighter = change(
        row(clean[0] // 2, clean[0], known=known), row(clean[1] // 2 + 50, clean[1], known=known)
    )
    assert brighter == pytest.approx(50 * 219 / 255, abs=1)  # a change of the whole picture is seen as it is


def test_a_rows_blocks_come_back_as_they_were() -> None:
    task, image = find_task("warped"), scenery(69, 98, 2)
    made = row(image, 255 - image)
    plane = luma(255 - image)[:68, :96].astype(float).reshape(17, BLOCK, 24, BLOCK).mean(axis=(1, 3))
    assert np.abs(made.guide - plane).max() <= 0.5
    common = {"scene": "f_1", "digest": "d", "seconds": 0.5}
    values = task.encode(made)
    assert task.difference(made, task.decode(common, values)) is None
    other = bytes(len(values["guide"]))
    assert (
        task.difference(made, task.decode(common, values | {"guide": other})) == "another frame for the flow"
    )
    assert (
        task.difference(made, task.decode(common, values | {"image": other * 2})) == "another restored frame"
    )
    assert np.isnan(change(made, row(image[:60], image[:60])))  # of another size
    assert np.isnan(change(*[row(image[:60], image[:60])] * 2))  # too small for flow


def test_a_run_scores_pairs_by_the_clean_flow_and_photos_by_their_own(tmp_path: Path, inline: Any) -> None:
    rng = np.random.default_rng(3)
    for number, clean in enumerate(frames(3)):
        streaks = np.where(rng.random((1, 128, 1)) < 0.1, 60, 0)
        for side, image in (("norain", clean), ("rain", np.clip(clean + streaks, 0, 255).astype(np.uint8))):
            (tmp_path / side).mkdir(exist_ok=True)
            write_image(tmp_path / side / f"{number}.png", image)

    images = [{"id": n + 1, "file_name": f"{n}.png", "width": 128, "height": 96} for n in range(3)]
    labels = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "car"}]}
    (tmp_path / "labels.json").write_text(json.dumps(labels))

    def scores(data: str, out: str) -> dict[str, Any]:
        suite = suite_of({"derainer": "median", "measure": "warped", "data": data, "rain": "own"})
        records = run_suite(suite, tmp_path / out, device="cpu", place=inline).records
        assert [changed for _, changed in rescore(Store(tmp_path / out))] == [False] * len(records)
        return {r.derainer.label: r.score("warped") for r in records if r.task == "warped"}

    pairs, photos = scores(f"pairs:{tmp_path}", "paired"), scores(f"images:{tmp_path / 'rain'}", "alone")
    assert pairs["clean"].value < pairs["none"].value
    assert pairs["none"].note == "1 image without a frame before or below 64 pixels left out"
    assert set(photos) == {"none", "median"}
    assert photos["none"].value != pairs["none"].value
    labelled = scores(f"coco:{tmp_path}#labels.json,rain", "labelled")  # numbered frames with boxes
    assert {label: score.value for label, score in labelled.items()} == {
        label: score.value for label, score in photos.items()
    }
