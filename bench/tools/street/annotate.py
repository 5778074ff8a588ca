"""From the canvas to annotations: class masks, instance ids, depth and COCO boxes, all from the visible pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.cityscapes_labels import LABEL_IDS

from .canvas import Canvas
from .labels import COCO_CATEGORIES, THINGS

SMALLEST_SIDE = 6
SMALLEST_LONG_SIDE = 12
SMALLEST_AREA = 72
SMALLEST_PART = 0.3
SPECK = 8


@dataclass(frozen=True)
class Box:
    """The box of one thing's visible pixels.

    Attributes:
        category: COCO's name.
        x: Left column.
        y: Top row.
        width: Columns covered.
        height: Rows covered.
        area: Visible pixels.
        crowd: Too small or too hidden to count: ``iscrowd`` in COCO's format.
        thing: Number of the thing in ``Annotations.things``.
    """

    category: str
    x: int
    y: int
    width: int
    height: int
    area: int
    crowd: bool
    thing: int

    @property
    def category_id(self) -> int:
        """COCO's category id."""
        return COCO_CATEGORIES[self.category]


@dataclass(frozen=True)
class Annotations:
    """Per-pixel truth of a scene, all (rows, columns).

    Attributes:
        mask: uint8 trainIds.
        instances: int32; Cityscapes' ``labelId * 1000 + n`` for its eight thing classes, ``labelId`` elsewhere.
        depth: float32 metres; infinite for the sky.
        things: int32; the number of the thing a pixel shows, 0 for none. Traffic lights and signs are things here.
        boxes: In order of their thing numbers.
    """

    mask: np.ndarray
    instances: np.ndarray
    depth: np.ndarray
    things: np.ndarray
    boxes: tuple[Box, ...]


def annotate(canvas: Canvas, inverse: np.ndarray, step: int) -> Annotations:
    """Read a finished canvas, with its inverse depth, at every ``step``-th pixel.

    A thing gets a box when at least ``SPECK`` of its pixels are visible. The box counts as a crowd (ignored in COCO's evaluation) where
    its short side is under 6 pixels, its long side under 12, fewer than 72 pixels are visible, or less than 30 % of what
    would be visible if nothing stood in front of it.
    """
    surfaces = canvas.surfaces[::step, ::step]
    mask = canvas.labels()[surfaces]
    things = canvas.owners()[surfaces]
    inverse = inverse[::step, ::step]
    depth = np.full(inverse.shape, np.inf, np.float32)
    np.divide(1.0, inverse, out=depth, where=inverse > 0)
    instances = np.asarray(LABEL_IDS, np.int32)[mask]
    boxes = []
    seen: dict[int, int] = {}
    visible = np.bincount(things.ravel(), minlength=len(canvas.things))
    for number, thing in enumerate(canvas.things):
        area = int(visible[number])
        if number == 0 or area == 0:
            continue
        where = things == number
        if thing.label in THINGS:
            count = seen.get(thing.label, 0)
            seen[thing.label] = count + 1
            instances[where] = LABEL_IDS[thing.label] * 1000 + count
        if thing.category is None or area < SPECK:
            continue
        rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
        x, y = int(columns[0]), int(rows[0])
        width, height = int(columns[-1]) - x + 1, int(rows[-1]) - y + 1
        crowd = (
            min(width, height) < SMALLEST_SIDE
            or max(width, height) < SMALLEST_LONG_SIDE
            or area < SMALLEST_AREA
            or area * step * step < SMALLEST_PART * thing.full_pixels
        )
        boxes.append(Box(thing.category, x, y, width, height, area, crowd, number))
    return Annotations(mask, instances, depth, things, tuple(boxes))
