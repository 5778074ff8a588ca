"""COCO's own layout: ``annotations/instances_SPLIT.json`` beside ``SPLIT/``.

The images may lie in ``images/SPLIT/`` as well, or in ``leftImg8bit/SPLIT/`` where boxes were added to
Cityscapes' layout.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data import layout
from bench.data.base import DataSet, DetectionTruth, Scene
from bench.data.reader import Layout, Reader, as_png, json_bytes, read_bytes, relative
from bench.errors import BadData, some
from bench.vocabulary import BOXES, CLEAN_IMAGES

_PREFIX = "instances_"
#: Ids and coordinates stay below it, so that every table that they go into can hold them.
_LARGEST = 1 << 53
#: What scoring boxes needs of an annotation. Outlines are most of COCO's bytes and boxes are scored without.
_KEPT = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore")


def open_coco(root: Path, split: str | None = None) -> DataSet:
    """Open one split of a data set in COCO's layout.

    Args:
        root: The folder that holds ``annotations/``.
        split: E.g. ``val2017``; None takes ``val2017``, or the only split there is.

    Returns:
        The data set, ordered by COCO's image ids. A scene's id is its file's name without ending.

    Raises:
        BadData: If the folder, the JSON or the images are not as COCO has them; the first fault is named.
    """
    split = _choose_split(root, split)
    source = root / "annotations" / f"{_PREFIX}{split}.json"
    folder = _image_folder(root, split)
    coco = read_coco(source)
    images = sorted(coco["images"], key=lambda image: image["id"])
    names = [layout.safe_name(image["file_name"], source, str(folder)) for image in images]
    duplicate = _first_duplicate(names)
    if duplicate is not None:
        raise BadData(f"{source} lists the file {duplicate} twice: every image must be listed once")
    paths = [folder / name for name in names]
    layout.check_present(
        paths, f"images that {source} names", f"download the rest of {split} or give the folder that has them"
    )
    layout.check_inside(paths, [root, folder])
    ids = layout.unique_ids(names)
    scenes = tuple(
        Scene(id=scene_id, image=path, size=(image["height"], image["width"]))
        for scene_id, path, image in zip(ids, paths, images, strict=True)
    )
    truth = DetectionTruth(
        coco={"images": images, "annotations": coco["annotations"], "categories": coco["categories"]},
        image_ids={scene_id: image["id"] for scene_id, image in zip(ids, images, strict=True)},
    )
    notes = [_outside(coco)] if coco["annotations"] else ["no boxes are annotated: AP is undefined"]
    return DataSet(
        name=f"coco/{split}",
        kind="coco",
        root=root,
        split=split,
        scenes=scenes,
        detection=truth,
        notes=tuple(note for note in notes if note),
    )


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: the images where they were, and the annotations with their names."""
    annotations = f"annotations/instances_{data.split}.json"
    return Layout(
        kind="coco",
        rainy={scene.id: as_png(relative(scene.image, data.root)) for scene in data.scenes},
        written={annotations: annotations_as_png(data, data.root / annotations)},
    )


def annotations_as_png(data: DataSet, source: Path) -> bytes:
    """Return a COCO annotation file for a data set's scenes, with the images' names ending in ``.png``.

    Args:
        data: The data set.
        source: Its annotation file, of which everything else is kept.

    Raises:
        BadData: If it cannot be read.
    """
    coco = json.loads(read_bytes(source))
    folders = [data.root / part / data.split for part in ("", "images", "leftImg8bit")]
    paths = {scene.image for scene in data.scenes}
    images = []
    for image in coco["images"]:
        name = PurePosixPath(image["file_name"].replace("\\", "/")).as_posix()
        if any(folder / name in paths for folder in folders):
            images.append({**image, "file_name": as_png(name)})
    kept = {image["id"] for image in images}
    boxes = [box for box in coco["annotations"] if box["image_id"] in kept]
    return json_bytes({**coco, "images": images, "annotations": boxes})


READER = Reader(
    "coco",
    "COCO's own layout: annotations/instances_SPLIT.json beside SPLIT/",
    open_coco,
    frozenset({CLEAN_IMAGES, BOXES}),
    "val2017, else the only one",
    lay_out,
)


def read_coco(source: Path) -> dict[str, list[dict[str, Any]]]:
    """Read and check a COCO annotation file.

    Returns:
        ``images`` (id, file_name, height, width), ``annotations`` (id, image_id, category_id, bbox, area,
        iscrowd) and ``categories`` (id, name), every reference resolved and every box finite. ``area`` and
        ``iscrowd`` are filled in (the box's area, 0) where the file leaves them out.

    Raises:
        BadData: If the file is not COCO; the key or the annotation is named.
    """
    data = _load(source)
    images = [_image(entry, source) for entry in data["images"]]
    _check_unique([image["id"] for image in images], "images", source)
    if not images:
        raise BadData(f"{source} lists no images: give an annotation file with at least one")
    categories = [_category(entry, source) for entry in data["categories"]]
    _check_unique([category["id"] for category in categories], "categories", source)
    name = _first_duplicate([category["name"] for category in categories])
    if name is not None:
        raise BadData(
            f"{source} has two categories called {name!r}: detectors find categories by name; rename one"
        )
    image_ids = {image["id"] for image in images}
    category_ids = {category["id"] for category in categories}
    annotations = [_annotation(entry, source, image_ids, category_ids) for entry in data["annotations"]]
    _check_unique([annotation["id"] for annotation in annotations], "annotations", source)
    return {"images": images, "annotations": annotations, "categories": categories}


