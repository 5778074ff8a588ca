"""Class numbers of what the street renderer draws: trainIds, and COCO's category ids."""

from __future__ import annotations

ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN = range(10)
SKY, PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE = range(10, 19)

THINGS = frozenset(range(PERSON, BICYCLE + 1))
"""trainIds that Cityscapes numbers instance by instance."""

COCO_CATEGORIES = {
    "person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "truck": 8, "traffic light": 10, "stop sign": 13,
}  # fmt: skip
"""COCO's category ids of what the street renderer draws. A rider is a ``person`` to COCO."""
