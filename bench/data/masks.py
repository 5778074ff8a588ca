"""CamVid-like folders: images in ``SPLIT/``, class-index PNGs of the same names in ``SPLITannot/``."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import layout
from bench.data.base import IGNORE, DataSet, Scene, SegmentationTruth
from bench.data.reader import Layout, Reader, as_png, relative
from bench.errors import BadData
from bench.images import read_labels
from bench.ordinary import LARGEST_TEXT, read_ordinary
from bench.vocabulary import CLEAN_IMAGES, MASKS

if TYPE_CHECKING:
    import numpy as np

#: CamVid's eleven classes in the order of the SegNet release of its masks, in which 11 is unlabelled.
CAMVID = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
_CAMVID_IGNORED = (11, IGNORE)


@dataclass(frozen=True)
class MaskSet(DataSet):
    """Images with class-index masks.

    Attributes:
        ignored: The values that are left out of scoring, as the files hold them.
    """

    ignored: tuple[int, ...] = (IGNORE,)

    def mask(self, scene: Scene) -> np.ndarray:
        """Return class indices per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the mask is of another size than its image, or holds an index that no class has.
        """
        import cv2
        import numpy as np

        if scene.mask is None or self.segmentation is None:
            return super().mask(scene)
        labels = read_labels(scene.mask)
        if scene.size is not None and labels.shape != scene.size:
            raise BadData(_size_fault(scene.mask, labels.shape, scene.size))
        count = len(self.segmentation.classes)
        table = np.arange(256, dtype=np.uint8)
        table[list(self.ignored)] = IGNORE
        allowed = np.zeros(1 << 16, bool)
        allowed[:count] = True
        allowed[list(self.ignored)] = True
        wrong = labels[~allowed[labels]]
        if wrong.size:
            raise BadData(
                f"mask {scene.mask} holds the class index {int(wrong[0])}, but classes are 0 to {count - 1} "
                f"(left out: {' and '.join(map(str, self.ignored)) or 'nothing'}): mend the mask, or declare "
                f"its classes in {self.root / 'classes.json'}"
            )
        return cv2.LUT(labels.astype(np.uint8), table)

    def files(self, scene: Scene) -> dict[str, Path]:
        """Return the scene's files by what they are read for."""
        files = super().files(scene)
        mask = files.pop("mask", None)
        return files if mask is None else {**files, f"mask without {list(self.ignored)}": mask}


