from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.score.stats import (
    detection_replicates,
    detection_scores,
    image_precision,
    match_detections,
    resample_counts,
)
from bench.score.stats.detection import METRICS, coco_results

pytest.importorskip("pycocotools")


def plain(truth: dict[str, Any], rows: list[dict[str, Any]]) -> np.ndarray:
    """AP, AP50, AP75, small, medium, large by pycocotools alone."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.array(evaluation.stats[:6])


def ours(scores: dict[str, Any], r: int | None = None) -> np.ndarray:
    values = np.array([float(scores[m] if r is None else scores[m][r]) for m in METRICS])
    return np.where(np.isnan(values), -1.0, values)


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_pycocotools(make_scenes: Callable[..., Any], seed: int) -> None:
    truth, rows = make_scenes(30, 4, seed)
    table = match_detections(truth, [dict(r) for r in rows])
    assert np.abs(ours(detection_scores(table)) - plain(truth, rows)).max() < 1e-12


def test_equal_scores_of_different_images_keep_the_order_of_pycocotools(
    make_scenes: Callable[..., Any],
) -> None:
    truth, rows = make_scenes(30, 2)
    for row in rows:
        row["score"] = round(row["score"], 1)
    table = match_detections(truth, [dict(r) for r in rows])
    assert np.abs(ours(detection_scores(table)) - plain(truth, rows)).max() < 1e-12


def test_replicates_equal_pycocotools_on_the_copied_set(
    make_scenes: Callable[..., Any], copy_scenes: Callable[..., Any]
) -> None:
    truth, rows = make_scenes(25, 3)
    counts = resample_counts(25, 6, seed=1)
    replicates = detection_replicates(match_detections(truth, [dict(r) for r in rows]), counts)
    for r, times in enumerate(counts):
        assert np.abs(ours(replicates, r) - plain(*copy_scenes(truth, rows, times))).max() < 1e-12


def test_columns_follow_the_order_of_the_scenes(make_scenes: Callable[..., Any]) -> None:
    truth, rows = make_scenes(12, 2)
    counts = resample_counts(12, 5, seed=2)
    backwards = match_detections(truth, [dict(r) for r in rows], images=range(12, 0, -1))
    forwards = match_detections(truth, [dict(r) for r in rows])
    first, second = detection_replicates(forwards, counts), detection_replicates(backwards, counts[:, ::-1])
    for name in METRICS:
        assert np.array_equal(first[name], second[name], equal_nan=True)


def test_precision_of_an_image_is_that_of_a_set_of_it_alone(make_scenes: Callable[..., Any]) -> None:
    truth, rows = make_scenes(12, 3)
    table = match_detections(truth, [dict(r) for r in rows])
    alone = detection_replicates(table, np.eye(12, dtype=np.uint16))["ap"]
    assert np.allclose(image_precision(table), alone, equal_nan=True)


def test_nothing_detected_is_zero_and_nothing_to_detect_is_undefined(make_scenes: Callable[..., Any]) -> None:
    truth, rows = make_scenes(5, 2)
    assert detection_scores(match_detections(truth, []))["ap"] == 0.0
    table = match_detections({**truth, "annotations": []}, rows)
    assert np.isnan(list(detection_scores(table).values())).all()


def test_rows_per_image_are_coco_results() -> None:
    row = {"image_id": 7, "boxes": np.array([[1, 2, 4, 8]], np.float32), "scores": [0.5], "categories": [3]}
    assert coco_results([row]) == [
        {"image_id": 7, "category_id": 3, "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.5}
    ]


def test_multiplicities_of_another_set_are_refused(make_scenes: Callable[..., Any]) -> None:
    truth, rows = make_scenes(5, 2)
    with pytest.raises(ValueError, match="multiplicities"):
        detection_replicates(match_detections(truth, rows), resample_counts(6, 2, 0))
