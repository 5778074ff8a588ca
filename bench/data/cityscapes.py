"""Cityscapes' own layout: ``leftImg8bit/SPLIT/CITY`` beside ``gtFine/SPLIT/CITY``."""

from __future__ import annotations

import glob
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import layout, stereo
from bench.data.base import DataSet, Depth, Scene, SegmentationTruth
from bench.data.cityscapes_labels import CLASSES, INVALID, SKY, from_label_ids, from_train_ids
from bench.data.coco import annotations_as_png
from bench.data.instances import InstanceTruth, object_outlines
from bench.data.reader import Layout, Reader, as_png, relative
from bench.errors import BadData
from bench.images import read_labels
from bench.ordinary import read_ordinary
from bench.vocabulary import BOXES, CLEAN_IMAGES, DEPTH, MASKS, OUTLINES

if TYPE_CHECKING:
    import numpy as np

_IMAGE = "_leftImg8bit"
_TRAIN_IDS, _LABEL_IDS, _INSTANCE_IDS = (
    "_gtFine_labelTrainIds.png",
    "_gtFine_labelIds.png",
    "_gtFine_instanceIds.png",
)

#: Folders beside ``leftImg8bit/``, and what a scene's files in them end in.
_TRUTH = (
    ("gtFine", "gtFine_*"),
    ("depth", "depth.*"),
    ("disparity", "disparity.*"),
    ("camera", "camera.json"),
)


@dataclass(frozen=True)
class CityscapesSet(DataSet):
    """A split of Cityscapes, or of a set in its layout.

    Attributes:
        focal: Focal length in pixels by scene id, where ``cameras_SPLIT.json`` says so.
    """

    focal: dict[str, float] = field(default_factory=dict)

    def mask(self, scene: Scene) -> np.ndarray:
        """Return train ids per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the scene has no mask, or it is of another size or label space than its name says.
        """
        if scene.mask is None:
            return super().mask(scene)
        return read_train_ids(scene.mask, scene.size)

    def outlines(self, scene: Scene) -> list[str]:
        """Return the outlines of the scene's objects, in the order of their ids, as COCO's run-length code."""
        return super().outlines(scene) if scene.instances is None else object_outlines(scene.instances)

    def depth(self, scene: Scene) -> Depth | None:
        """Return the distance per pixel from disparity or a depth file, holes filled from beside them.

        Raises:
            BadData: If the depth, or the camera's file, cannot be used.
        """
        if scene.depth is None:
            return None
        sky = None if scene.mask is None else self.mask(scene) == SKY
        return stereo.read_depth(scene.depth, self._camera(scene), sky, scene.size)

    def check_depth(self, scene: Scene) -> None:
        """Check the depth's file and the camera's; holes are not filled for it."""
        if scene.depth is not None:
            self._camera(scene)
            stereo.read_stored(scene.depth, scene.size)

    def files(self, scene: Scene) -> dict[str, Path]:
        """Return every file that what is read of ``scene`` depends on, by what it is read for."""
        files = {"image": scene.image, "instances": scene.instances, "camera": self._camera_file(scene)}
        if scene.depth is not None and scene.id in self.focal:
            files["cameras"] = self.root / f"cameras_{self.split}.json"
        if scene.mask is not None:
            files["train ids" if scene.mask.name.endswith(_TRAIN_IDS) else "label ids"] = scene.mask
        if scene.depth is not None:
            files["disparity" if scene.depth.name.endswith("_disparity.png") else "depth"] = scene.depth
        return {role: path for role, path in files.items() if path is not None}

    def _camera(self, scene: Scene) -> tuple[float, float]:
        """Return baseline in metres and focal length in pixels."""
        file = self._camera_file(scene)
        if file is not None:
            return stereo.read_camera(file)
        return stereo.BASELINE, self.focal.get(scene.id, stereo.FOCAL)

    def _camera_file(self, scene: Scene) -> Path | None:
        if scene.depth is None or scene.image is None:
            return None
        city = scene.image.parent.relative_to(self.root / "leftImg8bit")
        camera = self.root / "camera" / city / f"{scene.id}_camera.json"
        return camera if camera.is_file() else None


