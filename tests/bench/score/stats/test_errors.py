from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.score.stats import cured_and_caused, find_errors
from bench.score.stats.errors import KINDS, box_iou

OBJECT = [0, 0, 10, 10]
TRUTH: dict[str, Any] = {
    "images": [{"id": 1}],
    "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "bbox": OBJECT, "area": 100, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "person"}],
}


def row(*detections: tuple[list[float], float, int]) -> list[dict[str, Any]]:
    boxes, scores, categories = zip(*detections, strict=True) if detections else ([], [], [])
    return [
        {
            "image_id": 1,
            "boxes": np.array(boxes),
            "scores": np.array(scores),
            "categories": np.array(categories),
        }
    ]


@pytest.mark.parametrize(
    ("detections", "kinds"),
    [
        ([([0, 0, 10, 10], 0.9, 1)], []),
        ([], ["missed"]),
        ([([0, 0, 10, 10], 0.2, 1)], ["missed"]),
        ([([0, 0, 10, 4], 0.9, 1)], ["localisation"]),
        ([([0, 0, 10, 10], 0.9, 2)], ["class"]),
        ([([0, 0, 10, 10], 0.9, 1), ([0, 0, 10, 9], 0.8, 1)], ["duplicate"]),
        ([([0, 0, 10, 10], 0.9, 1), ([50, 50, 60, 60], 0.8, 1)], ["background"]),
        ([([0, 0, 10, 4], 0.9, 2)], ["background", "missed"]),
    ],
)
def test_kinds(detections: list[Any], kinds: list[str]) -> None:
    assert sorted(e.kind for e in find_errors(TRUTH, row(*detections))) == kinds


def test_crowds_excuse_their_class() -> None:
    crowd = {**TRUTH["annotations"][0], "iscrowd": 1, "bbox": [0, 0, 100, 100]}
    truth = {**TRUTH, "annotations": [crowd]}
    inside = ([20.0, 20.0, 30.0, 30.0], 0.9)
    assert find_errors(truth, row((*inside, 1))) == []
    assert [e.kind for e in find_errors(truth, row((*inside, 2)))] == ["background"]


def test_image_without_detections_misses_its_objects() -> None:
    assert [e.object for e in find_errors(TRUTH, [])] == [5]


def test_cured_and_caused() -> None:
    rainy = find_errors(TRUTH, row(([50, 50, 60, 60], 0.9, 1)))
    derained = find_errors(
        TRUTH, row(([0, 0, 10, 10], 0.9, 1), ([51, 50, 61, 60], 0.9, 1), ([80, 80, 90, 90], 0.9, 1))
    )
    changes = cured_and_caused(rainy, derained)
    assert tuple(changes) == KINDS
    missed, background = changes["missed"], changes["background"]
    assert (missed.rainy, missed.derained, missed.cured, missed.caused) == (1, 0, 1, 0)
    assert (background.rainy, background.derained, background.cured, background.caused) == (1, 2, 0, 1)


def test_same_errors_are_neither_cured_nor_caused() -> None:
    errors = find_errors(TRUTH, row(([0, 0, 10, 4], 0.9, 1), ([30, 0, 40, 4], 0.9, 1)))
    assert all(c.cured == c.caused == 0 for c in cured_and_caused(errors, errors).values())


def test_boxes_without_area_overlap_nothing() -> None:
    assert box_iou([[0, 0, 0, 0]], [[0, 0, 0, 0], [0, 0, 1, 1]]).tolist() == [[0.0, 0.0]]
