"""Cityscapes' label ids: the official table of what is evaluated, and which classes come as single things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: The 19 evaluated classes; the position is the train id.
CLASSES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
#: The label id of each train id (cityscapesScripts, helpers/labels.py); the others are not evaluated.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
#: Label ids run from 0 to this one.
LAST_LABEL_ID = 33
SKY = CLASSES.index("sky")
#: Label id and name of the classes whose objects are numbered one by one and evaluated.
THINGS = {label: CLASSES[train] for train, label in enumerate(LABEL_IDS) if train >= CLASSES.index("person")}

IGNORE = 255
#: What the tables below give for a value that the file may not hold.
INVALID = 254


def from_label_ids() -> np.ndarray:
    """Return the table uint8 (256,) from label ids to train ids; 255 is not evaluated, 254 is no label id."""
    import numpy as np

    table = np.full(256, INVALID, np.uint8)
    table[: LAST_LABEL_ID + 1] = IGNORE
    table[list(LABEL_IDS)] = range(len(LABEL_IDS))
    return table


def from_train_ids() -> np.ndarray:
    """Return the table uint8 (256,) that keeps train ids and 255, and gives 254 for all else."""
    import numpy as np

    table = np.full(256, INVALID, np.uint8)
    table[: len(CLASSES)] = range(len(CLASSES))
    table[IGNORE] = IGNORE
    return table
