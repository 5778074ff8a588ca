"""Photos with PASCAL VOC's XML files, as the labelled sets of bad weather come.

``Annotations/NAME.xml`` beside ``JPEGImages/NAME.*`` with ``ImageSets/Main/SPLIT.txt`` (VOC's development kit,
http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/; RTTS of RESIDE, Li et al., TIP 2019), or images in folders of
weather with their XML files below or beside them (``Rain/rain_01.jpg`` and ``Rain/Rain_PASCAL_VOC/rain_01.xml``: DAWN,
Kenk and Hassaballah 2020). An image and its XML file are found by their common name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from bench.data import boxes, layout
from bench.data.base import DataSet, Scene
from bench.data.boxes import Box
from bench.data.reader import Reader
from bench.errors import BadData
from bench.ordinary import LARGEST_TEXT, read_ordinary
from bench.vocabulary import BOXES, CLEAN_IMAGES

#: Folders that say what the weather was.
_CONDITIONS = ("rain", "fog", "snow", "sand", "haze", "night")


def open_voc(root: Path, split: str | None = None) -> DataSet:
    """Open photos with VOC's XML files.

    Args:
        root: The folder that they lie below.
        split: A list of names ``ImageSets/Main/SPLIT.txt``, or a sub-folder; None takes ``test`` where it is listed,
            else all there are.

    Raises:
        BadData: If an XML file has no image or cannot be used, an image has no XML file, or sizes differ.
    """
    lists = root / "ImageSets" / "Main"
    if split is None and (lists / "test.txt").is_file():
        split = "test"
    wanted: set[str] | None = None
    folder = root
    if split is not None and (lists / f"{split}.txt").is_file():
        text = read_ordinary(lists / f"{split}.txt", BadData, LARGEST_TEXT).decode("utf-8", "replace")
        wanted = {line.split()[0] for line in text.splitlines() if line.strip()}
    elif split is not None:
        found = layout.existing(root, split)
        if found is None:
            names = [path.stem for path in sorted(lists.glob("*.txt"))]
            names += [path.name for path in layout.folders(root)]
            raise BadData(
                f"{root} has no split {split!r}: give --split with one of {', '.join(names) or 'none'}"
            )
        folder = found
    annotations, images = _by_name(folder, ".xml"), _by_name(folder, None)
    if wanted is not None:
        for name in sorted(wanted, key=layout.natural):
            if name not in annotations:
                raise BadData(
                    f"{lists / f'{split}.txt'} names {name}, of which there is no XML file below {root}"
                )
        annotations = {name: path for name, path in annotations.items() if name in wanted}
    if not annotations:
        raise BadData(
            f"{folder} has no XML files: VOC's layout is Annotations/NAME.xml beside JPEGImages/; it holds "
            f"{layout.contents(folder)}"
        )
    for name, path in annotations.items():
        if name not in images:
            raise BadData(f"{path} has no image of its name below {folder}: add it, or remove the file")
    alone = [name for name in images if name not in annotations and wanted is None]
    if alone:
        raise BadData(
            f"image {images[alone[0]]} has no XML file of its name below {folder} ({len(alone)} such): add it, or "
            f"remove the image"
        )
    paths = {name: images[name] for name in sorted(annotations, key=layout.natural)}
    layout.check_inside([*paths.values(), *annotations.values()], [root, folder])
    sizes = layout.in_threads(layout.image_size, list(paths.values()))
    scenes, every = [], {}
    for (name, path), size in zip(paths.items(), sizes, strict=True):
        tags = {"condition": word} if (word := _condition(path, root)) else {}
        scenes.append(Scene(name, path, size=size, tags=tags))
        every[name] = list(_boxes(annotations[name], size))
    classes = sorted({box.label for found in every.values() for box in found})
    return DataSet(
        name=f"voc/{layout.title(root)}" + (f"/{split}" if split else ""),
        kind="voc",
        root=root,
        split=split or "",
        scenes=tuple(scenes),
        detection=boxes.make_truth(scenes, every, classes),
        notes=() if classes else ("no boxes are annotated: AP is undefined",),
    )


READER = Reader(
    "voc",
    "photos with PASCAL VOC's XML files, as DAWN and RTTS come",
    open_voc,
    frozenset({CLEAN_IMAGES, BOXES}),
    "test where ImageSets/ lists it, else all",
    boxes.lay_out,
)


def _by_name(folder: Path, ending: str | None) -> dict[str, Path]:
    """Files below a folder by their names without ending: those of one ending, or images."""
    found: dict[str, Path] = {}
    for path in _below(folder, ending):
        other = found.setdefault(path.stem, path)
        if other is not path:
            raise BadData(
                f"two files of one name: {other} and {path}: images and XML files belong together by name; rename one, "
                f"or give --split"
            )
    return found


def _below(folder: Path, ending: str | None) -> Iterator[Path]:
    if ending is None:
        yield from layout.image_files(folder)
    else:
        yield from sorted(path for path in folder.glob(f"*{ending}") if not path.name.startswith("."))
    for inner in layout.folders(folder):
        if inner.name not in ("SegmentationClass", "SegmentationObject"):  # masks of the same names
            yield from _below(inner, ending)


def _condition(path: Path, root: Path) -> str | None:
    words = [part.lower() for part in path.parent.relative_to(root).parts]
    return next((word for word in words if word in _CONDITIONS), None)


def _boxes(path: Path, size: tuple[int, int] | None) -> Iterator[Box]:
    """Yield the boxes of an XML file, whose corners are pixels that belong to the object, counted from 1."""
    content = read_ordinary(path, BadData, LARGEST_TEXT)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise BadData(f"{path} declares entities, which VOC's files do not: remove the declaration")
    try:
        tree = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError) as error:
        raise BadData(f"{path} is not XML ({error}): download it again") from None
    if tree.tag != "annotation":
        raise BadData(f"{path} is no annotation of VOC's, its first element is {tree.tag[:40]}")
    stated = [_number(tree.findtext(f"size/{side}")) for side in ("height", "width")]
    # Tools that do not know an image's size write 0.
    if size is not None and all(stated) and stated != [*size]:
        raise BadData(
            f"{path} says {stated[1]:g}x{stated[0]:g}, its image is {size[1]}x{size[0]}: they do not belong together"
        )
    for entry in tree.iter("object"):
        name = (entry.findtext("name") or "").strip()
        corners = [_number(entry.findtext(f"bndbox/{end}")) for end in ("xmin", "ymin", "xmax", "ymax")]
        if not name or None in corners:
            raise BadData(
                f"{path} has an object without a name or without xmin, ymin, xmax and ymax: mend it"
            )
        left, top, right, bottom = (value for value in corners if value is not None)
        difficult = _number(entry.findtext("difficult")) == 1
        yield boxes.make_box(name, (left - 1, top - 1, right, bottom), f"{path}: {name}", crowd=difficult)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
