"""COCO-style boxes from Cityscapes' instanceIds, computed when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.data import layout, outlines
from bench.data.base import DetectionTruth, Scene
from bench.data.cityscapes_labels import THINGS
from bench.errors import BadData
from bench.images import read_labels

#: Annotation ids are the image's id times this, plus a number within the image: no image has more objects.
_PER_IMAGE = 100_000


class InstanceTruth(DetectionTruth):
    """Boxes of the eight thing classes; the instance files are read at the first look at :attr:`coco`.

    Reading them takes tens of milliseconds per 2048x1024 frame, which a run that asks for segmentation alone
    need not pay. Categories carry Cityscapes' label ids and the names COCO has too, but for ``rider``.

    Args:
        scenes: The scenes, each with ``instances`` and ``size``.
        image_ids: Scene id to COCO image id.
        left_out: Image ids of the data set that are not among these scenes'.
    """

    def __init__(
        self, scenes: Sequence[Scene], image_ids: dict[str, int], left_out: frozenset[int] = frozenset()
    ) -> None:
        # The base class is frozen: attributes are set past its guard.
        self.__dict__.update(scenes=tuple(scenes), image_ids=image_ids, outlined=True, left_out=left_out)

    @cached_property
    def coco(self) -> dict[str, list[dict[str, Any]]]:  # type: ignore[override]
        """Images, annotations and categories in COCO's format."""
        scenes: tuple[Scene, ...] = self.__dict__["scenes"]
        images = []
        for scene in scenes:
            assert scene.size is not None
            assert scene.image is not None
            name, (height, width) = scene.image.name, scene.size
            images.append(
                {"id": self.image_ids[scene.id], "file_name": name, "height": height, "width": width}
            )
        annotations: list[dict[str, Any]] = []
        for scene, objects in zip(scenes, layout.in_threads(_scene_objects, scenes), strict=True):
            image_id = self.image_ids[scene.id]
            annotations += [
                {"id": image_id * _PER_IMAGE + number, "image_id": image_id, **found}
                for number, found in enumerate(objects, start=1)
            ]
        return {"images": images, "annotations": annotations, "categories": self.categories}

    @property
    def derived(self) -> bool:
        """True: the instance files are among the scenes' own."""
        return True

    @property
    def categories(self) -> list[dict[str, Any]]:
        """The eight thing classes."""
        return [{"id": label, "name": name} for label, name in THINGS.items()]

    def subset(self, scenes: Sequence[Scene]) -> DetectionTruth:
        """Return the truth of these scenes only; nothing is read for it."""
        ids = {scene.id: self.image_ids[scene.id] for scene in scenes}
        return InstanceTruth(scenes, ids, self.without(ids.values()))


def objects(path: Path) -> list[dict[str, Any]]:
    """Find the things in one instanceIds file.

    A pixel holds ``label * 1000 + number`` on a single object, and the bare label on a group of them that
    could not be told apart; the group is one annotation with ``iscrowd`` 1, as in COCO.

    Returns:
        ``category_id``, ``bbox`` (x, y, width, height in pixels), ``area`` (pixels) and ``iscrowd`` per
        object, in the order of instance ids.

    Raises:
        BadData: If the file is unreadable or of another depth than 16 bits.
    """
    import numpy as np

    ids = _read_ids(path)
    rows, columns = np.nonzero(_thing_table()[ids])
    values = ids[rows, columns]
    order = np.argsort(values, kind="stable")
    values, rows, columns = values[order], rows[order], columns[order]
    found, starts, counts = np.unique(values, return_index=True, return_counts=True)
    if not len(found):
        return []
    left, right = np.minimum.reduceat(columns, starts), np.maximum.reduceat(columns, starts)
    top, bottom = np.minimum.reduceat(rows, starts), np.maximum.reduceat(rows, starts)
    return [
        {
            "category_id": int(value) // 1000 if value >= 1000 else int(value),
            "bbox": [int(x0), int(y0), int(x1 - x0 + 1), int(y1 - y0 + 1)],
            "area": int(area),
            "iscrowd": int(value < 1000),
        }
        for value, x0, x1, y0, y1, area in zip(found, left, right, top, bottom, counts, strict=True)
    ]


def object_outlines(path: Path) -> list[str]:
    """Return the outlines of :func:`objects`, in their order, as COCO's run-length code."""
    import numpy as np

    ids = _read_ids(path)
    return outlines.of_instances(ids, [int(value) for value in np.unique(ids[_thing_table()[ids]])])


def _read_ids(path: Path) -> Any:
    import numpy as np

    ids = read_labels(path)
    if ids.dtype != np.uint16:
        raise BadData(f"{path} has 8 bits per pixel: instanceIds files have 16; is it a labelIds file?")
    return ids


def _scene_objects(scene: Scene) -> list[dict[str, Any]]:
    assert scene.instances is not None
    return objects(scene.instances)


def _thing_table() -> Any:
    import numpy as np

    table = np.zeros(1 << 16, bool)
    for label in THINGS:
        table[label] = True
        table[label * 1000 : (label + 1) * 1000] = True
    return table
