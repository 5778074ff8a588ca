"""Made-up scenes for the tests of statistics: with boxes, and as tables with a known truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.score.stats.detection import FALSE, HIT, IOU_THRESHOLDS, DetectionTable


def boxes_and_detections(
    images: int, classes: int, seed: int = 0
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO truth with crowds and all sizes, and detections that are shifted, mislabelled or made up."""
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        for _ in range(rng.poisson(5)):
            size, corner = np.exp(rng.uniform(2, 6, 2)), rng.uniform(0, 500, 2)
            category = int(rng.integers(1, classes + 1))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [*corner, *size],
                    "area": float(size.prod() * 0.8),
                    "iscrowd": int(rng.random() < 0.05),
                }
            )
            if rng.random() < 0.8:
                shift, stretch = rng.normal(0, 0.08, 2) * size, np.exp(rng.normal(0, 0.08, 2))
                label = category if rng.random() < 0.9 else int(rng.integers(1, classes + 1))
                box = [*(corner + shift), *(size * stretch)]
                rows.append(_detection(image, label, box, rng.beta(3, 2)))
        for _ in range(rng.poisson(5)):
            box = [*rng.uniform(0, 500, 2), *np.exp(rng.uniform(2, 6, 2))]
            rows.append(_detection(image, int(rng.integers(1, classes + 1)), box, rng.beta(1, 4)))
    truth = {
        "images": [{"id": i, "width": 1000, "height": 1000} for i in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": c, "name": f"class {c}"} for c in range(1, classes + 1)],
    }
    return truth, rows


def _detection(image: int, category: int, box: list[float], score: float) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": category,
        "bbox": [float(v) for v in box],
        "score": float(score),
    }


def copied(
    truth: dict[str, Any], rows: list[dict[str, Any]], times: np.ndarray
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The set in which image i is there times[i] times, under new ids in the old order."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    detections: list[dict[str, Any]] = []
    for image, count in zip(truth["images"], times, strict=True):
        for _ in range(int(count)):
            new = len(images) + 1
            images.append({**image, "id": new})
            for a in truth["annotations"]:
                if a["image_id"] == image["id"]:
                    annotations.append({**a, "id": len(annotations) + 1, "image_id": new})
            detections += [{**r, "image_id": new} for r in rows if r["image_id"] == image["id"]]
    return {"images": images, "annotations": annotations, "categories": truth["categories"]}, detections


def simulated_table(
    images: int, classes: int, scenes: np.random.Generator, noise: np.random.Generator | None = None
) -> DetectionTable:
    """A table without boxes: images of different difficulty, hits whose IoU grows with their score.

    Only the area range `all` is filled. Drawing more images comes ever closer to the truth. Tables from equal
    `scenes` and different `noise` are those of two equal derainers on the same scenes.
    """
    difficulty = scenes.normal(0, 0.7, images)
    image = np.repeat(np.arange(images), scenes.poisson(3.0, images))
    category = scenes.integers(0, classes, len(image))
    visible = scenes.normal(0, 0.8, len(image)) - difficulty[image]
    rng = noise or scenes
    clarity = visible + rng.normal(0, 0.6, len(image))
    found = clarity > -1.0
    score = 1 / (1 + np.exp(-(clarity + 1 + rng.normal(0, 0.5, len(image)))))
    iou = 0.5 + 0.1 * (clarity + 1) + rng.normal(0, 0.12, len(image))
    false_image = np.repeat(np.arange(images), rng.poisson(3.0 * np.exp(difficulty * 0.5)))
    false_score = 1 / (1 + np.exp(-rng.normal(-0.7, 1, len(false_image))))
    false_category = rng.integers(0, classes, len(false_image))
    return _table(
        images,
        classes,
        np.concatenate([image[found], false_image]),
        np.concatenate([category[found], false_category]),
        np.concatenate([score[found], false_score]),
        np.concatenate([iou[found], np.zeros(len(false_image))]),
        (category, image),
    )


def _table(
    images: int,
    classes: int,
    image: np.ndarray,
    category: np.ndarray,
    score: np.ndarray,
    iou: np.ndarray,
    objects: tuple[np.ndarray, np.ndarray],
) -> DetectionTable:
    order = np.lexsort((image, -score, category))
    state = np.zeros((4, len(IOU_THRESHOLDS), len(order)), np.uint8)
    state[0] = np.where(iou[order] >= IOU_THRESHOLDS[:, None], HIT, FALSE)
    counted = np.zeros((4, classes, images), np.int32)
    np.add.at(counted[0], objects, 1)
    return DetectionTable(
        images=tuple(range(images)),
        categories=tuple(f"class {k}" for k in range(classes)),
        image=image[order].astype(np.int32),
        category=category[order].astype(np.int32),
        score=score[order],
        state=state,
        objects=counted,
    )


@pytest.fixture(scope="session")
def make_scenes() -> Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]:
    return boxes_and_detections


@pytest.fixture(scope="session")
def copy_scenes() -> Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]:
    return copied


@pytest.fixture(scope="session")
def make_table() -> Callable[..., DetectionTable]:
    return simulated_table
