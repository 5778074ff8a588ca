"""BDD100K: photos from cars in every weather, with boxes or masks and tags, as its archives unpack.

Boxes: ``images/100k/SPLIT/*.jpg`` and ``labels/det_20/det_SPLIT.json``, or of 2018
``labels/bdd100k_labels_images_SPLIT.json``. Masks: ``images/10k/SPLIT/*.jpg`` and
``labels/sem_seg/masks/SPLIT/*.png``. The layout is that of https://doc.bdd100k.com/download.html, the labels are
Scalabel's (https://doc.bdd100k.com/format.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import boxes, layout
from bench.data.base import DataSet, Scene, SegmentationTruth
from bench.data.boxes import Box
from bench.data.cityscapes import read_train_ids
from bench.data.cityscapes_labels import CLASSES
from bench.data.reader import Reader
from bench.errors import BadData, some
from bench.ordinary import read_ordinary
from bench.vocabulary import BOXES, CLEAN_IMAGES, MASKS

if TYPE_CHECKING:
    import numpy as np

TAGS = ("weather", "timeofday", "scene")
#: The ten classes that are scored, by the names of 2020.
_CLASSES = (
    "pedestrian",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
    "traffic light",
    "traffic sign",
)
#: What they were called in 2018, and what COCO's models call them.
_EARLIER = {"person": "pedestrian", "motor": "motorcycle", "bike": "bicycle"}
_ALSO = {"pedestrian": ("person",), "motorcycle": ("motor",), "bicycle": ("bike",)}


@dataclass(frozen=True)
class BDDSet(DataSet):
    """A split of BDD100K."""

    def mask(self, scene: Scene) -> np.ndarray:
        """Return train ids per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the scene has no mask, or it holds other ids.
        """
        if scene.mask is None:
            return super().mask(scene)
        return read_train_ids(scene.mask, scene.size, train_ids=True)


def open_bdd100k(root: Path, split: str | None = None) -> DataSet:
    """Open one split of BDD100K.

    Args:
        root: The folder that holds ``images/`` and ``labels/``.
        split: ``train`` or ``val`` (the 100k images, with boxes), or ``10k/train`` or ``10k/val`` (with masks); None
            takes ``val``, or ``10k/val`` where only those images are there.

    Raises:
        BadData: If a folder or a label file is missing or not as it should be; the first fault is named.
    """
    if split is None:
        split = "val" if (root / "images" / "100k").is_dir() else "10k/val"
    part = split.removeprefix("10k/")
    of = "10k" if part != split else "100k"
    folder = root / "images" / of / part
    if "/" in part or not folder.is_dir():
        raise BadData(
            f"{root} has no images/{of}/{part}/: BDD100K's layout is images/100k/val/ beside labels/; images/ holds "
            f"{layout.contents(root / 'images')}"
        )
    paths = layout.image_files(folder)
    if not paths:
        raise BadData(f"{folder} holds no images: unpack BDD100K's images again")
    layout.check_inside(paths, [root, folder])
    frames = _frames(root, part, needed=of == "100k")
    masks = {path.stem: path for path in layout.image_files(root / "labels" / "sem_seg" / "masks" / part)}
    sizes = layout.in_threads(layout.image_size, paths)
    scenes = []
    for path, size in zip(paths, sizes, strict=True):
        frame = frames.get(path.name)
        if of == "100k" and frame is None:
            raise BadData(f"image {path} is in no label file of {part}: add its labels, or remove it")
        mask = masks.get(path.stem) if of == "10k" else None
        if of == "10k" and mask is None:
            raise BadData(f"image {path} has no mask: expected it in {root / 'labels/sem_seg/masks' / part}")
        scenes.append(Scene(path.stem, path, mask=mask, size=size, tags=frame["tags"] if frame else {}))
    scenes.sort(key=lambda scene: scene.id)
    notes: list[str] = []
    truth = None
    if of == "100k":
        found, left_out = _boxes(scenes, frames)
        truth = boxes.make_truth(scenes, found, _CLASSES, _ALSO)
        if left_out:
            notes.append(f"labels of other classes are left out: {some(sorted(left_out))}")
    elif not any(scene.tags for scene in scenes):
        notes.append("its images have no tags: labels/det_20 would name the weather of those that are in it")
    return BDDSet(
        name=f"bdd100k/{split}",
        kind="bdd100k",
        root=root,
        split=split,
        scenes=tuple(scenes),
        detection=truth,
        segmentation=SegmentationTruth(CLASSES) if of == "10k" else None,
        notes=tuple(notes),
    )


READER = Reader(
    "bdd100k",
    "BDD100K: photos in every weather with boxes (val) or masks (10k/val), and tags",
    open_bdd100k,
    frozenset({CLEAN_IMAGES, BOXES, MASKS}),
    "val, else 10k/val",
    boxes.lay_out,
)


def _frames(root: Path, part: str, *, needed: bool) -> dict[str, dict[str, Any]]:
    """Read what labels say of images, by the image's name: labels and tags."""
    labels = root / "labels"
    parts = (part,) if needed else (part, "train" if part == "val" else "val")
    places = [labels / "det_20" / f"det_{name}.json" for name in parts]
    places += [labels / f"bdd100k_labels_images_{name}.json" for name in parts]
    there = [path for path in places if path.is_file()]
    if not there and needed:
        raise BadData(
            f"{labels} has neither det_20/det_{part}.json nor bdd100k_labels_images_{part}.json: unpack BDD100K's "
            f"labels; it holds {layout.contents(labels)}"
        )
    frames: dict[str, dict[str, Any]] = {}
    for source in there[:1] if needed else there:
        for name, frame in _read(source):
            frames.setdefault(name, frame)
    return frames


