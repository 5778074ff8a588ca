"""CamVid-like folders: images in ``SPLIT/``, class-index PNGs of the same names in ``SPLITannot/``."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import layout
from bench.data.base import IGNORE, DataSet, Scene, SegmentationTruth
from bench.data.reader import Layout, Reader, as_png, relative
from bench.errors import BadData
from bench.images import read_image, read_labels
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
#: Pixel values of masks: 16 bits, or 24 where a colour stands for a class.
_MOST, _COLOURS = 1 << 16, 1 << 24


@dataclass(frozen=True)
class Labels:
    """What the pixel values of masks stand for.

    Attributes:
        classes: The classes' names.
        ignored: The values that are left out of scoring, as the files hold them.
        values: The value of each class; None where it is the class's index. Colours are 0xRRGGBB.
        coloured: Whether the values are colours.
        declared: Whether somebody said which values are left out.
    """

    classes: tuple[str, ...]
    ignored: tuple[int, ...] = (IGNORE,)
    values: tuple[int, ...] | None = None
    coloured: bool = False
    declared: bool = True

    @property
    def truth(self) -> SegmentationTruth:
        """The classes, and which of them are left out of scoring."""
        values = range(len(self.classes)) if self.values is None else self.values
        ignored = tuple(index for index, value in enumerate(values) if value in self.ignored)
        return SegmentationTruth(self.classes, ignored)

    @property
    def role(self) -> str:
        """What a mask is read for; it tells apart files whose values mean something else."""
        left_out = f"mask without {list(self.ignored)}"
        return left_out if self.values is None else f"{left_out}, classes are {list(self.values)}"

    def shown(self, value: int) -> str:
        """A value as a user writes it."""
        return f"#{value:06x}" if self.coloured else str(value)


@dataclass(frozen=True)
class MaskSet(DataSet):
    """Images with masks: class indices, or values and colours that are declared to stand for classes.

    Attributes:
        labels: What the values stand for.
    """

    labels: Labels = Labels(())

    def mask(self, scene: Scene) -> np.ndarray:
        """Return class indices per pixel (uint8 HxW); 255 is left out of scoring.

        Raises:
            BadData: If the mask is of another size than its image, or holds an index that no class has.
        """
        import numpy as np

        if scene.mask is None or self.segmentation is None:
            return super().mask(scene)
        labels, known = self._values(scene.mask), self.labels
        if scene.size is not None and labels.shape != scene.size:
            raise BadData(_size_fault(scene.mask, labels.shape, scene.size))
        indices = _table(known)[labels]
        wrong = labels[indices < 0]
        if wrong.size:
            value = known.shown(int(wrong[0]))
            if known.values is None:
                what = f"the class index {value}, but classes are 0 to {len(known.classes) - 1}"
            else:
                kind = "colour" if known.coloured else "value"
                what = f"the {kind} {value}, which stands for no class"
            left_out = " and ".join(map(known.shown, known.ignored)) or "nothing"
            raise BadData(
                f"mask {scene.mask} holds {what} (left out: {left_out}): mend the mask, or declare "
                f"its classes in {self.root / _DECLARATION}"
            )
        return indices.astype(np.uint8)

    def _values(self, path: Path) -> np.ndarray:
        """Read a mask's values: uint8 or uint16 HxW, or int32 HxW for colours."""
        import numpy as np

        if self.labels.coloured:
            colours = read_image(path).astype(np.int32)
            return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]
        return read_labels(path)

    def check_labels(self, found: Collection[int]) -> None:
        """Refuse masks of 0 and 255 alone: 255 is left out unless it is declared, though it may be the second class.

        Raises:
            BadData: If there are two classes, nothing says what is left out, and the second occurs in no mask.
        """
        known = self.labels
        if (
            not known.declared
            and known.values is None
            and len(known.classes) == 2
            and set(found) == {0, IGNORE}
        ):
            raise BadData(
                f"the masks of {self.name} hold 0 and 255 alone, and 255 is left out of scoring: if it stands for "
                f'{known.classes[1]}, write "values": [0, 255] into {self.root / _DECLARATION}, else "ignore": 255'
            )

    def files(self, scene: Scene) -> dict[str, Path]:
        """Return the scene's files by what they are read for."""
        files = super().files(scene)
        mask = files.pop("mask", None)
        return files if mask is None else {**files, self.labels.role: mask}


