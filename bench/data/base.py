"""What a data set is to the rest of the program: scenes, and how to read what belongs to one.

A data set object holds paths and annotations, never pixels; it can be pickled to worker processes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadData
from bench.image_metadata import TURNED, oddities_of
from bench.images import read_image, read_labels
from bench.plugins import PlugIn
from bench.vocabulary import BOXES, CLEAN_IMAGES, MASKS, OUTLINES

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

#: The pixel value of a mask that scoring leaves out, in every data set, after reading.
IGNORE = 255


@dataclass(frozen=True)
class Scene:
    """One clean image with its annotations.

    Attributes:
        id: Unique in the data set, and stable: rain is seeded by it.
        image: The clean image; None where it is not known (photos of real rain).
        rainy: The rainy image, where the data set brings its own.
        mask: Class indices per pixel.
        instances: Instance ids per pixel.
        depth: Depth or disparity.
        size: (height, width) as the annotations state it, where they do.
        tags: What else is known of it, e.g. ``{"weather": "rainy", "timeofday": "night"}``.
    """

    id: str
    image: Path | None
    rainy: Path | None = None
    mask: Path | None = None
    instances: Path | None = None
    depth: Path | None = None
    size: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class DetectionTruth:
    """Ground truth boxes in COCO's format.

    Attributes:
        coco: ``images``, ``annotations`` and ``categories``, for this split's scenes only.
        image_ids: Scene id to COCO image id.
        outlined: Whether the objects' outlines can be had, see :meth:`DataSet.outlines`.
        left_out: Image ids of the data set that are not among these scenes'.
    """

    coco: dict[str, list[dict[str, Any]]]
    image_ids: dict[str, int]
    outlined: bool = False
    left_out: frozenset[int] = frozenset()

    @property
    def derived(self) -> bool:
        """Whether the boxes follow from files of the scenes, so that the scenes' digests stand for them too."""
        return False

    @property
    def categories(self) -> list[dict[str, Any]]:
        """The categories alone, which a data set knows before any box has been looked at."""
        return self.coco["categories"]

    def subset(self, scenes: Sequence[Scene]) -> DetectionTruth:
        """Return the truth of these scenes only."""
        ids = {self.image_ids[scene.id] for scene in scenes}
        coco = dict(self.coco)
        coco["images"] = [image for image in coco["images"] if image["id"] in ids]
        coco["annotations"] = [box for box in coco["annotations"] if box["image_id"] in ids]
        image_ids = {scene.id: self.image_ids[scene.id] for scene in scenes}
        return DetectionTruth(coco, image_ids, self.outlined, self.without(ids))

    def without(self, ids: Collection[int]) -> frozenset[int]:
        """Return all image ids of the data set but these."""
        return self.left_out.union(self.image_ids.values()).difference(ids)


@dataclass(frozen=True)
class SegmentationTruth:
    """The label space of a data set's masks.

    Attributes:
        classes: Class names; the index in this tuple is the pixel value.
        ignored: Indices of classes that have a name but are left out of scoring, as 0 in ADE20K; no mask holds them.
    """

    classes: tuple[str, ...]
    ignored: tuple[int, ...] = ()


@dataclass(frozen=True)
class Depth:
    """Distance from the camera per pixel.

    Attributes:
        metres: float32 HxW, above 0; infinite for the sky.
        focal: Focal length in pixels.
        source: ``"exact"``, ``"disparity"`` or ``"ground-plane guess"``.
    """

    metres: np.ndarray
    focal: float
    source: str