def _read(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = json.loads(read_ordinary(source, BadData, what="label file "))
    except (ValueError, RecursionError) as error:
        raise BadData(f"{source} is not JSON ({str(error).splitlines()[0]}): download it again") from None
    listed = content.get("frames") if isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise BadData(f"{source} is no list of Scalabel's frames: give BDD100K's det_20/det_val.json")
    for number, frame in enumerate(listed):
        name = frame.get("name") if isinstance(frame, dict) else None
        if not isinstance(name, str) or not name:
            raise BadData(f"{source}: frame {number} has no 'name': give BDD100K's det_20/det_val.json")
        attributes = frame.get("attributes")
        tags = {}
        for tag in TAGS:
            value = attributes.get(tag) if isinstance(attributes, dict) else None
            if not isinstance(value, str):
                raise BadData(
                    f"{source}: frame {name} does not say its {tag} under 'attributes': give BDD100K's "
                    f"det_20/det_SPLIT.json as it was published"
                )
            tags[tag] = value
        yield name, {"source": source, "labels": frame.get("labels") or [], "tags": tags}


def _boxes(
    scenes: list[Scene], frames: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, list[Box]], set[str]]:
    found: dict[str, list[Box]] = {}
    left_out: set[str] = set()
    for scene in scenes:
        assert scene.image is not None
        frame = frames[scene.image.name]
        where = f"{frame['source']}: frame {scene.image.name}"
        found[scene.id] = []
        for label in frame["labels"]:
            box = label.get("box2d") if isinstance(label, dict) else None
            if box is None:
                continue  # a lane, or the drivable area
            name = str(label.get("category"))
            name = _EARLIER.get(name, name)
            if name not in _CLASSES:
                left_out.add(name)
                continue
            try:
                left, top, right, bottom = (float(box[key]) for key in ("x1", "y1", "x2", "y2"))
            except (TypeError, KeyError, ValueError):
                raise BadData(f"{where} has box2d {box!r:.80}: expected x1, y1, x2 and y2") from None
            crowd = bool((label.get("attributes") or {}).get("crowd"))
            # Scalabel's corners are pixels that belong to the object.
            found[scene.id].append(
                boxes.make_box(name, (left, top, right + 1, bottom + 1), where, crowd=crowd)
            )
    return found, left_out
