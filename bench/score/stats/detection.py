"""Average precision of every bootstrap resample, from matches that are made once.

pycocotools matches detections with objects image by image; a resample only changes how often an image
counts. So the matching is done once (`match_detections`) and each resample is an exact re-weighting of it
(`detection_replicates`). The result equals plain pycocotools on a set in which the images are copied as
often as the resample holds them.

Ties: pycocotools orders detections of equal score by image id, then as given. So do these functions, and the
copies of one detection stand next to each other. In a set of real copies pycocotools would put two equally scored
detections of one image as a, b, a, b instead of a, a, b, b; without such ties the results are the same.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bench.score.stats.bootstrap import CountArray, FloatArray, check_scenes

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
RECALL_THRESHOLDS: FloatArray = np.linspace(0.0, 1.0, 101)
AREAS = ("all", "small", "medium", "large")
METRICS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")

IGNORED, HIT, FALSE = 0, 1, 2
_CHUNK_CELLS = 1 << 21


@dataclass(frozen=True)
class DetectionTable:
    """What pycocotools says about every detection, without the boxes.

    Detections are ordered by category, then by falling score, then by image id.

    Attributes:
        images: COCO image ids, in the order of the scenes (the columns of the multiplicities).
        categories: Category names, in the order of their ids.
        image: int32 (D,) index into `images`.
        category: int32 (D,) index into `categories`.
        score: float64 (D,).
        state: uint8 (4, 10, D): `HIT`, `FALSE` or `IGNORED` for each area range and IoU threshold.
        objects: int32 (4, categories, images): objects that count, for each area range.
    """

    images: tuple[int, ...]
    categories: tuple[str, ...]
    image: npt.NDArray[np.int32]
    category: npt.NDArray[np.int32]
    score: FloatArray
    state: npt.NDArray[np.uint8]
    objects: npt.NDArray[np.int32]


def coco_results(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Detections as pycocotools wants them.

    Args:
        rows: Either COCO results (`image_id`, `category_id`, `score`, and `bbox` as x, y, width, height or
            `segmentation`), or one row per image with `image_id` and the arrays `boxes` (n, 4) as x1, y1, x2, y2,
            `scores` (n,) and `categories` (n,), COCO category ids.

    Returns:
        COCO results.
    """
    results: list[dict[str, Any]] = []
    for row in rows:
        if "bbox" in row or "segmentation" in row:
            results.append(dict(row))
            continue
        boxes = np.asarray(row["boxes"], dtype=np.float64).reshape(-1, 4)
        sizes = boxes[:, 2:] - boxes[:, :2]
        for box, size, score, category in zip(boxes, sizes, row["scores"], row["categories"], strict=True):
            results.append(
                {
                    "image_id": int(row["image_id"]),
                    "category_id": int(category),
                    "bbox": [float(box[0]), float(box[1]), float(size[0]), float(size[1])],
                    "score": float(score),
                }
            )
    return results


def match_detections(
    truth: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    images: Sequence[int] | None = None,
    by: Literal["bbox", "segm"] = "bbox",
) -> DetectionTable:
    """Match detections with objects, once, by pycocotools' own `evaluateImg`.

    Args:
        truth: Images, annotations and categories in COCO's format.
        rows: Detections, see `coco_results`.
        images: COCO image ids in the order of the scenes; by default all of the truth's, sorted.
        by: What must overlap: boxes or masks.

    Returns:
        The table; its `image` column counts along `images`.
    """
    order = tuple(
        int(i) for i in (images if images is not None else sorted(i["id"] for i in truth["images"]))
    )
    if not order:
        raise ValueError("Expected at least one image")
    evaluation = _evaluate(truth, coco_results(rows), order, by)
    names = {c["id"]: str(c["name"]) for c in truth["categories"]}
    category_ids = [int(c) for c in evaluation.params.catIds]
    position = {image: column for column, image in enumerate(order)}
    n_sorted = len(evaluation.params.imgIds)
    areas, thresholds = len(AREAS), len(IOU_THRESHOLDS)

    image_parts: list[npt.NDArray[np.int32]] = []
    category_parts: list[npt.NDArray[np.int32]] = []
    score_parts: list[FloatArray] = []
    state_parts: list[npt.NDArray[np.uint8]] = []
    objects = np.zeros((areas, len(category_ids), len(order)), dtype=np.int32)
    for k in range(len(category_ids)):
        block = evaluation.evalImgs[k * areas * n_sorted : (k + 1) * areas * n_sorted]
        used = [i for i in range(n_sorted) if block[i] is not None]
        if not used:
            continue
        columns = [position[int(block[i]["image_id"])] for i in used]
        for a in range(areas):
            for i, column in zip(used, columns, strict=True):
                objects[a, k, column] = np.count_nonzero(np.asarray(block[a * n_sorted + i]["gtIgnore"]) == 0)
        lengths = [len(block[i]["dtScores"]) for i in used]
        if not sum(lengths):
            continue
        scores = np.concatenate([np.asarray(block[i]["dtScores"], dtype=np.float64) for i in used])
        falling = np.argsort(-scores, kind="mergesort")
        image_parts.append(np.repeat(np.asarray(columns, dtype=np.int32), lengths)[falling])
        category_parts.append(np.full(len(scores), k, dtype=np.int32))
        score_parts.append(scores[falling])
        state_parts.append(np.stack([_states(block, a * n_sorted, used)[:, falling] for a in range(areas)]))
    empty_state = np.zeros((areas, thresholds, 0), dtype=np.uint8)
    return DetectionTable(
        images=order,
        categories=tuple(names[c] for c in category_ids),
        image=np.concatenate([np.zeros(0, np.int32), *image_parts]),
        category=np.concatenate([np.zeros(0, np.int32), *category_parts]),
        score=np.concatenate([np.zeros(0), *score_parts]),
        state=np.concatenate([empty_state, *state_parts], axis=2),
        objects=objects,
    )