@dataclass(frozen=True)
class DataSet:
    """A split of a data set. Each kind of data set derives from this class and reads its own files.

    Attributes:
        name: How reports name it, e.g. ``coco/val2017``.
        kind: ``street``, ``coco``, ``cityscapes``, ... or what a user's reader calls itself.
        root: The folder it was opened from.
        split: The split's name; empty where the kind has none.
        scenes: All scenes, in an order that depends on their ids alone.
        detection: Ground truth boxes, where there are any.
        segmentation: The label space, where there are masks.
        own_rain: True where the rainy images come with the data and none is added.
        depth_source: Where depth comes from; None where the data set has none.
        notes: Oddities that a reader of the results should know, one line each.
        reader: The user's file that opened it; None for the kinds that are registered.
        code: Hash of that file's code, so that other code does not find this code's evidence; empty without one.
    """

    name: str
    kind: str
    root: Path
    split: str
    scenes: tuple[Scene, ...]
    detection: DetectionTruth | None = None
    segmentation: SegmentationTruth | None = None
    own_rain: bool = False
    depth_source: str | None = None
    notes: tuple[str, ...] = ()
    reader: PlugIn | None = None
    code: str = ""

    @property
    def serves(self) -> frozenset[str]:
        """What it has of every scene, in the words of `bench.vocabulary`."""
        there = {
            CLEAN_IMAGES: bool(self.scenes) and self.scenes[0].image is not None,
            BOXES: self.detection is not None,
            OUTLINES: self.detection is not None and self.detection.outlined,
            MASKS: self.segmentation is not None,
        }
        return frozenset(name for name, has in there.items() if has)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What its boxes and masks are called."""
        boxes = self.detection.categories if self.detection is not None else []
        masks = self.segmentation.classes if self.segmentation is not None else ()
        return tuple(dict.fromkeys([*(str(category["name"]) for category in boxes), *masks]))

    def clean(self, scene: Scene) -> np.ndarray | None:
        """Return the clean image (uint8 RGB HxWx3), or None where it is not known.

        Raises:
            BadData: If the file is unreadable or not of the size that the annotations state.
        """
        if scene.image is None:
            return None
        image = read_image(scene.image)
        self.check_size(scene, (image.shape[0], image.shape[1]))
        return image

    def check_size(self, scene: Scene, size: tuple[int, int]) -> None:
        """Compare the (height, width) of a scene's clean image with what the annotations state.

        Raises:
            BadData: If they state another size.
        """
        if scene.size is not None and size != scene.size:
            lying = (
                size[::-1] == scene.size and scene.image is not None and TURNED in oddities_of(scene.image)
            )
            raise BadData(
                f"{scene.image} is {size[1]}x{size[0]}, but its annotation says {scene.size[1]}x{scene.size[0]}: "
                + (
                    "its EXIF orientation turns it upright; remove that from the file if it was annotated lying"
                    if lying
                    else "the image and the annotations do not belong together"
                )
            )

    def rainy(self, scene: Scene) -> np.ndarray | None:
        """Return the rainy image that the data set itself brings, or None where rain is to be added."""
        if scene.rainy is None:
            return None
        image = read_image(scene.rainy)
        if scene.size is not None and image.shape[:2] != scene.size:
            raise BadData(
                f"{scene.rainy} is {image.shape[1]}x{image.shape[0]}, its pair is "
                f"{scene.size[1]}x{scene.size[0]}: the two images of a pair must have one size"
            )
        return image

    def mask(self, scene: Scene) -> np.ndarray:
        """Return class indices per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the scene has no mask, or it holds a value outside the label space.
        """
        if scene.mask is None:
            raise BadData(f"scene {scene.id} of {self.name} has no mask: segmentation cannot be scored on it")
        return read_labels(scene.mask)

    def check_labels(self, found: Collection[int]) -> None:
        """Look at what all masks together hold.

        Args:
            found: The class indices that occur, 255 among them where pixels are left out.

        Raises:
            BadData: If they are read wrongly, by the look of it.
        """

    def outlines(self, scene: Scene) -> list[str]:
        """Return the outlines of the scene's annotated objects, in the annotations' order, as COCO's run-length code.

        Raises:
            BadData: If the scene has none, or one does not fit its image.
        """
        raise BadData(f"{self.name} has no outlines of objects: instances cannot be scored on it")

    @property
    def outlines_key(self) -> str | None:
        """A hash of the outlines; None where they follow from files of the scenes, whose digests stand for them."""
        return None

    def depth(self, scene: Scene) -> Depth | None:
        """Return the scene's depth, or None where the data set has none."""
        return None

    def check_depth(self, scene: Scene) -> None:
        """Check that :meth:`depth` will work.

        Raises:
            BadData: If it will not.
        """
        self.depth(scene)

    def files(self, scene: Scene) -> dict[str, Path]:
        """Return every file that what is read of ``scene`` depends on, by what it is read for.

        The names tell apart what is read differently (label ids from train ids, the left half from the
        right), so that hashes over names and contents stand for what comes out.
        """
        roles = {
            "image": scene.image,
            "rainy": scene.rainy,
            "mask": scene.mask,
            "instances": scene.instances,
            "depth": scene.depth,
        }
        return {role: path for role, path in roles.items() if path is not None}

    def first(self, count: int) -> Self:
        """Return the same data set limited to its first ``count`` scenes."""
        return self.only(self.scenes[:count])

    def only(self, scenes: Sequence[Scene]) -> Self:
        """Return the same data set limited to some of its scenes."""
        detection = None if self.detection is None else self.detection.subset(scenes)
        return replace(self, scenes=tuple(scenes), detection=detection)
