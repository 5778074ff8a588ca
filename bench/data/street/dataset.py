"""Opens the street set: the embedded one, or one that ``bench.tools.street.make`` wrote elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.data import layout
from bench.data.base import DataSet, Depth, DetectionTruth, Scene, SegmentationTruth
from bench.data.cityscapes import lay_out
from bench.data.cityscapes_labels import CLASSES
from bench.data.coco import read_coco
from bench.data.reader import Reader
from bench.errors import BadData
from bench.images import read_labels
from bench.vocabulary import BOXES, CLEAN_IMAGES, DEPTH, MASKS

FILES = Path(__file__).parent / "files"
"""The folder of the embedded set."""

DEPTH_UNIT = 1 / 256
"""Metres per level of a depth PNG (KITTI's way); level 0 is the sky."""


@dataclass(frozen=True)
class StreetSet(DataSet):
    """The street set, with the focal length of every scene's camera in pixels."""

    focal: dict[str, float] = field(default_factory=dict)

    def depth(self, scene: Scene) -> Depth | None:
        """Return the exact depth of a scene; infinite for the sky."""
        if scene.depth is None:
            return None
        levels = read_labels(scene.depth)
        metres = np.full(levels.shape, np.inf, np.float32)
        np.multiply(levels, np.float32(DEPTH_UNIT), out=metres, where=levels > 0)
        return Depth(metres, self.focal[scene.id], "exact")


def open_street(root: Path | None = None, split: str | None = None) -> StreetSet:
    """Open a street set.

    Args:
        root: Its folder; None takes the embedded one.
        split: Its split; None is ``test``, the only one embedded.

    Returns:
        The data set, ordered by id, with boxes, masks, instances and exact depth.

    Raises:
        BadData: If files are missing.
    """
    root = FILES if root is None else root
    split = split or "test"
    source = root / "annotations" / f"instances_{split}.json"
    if not source.is_file():
        raise BadData(
            f"the street set in {root} has no split {split!r}: the embedded set has --split test alone"
        )
    coco = read_coco(source)
    cameras = json.loads((root / f"cameras_{split}.json").read_bytes())
    folder = root / "leftImg8bit" / split / "street"
    scenes, ids = [], {}
    for image in coco["images"]:
        name = image["file_name"].rsplit("/", 1)[-1].removesuffix("_leftImg8bit.png")
        depth = root / "depth" / split / "street" / f"{name}_depth.png"
        scenes.append(
            Scene(
                id=name,
                image=folder / f"{name}_leftImg8bit.png",
                mask=root / "gtFine" / split / "street" / f"{name}_gtFine_labelTrainIds.png",
                instances=root / "gtFine" / split / "street" / f"{name}_gtFine_instanceIds.png",
                depth=depth if depth.exists() else None,
                size=(image["height"], image["width"]),
            )
        )
        ids[name] = image["id"]
    wanted = [
        path for scene in scenes for path in (scene.image, scene.mask, scene.instances) if path is not None
    ]
    layout.check_present(wanted, f"files of the street set in {root}", "install the package again")
    return StreetSet(
        name=f"street/{split}",
        kind="street",
        root=root,
        split=split,
        scenes=tuple(scenes),
        detection=DetectionTruth(coco, ids),
        segmentation=SegmentationTruth(CLASSES),
        depth_source="exact",
        focal={name: float(cameras["focal"][name]) for name in ids},
    )


READER = Reader(
    "street",
    "the embedded set of 64 rendered street scenes, with exact depth",
    open_street,
    frozenset({CLEAN_IMAGES, BOXES, MASKS, DEPTH}),
    "test",
    lay_out,
    FILES,
)