def _evaluate(truth: dict[str, Any], results: list[dict[str, Any]], images: tuple[int, ...], by: str) -> Any:
    """A COCOeval that has matched; pycocotools prints, so its words are swallowed."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        # pycocotools writes into annotations.
        coco.dataset = {**truth, "annotations": [dict(box) for box in truth["annotations"]]}
        coco.createIndex()
        found = COCO()
        found.dataset = {
            "images": truth["images"],
            "categories": truth["categories"],
            "annotations": [
                {**row, "id": number, "area": _area(row), "iscrowd": 0}
                for number, row in enumerate(results, start=1)
            ],
        }
        found.createIndex()
        evaluation = COCOeval(coco, found, by)
        evaluation.params.imgIds = list(images)
        evaluation.evaluate()
    return evaluation


def _area(result: dict[str, Any]) -> float:
    """Square pixels of a mask, else of a box, as pycocotools takes them for the ranges of area."""
    if "segmentation" not in result:
        return float(result["bbox"][2] * result["bbox"][3])
    from pycocotools import mask

    return float(mask.area(result["segmentation"]))


def _states(block: list[Any], offset: int, used: list[int]) -> npt.NDArray[np.uint8]:
    """uint8 (10, D): the state of a category's detections in one area range."""
    matched = np.concatenate([block[offset + i]["dtMatches"] for i in used], axis=1) != 0
    ignored = np.concatenate([block[offset + i]["dtIgnore"] for i in used], axis=1).astype(bool)
    return np.where(ignored, IGNORED, np.where(matched, HIT, FALSE)).astype(np.uint8)