def _outside(coco: dict[str, list[dict[str, Any]]]) -> str:
    """Say how many boxes no detector can find, since nothing of them is in their image; empty for none."""
    sizes = {image["id"]: (image["width"], image["height"]) for image in coco["images"]}
    found = []
    for annotation in coco["annotations"]:
        (left, top, width, height), size = annotation["bbox"], sizes[annotation["image_id"]]
        if left >= size[0] or top >= size[1] or left + width < 0 or top + height < 0:
            found.append(annotation["id"])
    if not found:
        return ""
    return f"{len(found)} boxes lie wholly outside their images and count as missed, the first is annotation {found[0]}"


def _choose_split(root: Path, split: str | None) -> str:
    folder = root / "annotations"
    if not folder.is_dir():
        raise BadData(
            f"{root} has no annotations/ folder (it holds {layout.contents(root)}): "
            f"COCO's layout is annotations/instances_SPLIT.json beside SPLIT/"
        )
    splits = sorted(path.stem[len(_PREFIX) :] for path in folder.glob(f"{_PREFIX}*.json"))
    if not splits:
        raise BadData(f"{folder} has no instances_SPLIT.json (it holds {layout.contents(folder)})")
    if split is not None:
        if split not in splits:
            raise BadData(f"{folder} has no instances_{split}.json: give --split {' or '.join(splits)}")
        return split
    if "val2017" in splits:
        return "val2017"
    if len(splits) > 1:
        raise BadData(f"{folder} has several splits: give --split {' or '.join(splits)}")
    return splits[0]


def _image_folder(root: Path, split: str) -> Path:
    for folder in (root / split, root / "images" / split, root / "leftImg8bit" / split):
        if folder.is_dir():
            return folder
    raise BadData(
        f"{root} has annotations of {split} but no image folder {split}/ or images/{split}/ "
        f"(it holds {layout.contents(root)}): put the images there"
    )


def _load(source: Path) -> dict[str, list[Any]]:
    try:
        data = json.loads(source.read_bytes())
    except FileNotFoundError:
        raise BadData(f"annotation file {source} does not exist") from None
    except OSError as error:
        raise BadData(f"annotation file {source} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise BadData(f"{source} is not JSON ({reason}): download it again") from None
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise BadData(f"{source} is not a COCO file: it holds a {kind}, not an object with the key 'images'")
    for key in ("images", "annotations", "categories"):
        if not isinstance(data.get(key), list):
            state = "has no key" if key not in data else "has no list under"
            raise BadData(
                f"{source} is not a COCO file: it {state} {key!r} (it has {some(map(repr, data))}); "
                f"give COCO's instances_SPLIT.json"
            )
    return data


def _image(entry: Any, source: Path) -> dict[str, Any]:
    identity = _identity(entry, "image", source)
    name = entry.get("file_name")
    if not isinstance(name, str) or not name:
        raise BadData(f"{source}: image {identity} has no 'file_name': give COCO's instances_SPLIT.json")
    for key in ("height", "width"):
        if not _is_whole(entry.get(key)) or entry[key] <= 0:
            raise BadData(
                f"{source}: image {identity} ({name}) has {key} {entry.get(key)!r}: expected pixels"
            )
    return {"id": identity, "file_name": name, "height": entry["height"], "width": entry["width"]}


def _category(entry: Any, source: Path) -> dict[str, Any]:
    identity = _identity(entry, "category", source)
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BadData(f"{source}: category {identity} has no 'name': detectors find categories by name")
    return {"id": identity, "name": entry["name"]}


def _annotation(entry: Any, source: Path, images: set[int], categories: set[int]) -> dict[str, Any]:
    identity = _identity(entry, "annotation", source)
    where = f"{source}: annotation {identity}"
    for key, name, known in (("image_id", "images", images), ("category_id", "categories", categories)):
        if not _is_whole(entry.get(key)) or entry[key] not in known:
            raise BadData(
                f"{where} has {key} {entry.get(key)!r}, which {name!r} does not list: mend the file"
            )
    box = entry.get("bbox")
    if box is None:
        raise BadData(f"{where} has no 'bbox': give instances_SPLIT.json, not captions or panoptic")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_finite(value) for value in box):
        raise BadData(f"{where} has bbox {box!r}: expected four finite numbers, x, y, width and height")
    if box[2] < 0 or box[3] < 0:
        raise BadData(f"{where} has bbox {box!r} of negative size: expected x, y, width, height, not corners")
    area = entry.get("area", box[2] * box[3])
    if not _is_finite(area) or area < 0:
        raise BadData(f"{where} has area {area!r}: expected square pixels")
    kept = {key: entry[key] for key in _KEPT if key in entry}
    return {**kept, "area": area, "iscrowd": 1 if entry.get("iscrowd") else 0}


def _identity(entry: Any, what: str, source: Path) -> int:
    if not isinstance(entry, dict):
        raise BadData(f"{source} is not a COCO file: an {what} in it is {entry!r:.40}, not an object")
    if not _is_whole(entry.get("id")):
        raise BadData(f"{source}: an {what} has id {entry.get('id')!r}; expected a whole number")
    return entry["id"]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_finite(value: Any) -> bool:
    # Comparing, unlike math.isfinite, takes whole numbers of any length; NaN is in no range.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _check_unique(identities: list[int], what: str, source: Path) -> None:
    duplicate = _first_duplicate(identities)
    if duplicate is not None:
        raise BadData(f"{source}: two {what} have the id {duplicate}: ids must be unique")


def _first_duplicate(values: list[Any]) -> Any:
    seen = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
