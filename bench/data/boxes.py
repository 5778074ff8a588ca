"""Boxes from annotations of any format, as COCO's; and how photos with boxes are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.data.base import DataSet, DetectionTruth, Scene
from bench.data.reader import Layout, json_bytes
from bench.errors import BadData

#: Coordinates stay below it, so that every table that they go into can hold them.
_LARGEST = float(1 << 53)


@dataclass(frozen=True)
class Box:
    """An object.

    Attributes:
        label: Its class's name.
        corners: Left, top, right and bottom in pixels, the right and bottom edges outside of it.
        crowd: Whether detections on it are neither hits nor errors: a group, or what its annotation calls difficult.
    """

    label: str
    corners: tuple[float, float, float, float]
    crowd: bool = False


def make_box(label: str, corners: Sequence[float], where: str, *, crowd: bool = False) -> Box:
    """Make a box of four numbers.

    Raises:
        BadData: If they are not finite, or the right is left of the left; ``where`` says whose they are.
    """
    # Comparing is false for what is no number.
    if not all(-_LARGEST < value < _LARGEST for value in corners):
        raise BadData(f"{where} has the box {list(corners)}: expected four finite numbers")
    left, top, right, bottom = map(float, corners)
    if right < left or bottom < top:
        raise BadData(
            f"{where} has the box {list(corners)}: its right and bottom lie before its left and top"
        )
    return Box(label, (left, top, right, bottom), crowd)


def make_truth(
    scenes: Sequence[Scene],
    boxes: Mapping[str, Sequence[Box]],
    classes: Sequence[str],
    also: Mapping[str, Sequence[str]] | None = None,
) -> DetectionTruth:
    """Return boxes in COCO's format.

    Args:
        scenes: The scenes, in their order; images are numbered by it.
        boxes: Scene id to its boxes, whose labels are among the classes.
        classes: Class names; categories are numbered by their order, from 1.
        also: Class to further names that models call it by.
    """
    ids = {scene.id: number for number, scene in enumerate(scenes, start=1)}
    names = {name: number for number, name in enumerate(classes, start=1)}
    images = [
        {"id": ids[s.id], "file_name": _name(s), "height": size[0], "width": size[1]}
        for s in scenes
        for size in (s.size or (0, 0),)
    ]
    annotations: list[dict[str, Any]] = []
    for scene in scenes:
        for box in boxes.get(scene.id, ()):
            left, top, right, bottom = box.corners
            size = (right - left, bottom - top)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": ids[scene.id],
                    "category_id": names[box.label],
                    "bbox": [left, top, *size],
                    "area": size[0] * size[1],
                    "iscrowd": int(box.crowd),
                }
            )
    categories: list[dict[str, Any]] = [
        {"id": number, "name": name, **({"also": list(also[name])} if also and name in also else {})}
        for name, number in names.items()
    ]
    return DetectionTruth({"images": images, "annotations": annotations, "categories": categories}, ids)


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant of photos with boxes is written: in COCO's layout, tags included.

    Raises:
        BadData: If there are no boxes.
    """
    if data.detection is None:
        raise BadData(f"{data.name} has no boxes, and photos without are not written in COCO's layout")
    split = data.split or "all"
    tags = {data.detection.image_ids[scene.id]: dict(scene.tags) for scene in data.scenes}
    names = {scene.id: f"{scene.id.replace('/', '_')}.png" for scene in data.scenes}
    by_id = {data.detection.image_ids[scene_id]: name for scene_id, name in names.items()}
    coco = data.detection.coco
    images = [
        {
            **image,
            "file_name": by_id[image["id"]],
            **({"tags": tags[image["id"]]} if tags[image["id"]] else {}),
        }
        for image in coco["images"]
    ]
    return Layout(
        kind="coco",
        rainy={scene_id: f"{split}/{name}" for scene_id, name in names.items()},
        written={f"annotations/instances_{split}.json": json_bytes({**coco, "images": images})},
    )


def _name(scene: Scene) -> str:
    assert scene.image is not None
    return scene.image.name