def open_cityscapes(root: Path, split: str | None = None) -> DataSet:
    """Open one split of a data set in Cityscapes' layout.

    Masks are ``*_gtFine_labelTrainIds.png`` where a scene has one, else ``*_gtFine_labelIds.png`` through
    the official table. Boxes come from ``*_gtFine_instanceIds.png``. Depth is taken from ``depth/`` or
    ``disparity/`` where present.

    Args:
        root: The folder that holds ``leftImg8bit/``.
        split: ``train``, ``val``, ``test`` or what there is; None takes ``val``, or the only one.

    Raises:
        BadData: If a folder is missing or empty, an image has no mask, or sizes differ.
    """
    images = root / "leftImg8bit"
    if not images.is_dir():
        raise BadData(
            f"{root} has no leftImg8bit/ folder: Cityscapes' layout is leftImg8bit/SPLIT/CITY beside "
            f"gtFine/SPLIT/CITY; it holds {layout.contents(root)}"
        )
    split = _choose_split(images, split)
    found, left_out = _images(images / split)
    has_truth = (root / "gtFine").is_dir()
    sources = {root / name for name in ("depth", "disparity") if (root / name / split).is_dir()}
    scenes = [_scene(path, root, has_truth, sources) for path in found]
    scenes = _with_sizes(sorted(scenes, key=lambda scene: layout.natural(scene.id)))
    for first, second in itertools.pairwise(scenes):
        if first.id == second.id:
            raise BadData(f"two images are called {first.id}: {first.image} and {second.image}; remove one")
    notes = []
    if left_out:
        notes.append(f"{len(left_out)} images not named *{_IMAGE} are left out, the first is {left_out[0]}")
    if not has_truth:
        notes.append("no gtFine/ folder: only restoration can be scored")
    data = CityscapesSet(
        name=f"cityscapes/{split}",
        kind="cityscapes",
        root=root,
        split=split,
        scenes=tuple(scenes),
        detection=_boxes(scenes),
        segmentation=SegmentationTruth(CLASSES) if has_truth else None,
        depth_source=_depth_source(scenes),
        notes=tuple(notes),
        focal=_focal_lengths(root / f"cameras_{split}.json"),
    )
    files = [path for scene in scenes for path in data.files(scene).values()]
    layout.check_inside(files, [root, *{path.parent for path in files}])
    return data


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: the images where they were, all that belongs to them copied."""
    rainy, copies = {}, {}
    for scene in data.scenes:
        rainy[scene.id] = as_png(relative(scene.image, data.root))
        for source in _truth_files(data.root, scene):
            copies[relative(source, data.root)] = source
    cameras = data.root / f"cameras_{data.split}.json"
    if cameras.is_file():
        copies[cameras.name] = cameras
    annotations = f"annotations/instances_{data.split}.json"
    written = {}
    if (data.root / annotations).is_file():
        written[annotations] = annotations_as_png(data, data.root / annotations)
    return Layout("cityscapes", rainy, copies=copies, written=written)


def _truth_files(root: Path, scene: Scene) -> Iterator[Path]:
    """Yield what else belongs to a scene: labels of any kind, depth, its camera."""
    assert scene.image is not None
    city = scene.image.parent.relative_to(root / "leftImg8bit")
    for folder, ending in _TRUTH:
        yield from sorted((root / folder / city).glob(f"{glob.escape(scene.id)}_{ending}"))


READER = Reader(
    "cityscapes",
    "Cityscapes' own layout: leftImg8bit/SPLIT/CITY/ beside gtFine/; disparity/ or depth/ where present",
    open_cityscapes,
    frozenset({CLEAN_IMAGES, BOXES, OUTLINES, MASKS, DEPTH}),
    "val, else the only one",
    lay_out,
)


def read_train_ids(
    path: Path, size: tuple[int, int] | None = None, *, train_ids: bool | None = None
) -> np.ndarray:
    """Read a labelTrainIds or labelIds file as train ids.

    Args:
        path: The file.
        size: (height, width) that it must have.
        train_ids: Whether it holds train ids; None tells it by the name, ``*_labelTrainIds.png``.

    Returns:
        uint8 HxW, 0 to 18, and 255 where nothing is evaluated.

    Raises:
        BadData: If the size is another, or a value does not belong to the label space that the name promises.
    """
    import cv2
    import numpy as np

    labels = read_labels(path)
    if labels.dtype != np.uint8:
        raise BadData(f"{path} has 16 bits per pixel: label files have 8; is it an instanceIds file?")
    if size is not None and labels.shape != size:
        raise BadData(
            f"mask {path} is {labels.shape[1]}x{labels.shape[0]} but its image is {size[1]}x{size[0]}: "
            f"masks must have their image's size"
        )
    if train_ids is None:
        train_ids = path.name.endswith("_labelTrainIds.png")
    mask = cv2.LUT(labels, from_train_ids() if train_ids else from_label_ids())
    wrong = labels[mask == INVALID]
    if wrong.size:
        kind, other = ("train", "label") if train_ids else ("label", "train")
        allowed = "0 to 18 and 255" if train_ids else "0 to 33"
        looks = int(wrong[0]) <= 33 if train_ids else int(wrong[0]) == 255
        guess = f"it looks like {other} ids, so name it so" if looks else "write it again"
        raise BadData(f"mask {path} holds the value {int(wrong[0])}, but {kind} ids are {allowed}: {guess}")
    return mask


def _choose_split(images: Path, split: str | None) -> str:
    splits = [path.name for path in layout.folders(images)]
    if not splits:
        raise BadData(f"{images} has no split folders: expected leftImg8bit/val/CITY/*{_IMAGE}.png")
    if split is not None:
        if split not in splits:
            raise BadData(f"{images} has no split {split!r}: give --split {' or '.join(splits)}")
        return split
    if "val" in splits:
        return "val"
    if len(splits) > 1:
        raise BadData(f"{images} has several splits: give --split {' or '.join(splits)}")
    return splits[0]


def _images(folder: Path, above: tuple[Path, ...] = ()) -> tuple[list[Path], list[Path]]:
    """Return the images below a folder, and image files of other names; an empty city is an error."""
    if folder.resolve() in above:
        raise BadData(f"folder {folder} is a link to a folder that it lies in: remove the link")
    above = (*above, folder.resolve())
    found: list[Path] = []
    others: list[Path] = []
    for path in layout.image_files(folder):
        (found if path.stem.endswith(_IMAGE) else others).append(path)
    for inner in layout.folders(folder):
        below, left_out = _images(inner, above)
        if not below:
            raise BadData(
                f"folder {inner} holds no *{_IMAGE}.png: unpack its images again, or remove the folder"
            )
        found += below
        others += left_out
    if not found and not layout.folders(folder):
        raise BadData(
            f"folder {folder} holds no *{_IMAGE}.png: unpack the images again, or remove the folder"
        )
    return found, others


def _scene(path: Path, root: Path, has_truth: bool, sources: set[Path]) -> Scene:
    name = path.stem[: -len(_IMAGE)]
    city = path.parent.relative_to(root / "leftImg8bit")
    mask = instances = None
    if has_truth:
        folder = root / "gtFine" / city
        candidates = [folder / f"{name}{ending}" for ending in (_TRAIN_IDS, _LABEL_IDS)]
        mask = next((candidate for candidate in candidates if candidate.is_file()), None)
        if mask is None:
            raise BadData(
                f"image {path} has no mask: expected {candidates[1]} or {_TRAIN_IDS[1:]} beside it; "
                f"unpack gtFine again, or remove the image"
            )
        instances = folder / f"{name}{_INSTANCE_IDS}"
        instances = instances if instances.is_file() else None
    return Scene(
        id=name,
        image=path,
        mask=mask,
        instances=instances,
        depth=_depth_file(name, city, sources),
        size=None,
        tags={"city": city.name} if len(city.parts) > 1 else {},
    )


def _depth_file(name: str, city: Path, sources: set[Path]) -> Path | None:
    if not sources:
        return None
    endings = {"depth": ("_depth.npy", "_depth.png"), "disparity": ("_disparity.png",)}
    candidates = [
        source / city / f"{name}{ending}" for source in sorted(sources) for ending in endings[source.name]
    ]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise BadData(
            f"scene {name} has no {candidates[-1]}, though other scenes have depth: complete the folder, "
            f"or move it away to have depth guessed for every scene"
        )
    return found


def _with_sizes(scenes: list[Scene]) -> list[Scene]:
    sized = []
    every = layout.in_threads(_sizes, scenes)
    for scene, sizes in zip(scenes, every, strict=True):
        size = sizes["image"]
        for role, other in sizes.items():
            if size is not None and other is not None and other != size:
                path = getattr(scene, role)
                raise BadData(
                    f"{role} {path} is {other[1]}x{other[0]} but its image is {size[1]}x{size[0]}: "
                    f"both must have one size"
                )
        sized.append(replace(scene, size=size))
    return sized


def _sizes(scene: Scene) -> dict[str, tuple[int, int] | None]:
    paths = {"image": scene.image, "mask": scene.mask, "instances": scene.instances, "depth": scene.depth}
    return {role: layout.image_size(path) for role, path in paths.items() if path is not None}


def _boxes(scenes: list[Scene]) -> InstanceTruth | None:
    without = [scene for scene in scenes if scene.instances is None]
    if len(without) == len(scenes):
        return None
    if without:
        raise BadData(
            f"{len(without)} of {len(scenes)} scenes have no {_INSTANCE_IDS[1:]}, the first is "
            f"{without[0].id}: unpack gtFine again, or remove those images"
        )
    return InstanceTruth(scenes, {scene.id: number for number, scene in enumerate(scenes, start=1)})


def _focal_lengths(path: Path) -> dict[str, float]:
    """Read the focal lengths of rendered scenes, whose cameras differ; real ones have a file per frame."""
    if not path.is_file():
        return {}
    try:
        focal = {
            str(name): float(value)
            for name, value in json.loads(read_ordinary(path, BadData))["focal"].items()
        }
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BadData(
            f"{path} has no focal lengths by scene under 'focal' ({reason}): write it again"
        ) from None
    for name, value in focal.items():
        if not (math.isfinite(value) and value > 0):
            raise BadData(f"{path} has focal length {value} for {name}: it must be above 0 pixels")
    return focal


def _depth_source(scenes: list[Scene]) -> str | None:
    if not scenes or scenes[0].depth is None:
        return None
    return "exact" if "_depth." in scenes[0].depth.name else "disparity"
