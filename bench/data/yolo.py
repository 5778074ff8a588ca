"""Photos with YOLO's text files: ``data.yaml`` beside ``images/SPLIT/`` and ``labels/SPLIT/``.

The layout is Ultralytics' (https://docs.ultralytics.com/datasets/detect/): ``data.yaml`` names the folder of images of
each split, or a list of them, and the classes; the text file of an image lies where ``images`` is exchanged for
``labels`` in its path, with a line ``class x y width height`` per object, in shares of the image. An image without a
text file shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data import boxes, layout
from bench.data.base import DataSet, Scene
from bench.data.boxes import Box
from bench.data.reader import Reader
from bench.errors import BadData, BenchError
from bench.images import SUFFIXES
from bench.ordinary import LARGEST_TEXT, read_ordinary
from bench.vocabulary import BOXES, CLEAN_IMAGES
from bench.yaml_file import read_yaml

_SPLITS = ("val", "test", "train")


def open_yolo(root: Path, split: str | None = None) -> DataSet:
    """Open one split of a data set in YOLO's layout.

    Args:
        root: The folder that holds ``data.yaml``, or the only YAML file in it.
        split: ``train``, ``val`` or ``test``; None takes the first of val, test and train that there is.

    Raises:
        BadData: If a file is missing or not as it should be; the line is named.
    """
    source = _yaml(root)
    values = _values(source)
    there = [name for name in _SPLITS if values.get(name)]
    if split is None and not there:
        raise BadData(f"{source} names no images under val, test or train")
    chosen = split or there[0]
    if chosen not in there:
        raise BadData(f"{source} has no split {chosen!r}: give --split {' or '.join(there)}")
    classes = _classes(values.get("names"), source)
    bases = [root]
    if isinstance(values.get("path"), str) and (inner := root / _inside(values["path"])).is_dir():
        bases.insert(0, inner)
    named = values[chosen]
    images: list[Path] = []
    for place in named if isinstance(named, list) else [named]:
        images += _images(place, bases, source)
    if not images:
        raise BadData(f"{source}: no images of {chosen} in {named}")
    layout.check_inside(images, [root, *{path.parent for path in images}])
    ids = layout.unique_ids([_relative(path, root) for path in images])
    sizes = layout.in_threads(layout.image_size, images)
    scenes = sorted(
        (Scene(i, path, size=size) for i, path, size in zip(ids, images, sizes, strict=True)),
        key=lambda scene: layout.natural(scene.id),
    )
    every = {scene.id: _boxes(scene, classes) for scene in scenes}
    unlabelled = sum(found is None for found in every.values())
    if unlabelled == len(scenes):
        raise BadData(
            f"no image of {chosen} has a text file: {_labels(images[0])} is where the first one's would be"
        )
    notes = [f"{unlabelled} images have no text file and count as showing nothing"] if unlabelled else []
    return DataSet(
        name=f"yolo/{layout.title(root)}/{chosen}",
        kind="yolo",
        root=root,
        split=chosen,
        scenes=tuple(scenes),
        detection=boxes.make_truth(scenes, {k: found or [] for k, found in every.items()}, classes),
        notes=tuple(notes),
    )


READER = Reader(
    "yolo",
    "YOLO's layout: data.yaml beside images/SPLIT/ and labels/SPLIT/",
    open_yolo,
    frozenset({CLEAN_IMAGES, BOXES}),
    "val, else test, else train",
    boxes.lay_out,
)


def _yaml(root: Path) -> Path:
    found = sorted({*root.glob("*.yaml"), *root.glob("*.yml")})
    named = [path for path in found if path.stem == "data"] or found
    if len(named) != 1:
        lacks = "several YAML files and none is called data.yaml" if named else "no data.yaml"
        raise BadData(f"{root} has {lacks}: YOLO's layout is data.yaml beside images/ and labels/")
    return named[0]


def _values(source: Path) -> dict[str, Any]:
    try:
        values = read_yaml(source, str(source))
    except BenchError as error:
        raise BadData(str(error)) from None
    if not isinstance(values, dict):
        raise BadData(f"{source} is no mapping with the keys val and names")
    return values


def _classes(names: Any, source: Path) -> list[str]:
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise BadData(
            f"{source} has no class names under 'names': expected a list, or numbers from 0 with names"
        )
    if len(set(names)) < len(names):
        raise BadData(f"{source} names a class twice: detectors find classes by name; rename one")
    return names


def _inside(name: str) -> Path:
    """A path of ``data.yaml`` within the folder: exporters write it as seen from where they trained."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("..", ".", "/")]
    return Path(*parts)


def _images(place: Any, bases: Sequence[Path], source: Path) -> list[Path]:
    if not isinstance(place, str):
        raise BadData(f"{source} names {place!r:.60} as a place of images: expected a folder or a list file")
    for base in bases:
        path = base / _inside(place)
        if path.is_dir():
            return _below(path)
        if path.is_file() and path.suffix == ".txt":
            return _listed(path, bases)
    raise BadData(
        f"{source} names {place}, which is not in {bases[-1]} (it holds {layout.contents(bases[-1])})"
    )


def _below(folder: Path) -> list[Path]:
    return layout.image_files(folder) + [path for inner in layout.folders(folder) for path in _below(inner)]


def _listed(listing: Path, bases: Sequence[Path]) -> list[Path]:
    found = []
    text = read_ordinary(listing, BadData, LARGEST_TEXT).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name = layout.safe_name(line.strip(), f"{listing}, line {number},", str(listing.parent))
        path = next((base / name for base in (listing.parent, *bases) if (base / name).is_file()), None)
        if path is None or not name.lower().endswith(SUFFIXES):
            raise BadData(f"{listing}, line {number}: {line.strip():.80} is no image in {bases[-1]}")
        found.append(path)
    return found


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _labels(image: Path) -> Path:
    parts = list(image.parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _boxes(scene: Scene, classes: Sequence[str]) -> list[Box] | None:
    """Read an image's text file; None where it has none."""
    assert scene.image is not None
    source = _labels(scene.image)
    if not source.is_file():
        return None
    if scene.size is None:
        return []  # no image either, which is told when its files are looked at
    height, width = scene.size
    found = []
    text = read_ordinary(source, BadData, LARGEST_TEXT).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        where = f"{source}, line {number}"
        try:
            label, *shares = int(words[0]), *map(float, words[1:])
        except ValueError:
            raise BadData(f"{where}: {line.strip():.80} is no 'class x y width height'") from None
        if not 0 <= label < len(classes):
            raise BadData(f"{where} has class {label}, of {len(classes)} that data.yaml names")
        if len(shares) == 4:
            x, y, w, h = shares
            left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
        elif len(shares) >= 6 and len(shares) % 2 == 0:  # an outline
            left, top, right, bottom = (
                *map(min, (shares[::2], shares[1::2])),
                *map(max, (shares[::2], shares[1::2])),
            )
        else:
            raise BadData(
                f"{where} has {len(shares)} numbers after the class: expected x, y, width and height"
            )
        if not all(-0.01 <= share <= 1.01 for share in shares):
            raise BadData(f"{where} has {line.strip():.80}: expected shares of the image, from 0 to 1")
        corners = (left * width, top * height, right * width, bottom * height)
        found.append(boxes.make_box(classes[label], corners, where))
    return found
