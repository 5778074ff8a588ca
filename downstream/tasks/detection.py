"""Scores of detectors: COCO's average precision, by pycocotools, from evidence alone."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadData
from downstream.models.base import Detections, plain_name

#: The metrics of protocol ``ap@coco``, in the order of pycocotools' summary.
METRICS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")


@dataclass(frozen=True)
class CategoryMap:
    """How a model's classes become a data set's categories.

    Attributes:
        ids: int32, one per class of the model: the data set's category id, or -1 where it has no such
            category.
        notes: What a reader of the scores should know of classes without a counterpart, one line each.
    """

    ids: NDArray[np.int32]
    notes: tuple[str, ...]


def map_categories(classes: Sequence[str], categories: Iterable[dict[str, Any]]) -> CategoryMap:
    """Match a model's classes with a data set's categories by name (case, hyphens and underscores do not
    count).

    Args:
        classes: The model's class names.
        categories: COCO categories, with ``id`` and ``name``.

    Returns:
        The mapping. Categories that the model does not know stay in the score, as missed.

    Raises:
        BadData: No name is shared.
    """
    by_name = {plain_name(str(category["name"])): int(category["id"]) for category in categories}
    ids = np.array([by_name.get(plain_name(name), -1) for name in classes], dtype=np.int32).reshape(-1)
    if not (ids >= 0).any():
        raise BadData(
            f"the model and the data set share no class: the model knows {_some(classes)}; "
            f"the data set has {_some(list(by_name))}"
        )
    known = {plain_name(name) for name in classes}
    unseen = [name for name in by_name if name not in known]
    unused = [name for name in classes if plain_name(name) not in by_name]
    notes = []
    if unseen:
        notes.append(f"classes that the model does not know count as missed: {_some(unseen)}")
    if unused:
        notes.append(f"classes that the data set does not have are left out: {_some(unused)}")
    return CategoryMap(ids, tuple(notes))


def to_categories(
    found: Detections, mapping: CategoryMap
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Give detections the data set's category ids; those of classes it does not have are dropped.

    Returns:
        Boxes float32 (n, 4) as left, top, right, bottom; scores float32 (n,); category ids int32 (n,).
    """
    ids = mapping.ids[found.labels]
    keep = ids >= 0
    return found.boxes[keep], found.scores[keep], ids[keep]


def score_detection(truth: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Average precision as COCO defines it (pycocotools, bounding boxes, at most 100 detections per image).

    Args:
        truth: COCO's ``images``, ``annotations`` and ``categories``.
        rows: One per image that was looked at: ``image_id``, ``boxes`` (n, 4) as left, top, right, bottom,
            ``scores`` (n,) and ``categories`` (n,). Only these images are scored, an empty row included.

    Returns:
        Fractions for :data:`METRICS`; None where no object of that size is there to be found.

    Raises:
        ValueError: A row is of an image that the truth does not have, or an image has two rows.
    """
    from pycocotools.cocoeval import COCOeval

    images = [int(row["image_id"]) for row in rows]
    known = {image["id"] for image in truth["images"]}
    if len(set(images)) != len(images) or not known.issuperset(images):
        raise ValueError("detections: an image has two rows, or is not in the annotations")
    results = _results(rows)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = _coco(truth)
        found = expected.loadRes(results) if results else _coco({**truth, "annotations": []})
        evaluation = COCOeval(expected, found, "bbox")
        evaluation.params.imgIds = sorted(images)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = (float(value) for value in evaluation.stats[: len(METRICS)])
    return {name: None if value < 0 else value for name, value in zip(METRICS, values, strict=True)}


def _coco(content: dict[str, Any]) -> Any:
    """A COCO object of its own annotations: evaluation writes into them."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {**content, "annotations": [dict(box) for box in content["annotations"]]}
    coco.createIndex()
    return coco


def _results(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Detections in COCO's result format; box arithmetic in float64, as MMDetection's evaluation does it."""
    results = []
    for row in rows:
        boxes = np.asarray(row["boxes"], dtype=np.float64).reshape(-1, 4)
        corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
        scores = np.asarray(row["scores"], dtype=np.float64).tolist()
        categories = np.asarray(row["categories"]).tolist()
        results += [
            {"image_id": int(row["image_id"]), "bbox": box, "score": score, "category_id": category}
            for box, score, category in zip(corners, scores, categories, strict=True)
        ]
    return results


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(list(names)[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
