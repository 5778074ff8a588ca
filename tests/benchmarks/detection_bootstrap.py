"""How long 1,000 resamples of COCO AP take on a set of the size of COCO val2017.

    python tests/benchmarks/detection_bootstrap.py

5,000 images, 80 classes, 36,000 objects, 500,000 detections, made up: the time depends on how many there are and how
many hit, not on which.
"""

from __future__ import annotations

import time

import numpy as np

from bench.score.stats import DetectionTable, detection_replicates, interval, resample_counts
from bench.score.stats.detection import FALSE, HIT, IGNORED, IOU_THRESHOLDS

IMAGES, CLASSES, OBJECTS, DETECTIONS, RESAMPLES = 5000, 80, 36_000, 500_000, 1000


def main() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(CLASSES, 0.5))
    category = np.sort(rng.choice(CLASSES, DETECTIONS, p=shares)).astype(np.int32)
    score = rng.beta(1, 6, DETECTIONS)
    order = np.lexsort((-score, category))
    score = score[order]
    # The better the score, the likelier a hit, and the higher its IoU.
    iou = np.where(rng.random(DETECTIONS) < 0.18 * np.sqrt(score), rng.uniform(0.4, 1.0, DETECTIONS), 0.0)
    hits = iou >= IOU_THRESHOLDS[:, None]
    size = rng.integers(1, 4, DETECTIONS)
    state = np.full((4, len(IOU_THRESHOLDS), DETECTIONS), IGNORED, np.uint8)
    for area in range(4):
        counted = (size == area) | (area == 0)
        state[area] = np.where(counted, np.where(hits, HIT, FALSE), IGNORED)
    image = rng.integers(0, IMAGES, DETECTIONS).astype(np.int32)
    # Every hit has its object, and the rest of the objects is missed.
    missed = OBJECTS - int(hits[0].sum())
    classes = np.concatenate([category[hits[0]], rng.choice(CLASSES, missed, p=shares)])
    images = np.concatenate([image[hits[0]], rng.integers(0, IMAGES, missed)])
    areas = np.concatenate([size[hits[0]], rng.integers(1, 4, missed)])
    objects = np.zeros((4, CLASSES, IMAGES), np.int32)
    np.add.at(objects[0], (classes, images), 1)
    np.add.at(objects, (areas, classes, images), 1)
    table = DetectionTable(
        images=tuple(range(IMAGES)),
        categories=tuple(f"class {k}" for k in range(CLASSES)),
        image=image,
        category=category,
        score=score,
        state=state,
        objects=objects,
    )
    print(f"{int(hits[0].sum()):,} hits at IoU 0.5 of {OBJECTS:,} objects, {DETECTIONS:,} detections")
    counts = resample_counts(IMAGES, RESAMPLES, 0)
    begin, busy = time.perf_counter(), time.process_time()
    replicates = detection_replicates(table, counts)
    print(f"{time.perf_counter() - begin:.1f} s, {time.process_time() - busy:.1f} s of one core")
    print({name: tuple(round(v, 4) for v in interval(values)) for name, values in replicates.items()})


if __name__ == "__main__":
    main()
