"""Class numbers: Cityscapes' trainIds and labelIds, COCO's category ids, and how one maps to the other."""

from __future__ import annotations

ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN = range(10)
SKY, PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE = range(10, 19)
IGNORE = 255

CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
"""Cityscapes' 19 evaluated classes, in the order of their trainIds."""

LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Cityscapes' labelId of every trainId; ``instanceIds`` hold ``labelId * 1000 + n`` for things and ``labelId`` for the rest."""

THINGS = frozenset(range(PERSON, BICYCLE + 1))
"""trainIds that Cityscapes numbers instance by instance."""

COCO_CATEGORIES = {
    "person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "truck": 8, "traffic light": 10, "stop sign": 13,
}  # fmt: skip
"""COCO's category ids of what the street renderer draws. A rider is a ``person`` to COCO."""
