"""ACDC: photos of real rain, fog, snow and night with masks of Cityscapes' classes.

``rgb_anon/CONDITION/SPLIT/SEQUENCE/*_rgb_anon.png`` beside ``gt/CONDITION/SPLIT/SEQUENCE/*_gt_labelTrainIds.png``, as
its two archives unpack (Sakaridis et al., ICCV 2021; https://acdc.vision.ee.ethz.ch/download). The frames of clear
weather in ``SPLIT_ref`` show about the same places; they are not aligned, so nothing is scored against them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import layout
from bench.data.base import DataSet, Scene, SegmentationTruth
from bench.data.cityscapes import read_train_ids
from bench.data.cityscapes_labels import CLASSES
from bench.data.reader import Reader
from bench.errors import BadData
from bench.vocabulary import MASKS

if TYPE_CHECKING:
    import numpy as np

CONDITIONS = ("fog", "night", "rain", "snow")
_IMAGE, _MASK = "_rgb_anon", "_gt_labelTrainIds.png"


@dataclass(frozen=True)
class ACDCSet(DataSet):
    """A split of ACDC; scenes are tagged with their condition."""

    def mask(self, scene: Scene) -> np.ndarray:
        """Return train ids per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the scene has no mask, or it holds other ids.
        """
        return super().mask(scene) if scene.mask is None else read_train_ids(scene.mask)


def open_acdc(root: Path, split: str | None = None) -> DataSet:
    """Open one split of ACDC, all four conditions.

    Args:
        root: The folder that holds ``rgb_anon/`` and ``gt/``.
        split: ``train``, ``val`` or ``test``, whose masks are not public; None takes ``val``.

    Raises:
        BadData: If a condition or a split is missing, an image has no mask, or sizes differ.
    """
    split = split or "val"
    images = root / "rgb_anon"
    if not images.is_dir():
        raise BadData(
            f"{root} has no rgb_anon/ folder: ACDC's layout is rgb_anon/rain/val/SEQUENCE/*{_IMAGE}.png beside gt/; "
            f"it holds {layout.contents(root)}"
        )
    for condition in CONDITIONS:
        if not (images / condition).is_dir():
            raise BadData(
                f"{images} lacks the condition {condition}/: unpack ACDC again; it holds {layout.contents(images)}"
            )
    for condition in CONDITIONS:
        if not (images / condition / split).is_dir():
            raise BadData(
                f"{images / condition} has no split {split}/: give another --split; it holds "
                f"{layout.contents(images / condition)}"
            )
    has_truth = (root / "gt" / "rain" / split).is_dir()
    scenes = []
    for condition in CONDITIONS:
        for sequence in layout.folders(images / condition / split):
            scenes += [_scene(path, root, condition, has_truth) for path in layout.image_files(sequence)]
    if not scenes:
        raise BadData(
            f"{images} holds no *{_IMAGE}.png of {split} in folders of sequences: unpack ACDC again"
        )
    scenes.sort(key=lambda scene: layout.natural(scene.id))
    seen: dict[str, Scene] = {}
    for scene in scenes:
        other = seen.setdefault(scene.id, scene)
        if other is not scene:
            raise BadData(f"two images are called {scene.id}: {other.rainy} and {scene.rainy}; remove one")
    layout.in_threads(_check_size, scenes)
    files = [path for scene in scenes for path in (scene.rainy, scene.mask) if path is not None]
    layout.check_inside(files, [root, *{path.parent for path in files}])
    notes = ["frames of clear weather are not aligned with these, and nothing is scored against them"]
    return ACDCSet(
        name=f"acdc/{split}",
        kind="acdc",
        root=root,
        split=split,
        scenes=tuple(scenes),
        segmentation=SegmentationTruth(CLASSES) if has_truth else None,
        own_rain=True,
        notes=tuple(notes) if has_truth else (*notes, "the masks of this split are not public"),
    )


def _scene(path: Path, root: Path, condition: str, has_truth: bool) -> Scene:
    if not path.stem.endswith(_IMAGE):
        raise BadData(f"{path} is not called *{_IMAGE}.png, as ACDC's images are: move it away")
    name = path.stem.removesuffix(_IMAGE)
    mask = root / "gt" / path.parent.relative_to(root / "rgb_anon") / f"{name}{_MASK}" if has_truth else None
    if mask is not None and not mask.is_file():
        raise BadData(f"image {path} has no mask: expected {mask}; unpack ACDC's gt archive again")
    return Scene(id=name, image=None, rainy=path, mask=mask, tags={"condition": condition})


def _check_size(scene: Scene) -> None:
    if scene.mask is not None and scene.rainy is not None:
        size, other = layout.image_size(scene.rainy), layout.image_size(scene.mask)
        if size is not None and other is not None and size != other:
            raise BadData(
                f"mask {scene.mask} is {other[1]}x{other[0]} but its image is {size[1]}x{size[0]}: "
                f"both must have one size"
            )


READER = Reader(
    "acdc",
    "ACDC: photos of real rain, fog, snow and night with masks; no rain is added",
    open_acdc,
    frozenset({MASKS}),
    "val",
)