def open_masks(root: Path, split: str | None = None) -> DataSet:
    """Open one split of a CamVid-like folder.

    ``classes.json`` in ``root`` declares the label space: ``{"classes": ["road", ...], "ignore": 255}``, with
    a null ``ignore`` where every pixel counts. Without that file the masks are CamVid's: eleven classes, with
    11 and 255 left out.

    Args:
        root: The folder that holds ``SPLIT/`` and ``SPLITannot/``.
        split: The split; None takes ``val``, else ``test``, else the only one there is.

    Raises:
        BadData: If a folder is missing, an image has no mask or the reverse, or sizes differ.
    """
    split = _choose_split(root, split)
    classes, ignored = _label_space(root / "classes.json")
    images = _by_stem(root / split)
    masks = _by_stem(root / f"{split}annot")
    if not images:
        raise BadData(f"{root / split} holds no images: put them right into it")
    for stem, path in images.items():
        if stem not in masks:
            raise BadData(f"image {path} has no mask: expected {root / f'{split}annot' / stem}.png; add it")
    for stem, path in masks.items():
        if stem not in images:
            raise BadData(
                f"mask {path} has no image of its name in {root / split}: add it or remove the mask"
            )
    paths = [images[stem] for stem in images] + [masks[stem] for stem in images]
    layout.check_inside(paths, [root, root / split, root / f"{split}annot"])
    sizes = layout.in_threads(layout.image_size, paths)
    scenes = []
    for number, (stem, path) in enumerate(images.items()):
        size, mask_size = sizes[number], sizes[number + len(images)]
        if size is not None and mask_size is not None and size != mask_size:
            raise BadData(_size_fault(masks[stem], mask_size, size))
        scenes.append(Scene(id=path.stem, image=path, mask=masks[stem], size=size))
    notes: tuple[str, ...] = ()
    if classes is CAMVID and "camvid" not in layout.title(root).lower():
        notes = (f"no classes.json in {root}: the masks are read as CamVid's eleven classes",)
    return MaskSet(
        name=f"masks/{layout.title(root)}/{split}",
        kind="masks",
        root=root,
        split=split,
        scenes=tuple(scenes),
        segmentation=SegmentationTruth(classes),
        notes=notes,
        ignored=ignored,
    )


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: images and masks where they were, and the classes."""
    copies = {relative(scene.mask, data.root): scene.mask for scene in data.scenes if scene.mask is not None}
    classes = data.root / "classes.json"
    if classes.is_file():
        copies[classes.name] = classes
    rainy = {scene.id: as_png(relative(scene.image, data.root)) for scene in data.scenes}
    return Layout("masks", rainy, copies=copies)


READER = Reader(
    "masks",
    "CamVid-like: images in SPLIT/, class-index PNGs in SPLITannot/, classes.json",
    open_masks,
    frozenset({CLEAN_IMAGES, MASKS}),
    "val, else test, else the only one",
    lay_out,
)


def _choose_split(root: Path, split: str | None) -> str:
    names = {path.name for path in layout.folders(root)}
    splits = sorted(name for name in names if f"{name}annot" in names)
    expected = "expected images in SPLIT/ and masks in SPLITannot/"
    if split is not None:
        for name in (split, f"{split}annot"):
            if name not in names:
                choices = f"give --split {' or '.join(splits)}" if splits else expected
                raise BadData(f"{root} has no folder {name}/: {choices}; it holds {layout.contents(root)}")
        return split
    if not splits:
        raise BadData(f"{root} has no images with masks: {expected}; it holds {layout.contents(root)}")
    for name in ("val", "test"):
        if name in splits:
            return name
    if len(splits) > 1:
        raise BadData(f"{root} has several splits: give --split {' or '.join(splits)}")
    return splits[0]


def _by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in layout.image_files(folder):
        other = files.setdefault(path.stem, path)
        if other is not path:
            raise BadData(
                f"two files of one name: {other} and {path.name}: remove one, masks are found by name"
            )
    return files


def _label_space(path: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if not path.exists() and not path.is_symlink():
        return CAMVID, _CAMVID_IGNORED
    try:
        declared: Any = json.loads(read_ordinary(path, BadData, LARGEST_TEXT))
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path} is not JSON ({str(error).splitlines()[0]}): expected {_EXAMPLE}") from None
    names = declared.get("classes") if isinstance(declared, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise BadData(f"{path} has no list of class names under 'classes': expected {_EXAMPLE}")
    if len(set(names)) < len(names) or len(names) > IGNORE:
        raise BadData(
            f"{path} names {len(names)} classes, {len(set(names))} different ones: give up to 255, each once"
        )
    for key in declared:
        # A misspelt `ignore` would silently have its pixels scored.
        if key != "ignore" and difflib.get_close_matches(key, ["ignore"]):
            raise BadData(f"{path} has the key {key!r}: the value that is left out goes under 'ignore'")
    ignore = declared.get("ignore", IGNORE)
    if ignore is not None and (
        not isinstance(ignore, int) or isinstance(ignore, bool) or not 0 <= ignore <= 255
    ):
        raise BadData(f"{path} has ignore {ignore!r}: expected a mask value from 0 to 255, or null")
    return tuple(names), () if ignore is None else (ignore,)


_EXAMPLE = '{"classes": ["road", "car"], "ignore": 255}'


def _size_fault(path: Path, shape: tuple[int, ...], size: tuple[int, int]) -> str:
    return (
        f"mask {path} is {shape[1]}x{shape[0]} but its image is {size[1]}x{size[0]}: "
        f"masks must have their image's size"
    )