def precision_grid(table: DetectionTable, counts: CountArray) -> FloatArray:
    """Average precision of every resample, metric and category.

    Source: Lin et al., Microsoft COCO, ECCV 2014; the 101-point interpolation is pycocotools'.

    Args:
        table: From `match_detections`.
        counts: (R, images) from `resample_counts`, columns in the order of `table.images`.

    Returns:
        float64 (R, 6, categories) in the order of `METRICS`; NaN where a resample holds no object of the
        category.

    Raises:
        ValueError: If the multiplicities are for another number of images.
    """
    check_scenes(len(table.images), counts)
    grid = np.full((len(counts), len(METRICS), len(table.categories)), np.nan)
    weights = np.ascontiguousarray(counts.T)
    bounds = np.searchsorted(table.category, np.arange(len(table.categories) + 1))
    for k in range(len(table.categories)):
        start, stop = int(bounds[k]), int(bounds[k + 1])
        objects = counts.astype(np.float64) @ table.objects[:, k].T.astype(np.float64)
        state = table.state[:, :, start:stop]
        step = int(np.clip(_CHUNK_CELLS // max(1, stop - start), 8, 256))
        for first in range(0, len(counts), step):
            part = slice(first, first + step)
            own = weights[table.image[start:stop], part]
            for a in range(len(AREAS)):
                by_threshold = _area_precision(state[a], own, objects[part, a])
                if a == 0:
                    grid[part, 0, k] = by_threshold.mean(axis=0)
                    grid[part, 1, k] = by_threshold[0]
                    grid[part, 2, k] = by_threshold[5]
                else:
                    grid[part, 2 + a, k] = by_threshold.mean(axis=0)
    return grid


def _area_precision(
    state: npt.NDArray[np.uint8], weights: npt.NDArray[np.uint16], objects: FloatArray
) -> FloatArray:
    """float64 (10, r): average precision at each threshold, for r resamples.

    Between two hits precision only falls, so the envelope needs its value at the hits alone. Detections that
    count at some threshold are summed once; what is ignored at one threshold is taken off again.

    Args:
        state: (10, D) states by falling score.
        weights: (D, r) multiplicity of each detection's image.
        objects: (r,) objects in each resample.
    """
    result = np.zeros((len(state), weights.shape[1]))
    counting = (state != IGNORED).any(axis=0)
    place = np.cumsum(counting) - 1
    running: npt.NDArray[np.int32] | None = None
    for t, row in enumerate(state):
        hits = np.flatnonzero(row == HIT)
        if not len(hits):
            continue
        if running is None:
            running = np.cumsum(weights[counting], axis=0, dtype=np.int32)
        hit_sum = np.cumsum(weights[hits], axis=0, dtype=np.int32)
        count_sum = running[place[hits]]
        spared = np.flatnonzero(counting & (row == IGNORED))
        if len(spared):
            spared_sum = np.zeros((len(spared) + 1, weights.shape[1]), dtype=np.int32)
            np.cumsum(weights[spared], axis=0, dtype=np.int32, out=spared_sum[1:])
            count_sum = count_sum - spared_sum[np.searchsorted(spared, hits)]
        result[t] = _interpolated(hit_sum.astype(np.float64), count_sum.astype(np.float64), objects)
    result[:, objects == 0] = np.nan
    return result


def _interpolated(hit_sum: FloatArray, count_sum: FloatArray, objects: FloatArray) -> FloatArray:
    """float64 (r,): 101-point average precision from (hits, r) running sums of hits and of what counts."""
    precision = hit_sum / (count_sum + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    recall = hit_sum / np.maximum(objects, 1.0)
    nearest = np.rint(recall * 100.0).astype(np.intp)
    reached = nearest + (RECALL_THRESHOLDS[nearest] <= recall)
    gained = np.diff(reached, axis=0, prepend=0)
    return np.asarray(np.einsum("hr,hr->r", envelope, gained) / len(RECALL_THRESHOLDS))


def detection_replicates(table: DetectionTable, counts: CountArray) -> dict[str, FloatArray]:
    """The COCO scores of every resample.

    Args:
        table: From `match_detections`.
        counts: (R, images) from `resample_counts`.

    Returns:
        `ap`, `ap50`, `ap75`, `ap_small`, `ap_medium`, `ap_large`, each float64 (R,) in [0, 1]; NaN
        (pycocotools: -1) where a resample holds no object that counts.
    """
    return class_mean(precision_grid(table, counts))


def detection_scores(table: DetectionTable) -> dict[str, float]:
    """The COCO scores on all images; equal to pycocotools' to rounding."""
    once = np.ones((1, len(table.images)), dtype=np.uint16)
    return {name: float(values[0]) for name, values in detection_replicates(table, once).items()}


def image_precision(table: DetectionTable) -> FloatArray:
    """AP of each image as if it were the whole set: float64 (images,), NaN for an image without objects.

    Noisy for one image, but good enough to ask whether images on which one thing rises are those on which another
    does.
    """
    result = np.full(len(table.images), np.nan)
    order = np.argsort(table.image, kind="stable")
    bounds = np.searchsorted(table.image[order], np.arange(len(table.images) + 1))
    for i in range(len(table.images)):
        own = order[bounds[i] : bounds[i + 1]]
        present = np.flatnonzero(table.objects[0, :, i])
        values = []
        for k in present:
            chosen = own[table.category[own] == k]
            weights = np.ones((len(chosen), 1), dtype=np.uint16)
            objects = table.objects[0, k, i : i + 1].astype(np.float64)
            values.append(_area_precision(table.state[0][:, chosen], weights, objects).mean())
        if values:
            result[i] = np.mean(values)
    return result


def class_mean(grid: FloatArray) -> dict[str, FloatArray]:
    """Mean over the categories that have objects, of a `precision_grid`: {metric: (R,)}."""
    defined = ~np.isnan(grid)
    with np.errstate(invalid="ignore"):
        mean = np.where(defined, grid, 0.0).sum(axis=2) / defined.sum(axis=2)
    return {name: mean[:, m] for m, name in enumerate(METRICS)}