@lru_cache(maxsize=4)
def _table(labels: Labels) -> np.ndarray:
    """Return what each value becomes: int16, a class's index, 255 for what is left out, -1 for what is neither."""
    import numpy as np

    count = len(labels.classes)
    table = np.full(_COLOURS if labels.coloured else _MOST, -1, np.int16)
    table[list(range(count) if labels.values is None else labels.values)] = range(count)
    table[list(labels.ignored)] = IGNORE
    return table


def open_masks(root: Path, split: str | None = None) -> DataSet:
    """Open one split of a CamVid-like folder.

    ``classes.json`` in ``root`` declares the label space: ``{"classes": ["road", ...], "ignore": 255}``, with
    a null ``ignore`` where every pixel counts, and ``values`` where a class's pixel value is not its place in the list:
    numbers, or colours as ``"#rrggbb"``. Without that file the masks are CamVid's: eleven classes, with 11 and 255 left
    out.

    Args:
        root: The folder that holds ``SPLIT/`` and ``SPLITannot/``.
        split: The split; None takes ``val``, else ``test``, else the only one there is.

    Raises:
        BadData: If a folder is missing, an image has no mask or the reverse, or sizes differ.
    """
    split = _choose_split(root, split)
    labels = _label_space(root / _DECLARATION)
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
    if labels.classes is CAMVID and "camvid" not in layout.title(root).lower():
        notes = (f"no classes.json in {root}: the masks are read as CamVid's eleven classes",)
    return MaskSet(
        name=f"masks/{layout.title(root)}/{split}",
        kind="masks",
        root=root,
        split=split,
        scenes=tuple(scenes),
        segmentation=labels.truth,
        notes=notes,
        labels=labels,
    )


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: images and masks where they were, and the classes."""
    copies = {relative(scene.mask, data.root): scene.mask for scene in data.scenes if scene.mask is not None}
    classes = data.root / _DECLARATION
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


def _label_space(path: Path) -> Labels:
    if not path.exists() and not path.is_symlink():
        return Labels(CAMVID, _CAMVID_IGNORED)
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
        for known, what in (("ignore", "the value that is left out"), ("values", "the classes' values")):
            if key != known and difflib.get_close_matches(key, [known]):
                raise BadData(f"{path} has the key {key!r}: {what} goes under {known!r}")
    values, coloured = _class_values(declared.get("values"), len(names), path)
    if "ignore" in declared:
        ignore = declared["ignore"]
        ignored = () if ignore is None else (_left_out(ignore, coloured, path),)
    else:
        ignored = () if coloured or (values is not None and IGNORE in values) else (IGNORE,)
    return Labels(tuple(names), ignored, values, coloured, "ignore" in declared)


def _class_values(values: Any, count: int, path: Path) -> tuple[tuple[int, ...] | None, bool]:
    """Read what stands for each class; tells also whether colours do."""
    if values is None:
        return None, False
    if not isinstance(values, list) or len(values) != count:
        raise BadData(
            f"{path} has values that are no list of {count}, one for each class: expected [0, 255] or so"
        )
    for read, most in ((_colour, _COLOURS), (_number, _MOST)):
        found = [read(value) for value in values]
        numbers = tuple(number for number in found if number is not None)
        if len(set(numbers)) == count:
            return numbers, most == _COLOURS
    raise BadData(
        f"{path} has values that are not {count} different numbers from 0 to {_MOST - 1}, nor so many colours "
        f'like "#804080": mend them'
    )


def _left_out(value: Any, coloured: bool, path: Path) -> int:
    if (number := _colour(value) if coloured else _number(value)) is None or (
        not coloured and number > IGNORE
    ):
        expected = 'a colour like "#000000"' if coloured else "a mask value from 0 to 255"
        raise BadData(f"{path} has ignore {value!r}: expected {expected}, or null")
    return number


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST else None


def _colour(value: Any) -> int | None:
    return int(value[1:], 16) if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) else None


_DECLARATION = "classes.json"
_EXAMPLE = '{"classes": ["road", "car"], "ignore": 255}'


def _size_fault(path: Path, shape: tuple[int, ...], size: tuple[int, int]) -> str:
    return (
        f"mask {path} is {shape[1]}x{shape[0]} but its image is {size[1]}x{size[0]}: "
        f"masks must have their image's size"
    )
