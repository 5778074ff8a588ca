"""What each detection error was, and which errors deraining cured and caused.

Detections below a confidence are left out first: an error that no user would see is none. The rest is
matched with the objects of its class by falling score, one to one, at IoU `HIT_IOU` or more, as COCO does.
What is left over:

- `class`: overlaps an object of another class with IoU >= `HIT_IOU`;
- `localisation`: overlaps an object of its own class with `NEAR_IOU` <= IoU < `HIT_IOU`;
- `duplicate`: overlaps an object of its own class with IoU >= `HIT_IOU` that is matched already;
- `background`: anything else;
- `missed`: an object that nothing was matched with, and that no `class` or `localisation` error explains.

Where several kinds fit, the order is duplicate, class, localisation. Crowd regions excuse detections of
their class. The kinds and the two IoU thresholds are those of TIDE (Bolya et al., ECCV 2020), without its
joint kind, which counts as background here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.score.stats.bootstrap import FloatArray

MISSED = "missed"
KINDS = (MISSED, "localisation", "class", "duplicate", "background")
HIT_IOU = 0.5
NEAR_IOU = 0.1
CONFIDENCE = 0.3


@dataclass(frozen=True)
class DetectionError:
    """One error.

    Attributes:
        kind: One of `KINDS`.
        image: COCO image id.
        category: COCO category id: of the object for `missed`, of the detection else.
        box: x1, y1, x2, y2 in pixels of the object or the detection.
        object: COCO annotation id for `missed`, else None.
    """

    kind: str
    image: int
    category: int
    box: tuple[float, float, float, float]
    object: int | None = None


@dataclass(frozen=True)
class Change:
    """How many errors of a kind there were on the rainy image, and what deraining did to them.

    Attributes:
        rainy: Errors on rainy images.
        derained: Errors on derained images.
        cured: Errors on rainy images that are gone.
        caused: Errors on derained images that are new.
    """

    rainy: int
    derained: int
    cured: int
    caused: int


def box_iou(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """Intersection over union of boxes.

    Args:
        first: (n, 4) as x1, y1, x2, y2.
        second: (m, 4).

    Returns:
        float64 (n, m) in [0, 1]; 0 for boxes without area.
    """
    a, b = (np.asarray(boxes, dtype=np.float64).reshape(-1, 4) for boxes in (first, second))
    shared, areas_a, areas_b = _overlap(a, b)
    union = areas_a[:, None] + areas_b[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def find_errors(
    truth: dict[str, Any], rows: Sequence[dict[str, Any]], confidence: float = CONFIDENCE
) -> list[DetectionError]:
    """Name every error of a set of detections.

    Args:
        truth: Images, annotations and categories in COCO's format.
        rows: One per image: `image_id`, `boxes` (n, 4) as x1, y1, x2, y2, `scores` (n,), `categories` (n,).
        confidence: Detections below are left out.

    Returns:
        Errors by image in the order of the rows; images without a row count as without detections.
    """
    objects: dict[int, list[dict[str, Any]]] = {int(image["id"]): [] for image in truth["images"]}
    for annotation in truth["annotations"]:
        objects[int(annotation["image_id"])].append(annotation)
    given = {int(row["image_id"]): row for row in rows}
    nothing = {"boxes": np.zeros((0, 4)), "scores": np.zeros(0), "categories": np.zeros(0, dtype=np.int64)}
    errors: list[DetectionError] = []
    for image, own in objects.items():
        errors.extend(_image_errors(image, own, given.get(image, nothing), confidence))
    return errors


def cured_and_caused(
    rainy: Sequence[DetectionError], derained: Sequence[DetectionError]
) -> dict[str, Change]:
    """Compare the errors on rainy images with those on the derained ones.

    A missed object is the same error where it is the same object; any other error where kind, image and
    class agree and the boxes overlap with IoU >= `HIT_IOU`, one to one, in order.

    Returns:
        A `Change` for each of `KINDS`.
    """
    before, after = _groups(rainy), _groups(derained)
    kept: Counter[str] = Counter()
    for key, old in before.items():
        kept[key[0]] += _same(old, after.get(key, []))
    total_before, total_after = Counter(e.kind for e in rainy), Counter(e.kind for e in derained)
    return {
        kind: Change(
            rainy=total_before[kind],
            derained=total_after[kind],
            cured=total_before[kind] - kept[kind],
            caused=total_after[kind] - kept[kind],
        )
        for kind in KINDS
    }


def _groups(errors: Sequence[DetectionError]) -> dict[tuple[str, int, int], list[DetectionError]]:
    groups: dict[tuple[str, int, int], list[DetectionError]] = {}
    for error in errors:
        groups.setdefault((error.kind, error.image, error.category), []).append(error)
    return groups


def _same(old: list[DetectionError], new: list[DetectionError]) -> int:
    """How many errors of `old` are in `new`."""
    if not old or not new:
        return 0
    if old[0].kind == "missed":
        return len({e.object for e in old} & {e.object for e in new})
    overlap = box_iou([e.box for e in old], [e.box for e in new])
    return int((_greedy(overlap) >= 0).sum())


def _greedy(overlap: FloatArray) -> npt.NDArray[np.int64]:
    """For each row in order the free column with the highest overlap of at least `HIT_IOU`, else -1."""
    chosen = np.full(len(overlap), -1, dtype=np.int64)
    free = np.ones(overlap.shape[1], dtype=bool)
    for i, row in enumerate(overlap):
        best = int(np.argmax(np.where(free, row, -1.0))) if free.any() else -1
        if best >= 0 and free[best] and row[best] >= HIT_IOU:
            chosen[i], free[best] = best, False
    return chosen


def _image_errors(
    image: int, annotations: list[dict[str, Any]], row: dict[str, Any], confidence: float
) -> list[DetectionError]:
    scores = np.asarray(row["scores"], dtype=np.float64)
    order = np.argsort(-scores, kind="mergesort")
    order = order[scores[order] >= confidence]
    boxes = np.asarray(row["boxes"], dtype=np.float64).reshape(-1, 4)[order]
    labels = np.asarray(row["categories"], dtype=np.int64)[order]
    crowds = [a for a in annotations if a.get("iscrowd")]
    targets = [a for a in annotations if not a.get("iscrowd")]
    target_boxes, target_labels = (
        _corners(targets),
        np.array([a["category_id"] for a in targets], dtype=np.int64),
    )
    overlap = box_iou(boxes, target_boxes)
    own = labels[:, None] == target_labels[None, :]
    matched = _greedy(np.where(own, overlap, 0.0))
    taken = np.zeros(len(targets), dtype=bool)
    taken[matched[matched >= 0]] = True
    excused = _in_crowd(boxes, labels, crowds)

    errors: list[DetectionError] = []
    explained = taken.copy()
    for i in np.flatnonzero((matched < 0) & ~excused):
        same, other = np.where(own[i], overlap[i], 0.0), np.where(own[i], 0.0, overlap[i])
        if same.size and same.max() >= HIT_IOU:
            kind = "duplicate"
        elif other.size and other.max() >= HIT_IOU:
            kind = "class"
            explained[int(other.argmax())] = True
        elif same.size and same.max() >= NEAR_IOU:
            kind = "localisation"
            explained[int(same.argmax())] = True
        else:
            kind = "background"
        errors.append(DetectionError(kind, image, int(labels[i]), _tuple(boxes[i])))
    for j in np.flatnonzero(~explained):
        found = targets[int(j)]
        box = _tuple(target_boxes[j])
        errors.append(DetectionError("missed", image, int(found["category_id"]), box, int(found["id"])))
    return errors


def _corners(annotations: list[dict[str, Any]]) -> FloatArray:
    boxes = np.array([a["bbox"] for a in annotations], dtype=np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _tuple(box: FloatArray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return x1, y1, x2, y2


def _overlap(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    top = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(bottom - top, 0.0, None).prod(axis=2)
    return (
        shared,
        np.clip(a[:, 2:] - a[:, :2], 0.0, None).prod(axis=1),
        np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1),
    )


def _in_crowd(
    boxes: FloatArray, labels: npt.NDArray[np.int64], crowds: list[dict[str, Any]]
) -> npt.NDArray[np.bool_]:
    """Which detections lie by half or more of their own area in a crowd region of their class, as in COCO."""
    if not crowds or not len(boxes):
        return np.zeros(len(boxes), dtype=bool)
    shared, areas, _ = _overlap(boxes, _corners(crowds))
    inside = np.divide(shared, areas[:, None], out=np.zeros_like(shared), where=areas[:, None] > 0)
    own = labels[:, None] == np.array([c["category_id"] for c in crowds])[None, :]
    return np.asarray(((inside >= HIT_IOU) & own).any(axis=1))
