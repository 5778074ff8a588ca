"""COCO's own layout: ``annotations/instances_SPLIT.json`` beside ``SPLIT/``.

The images may lie in ``images/SPLIT/`` as well, or in ``leftImg8bit/SPLIT/`` where boxes were added to
Cityscapes' layout. Files of other names are named: ``coco:DIR#labels.json,images/``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench.data import layout, outlines
from bench.data.base import DataSet, DetectionTruth, Scene
from bench.data.reader import Layout, Reader, as_png, json_bytes, relative
from bench.errors import BadData, some
from bench.files import list_files
from bench.ordinary import read_ordinary
from bench.vocabulary import BOXES, CLEAN_IMAGES, OUTLINES

_PREFIX = "instances_"
#: What COCO calls an object's outline.
_OUTLINE = "segmentation"
#: Ids and coordinates stay below it, so that every table that they go into can hold them.
_LARGEST = 1 << 53
#: What scoring boxes needs of an annotation. Outlines are most of COCO's bytes and boxes are scored without.
_KEPT = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore")


@dataclass(frozen=True)
class CocoSet(DataSet):
    """A split of a data set in COCO's layout.

    Attributes:
        source: The annotation file.
        folder: The folder that its images' names are relative to.
    """

    source: Path = Path()
    folder: Path = Path()

    def outlines(self, scene: Scene) -> list[str]:
        """Return the outlines of the scene's objects, in the file's order, as COCO's run-length code.

        Raises:
            BadData: If an annotation has none, or it does not fit the image.
        """
        assert scene.image is not None
        assert scene.size is not None
        texts = outlines.read_outlines(self.source)[0].get(relative(scene.image, self.folder), ())
        where = f"{self.source}: an annotation of {scene.image.name}"
        return [outlines.of_annotation(json.loads(text), *scene.size, where) for text in texts]

    @property
    def outlines_key(self) -> str:
        """A hash of all the file's outlines."""
        return outlines.read_outlines(self.source)[1]


class CocoFiles(CocoSet):
    """A data set of an annotation file and a folder of images that are named one by one."""


def open_named(root: Path, names: str) -> DataSet:
    """Open an annotation file and the folder of its images, wherever they lie: ``labels.json,images/``.

    Args:
        root: The folder that both are named from.
        names: The file and, after a comma, the folder; without one the images' names start from ``root``.

    Raises:
        BadData: As :func:`open_coco`.
    """
    file, images = _cut(root, names)
    source, folder = root / file, root / images
    if not file or not source.is_file():
        raise BadData(
            f"{root} has no annotation file {file or '(none named)'} (it holds {layout.contents(root)}): "
            f"write coco:DIR#labels.json,images/"
        )
    if not folder.is_dir():
        raise BadData(f"{root} has no image folder {images} (it holds {layout.contents(root)})")
    found = _opened(root, source, folder, source.stem.removeprefix(_PREFIX))
    return CocoFiles(**vars(found))


def _cut(root: Path, names: str) -> tuple[str, str]:
    """Cut ``FILE,FOLDER`` at the comma before which a file's name ends, of those that the names may hold themselves."""
    parts = names.split(",")
    cuts = [(",".join(parts[:n]).strip(), ",".join(parts[n:]).strip()) for n in range(1, len(parts) + 1)]
    return next((cut for cut in cuts if cut[0] and (root / cut[0]).is_file()), cuts[0])


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
    return _opened(root, source, _image_folder(root, split), split)


def _opened(root: Path, source: Path, folder: Path, split: str) -> CocoSet:
    loaded = _load(source)
    coco = _checked(loaded, source)
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
        Scene(scene_id, path, size=(image["height"], image["width"]), tags=image.get("tags", {}))
        for scene_id, path, image in zip(ids, paths, images, strict=True)
    )
    truth = DetectionTruth(
        coco={"images": images, "annotations": coco["annotations"], "categories": coco["categories"]},
        image_ids={scene_id: image["id"] for scene_id, image in zip(ids, images, strict=True)},
        outlined=bool(coco["annotations"]) and all(_OUTLINE in entry for entry in loaded["annotations"]),
    )
    notes = _notes(coco)
    return CocoSet(
        name=f"coco/{split}",
        kind="coco",
        root=root,
        split=split,
        scenes=scenes,
        detection=truth,
        notes=tuple(note for note in notes if note),
        source=source,
        folder=folder,
    )


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: the images where they were, and the annotations with their names."""
    annotations = f"annotations/instances_{data.split}.json"
    if isinstance(data, CocoFiles):  # from anywhere, into COCO's own
        return Layout(
            kind="coco",
            rainy={s.id: f"{data.split}/{as_png(relative(s.image, data.folder))}" for s in data.scenes},
            written={annotations: annotations_as_png(data, data.source)},
        )
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
    coco = _load(source)
    folders = [data.root / part / data.split for part in ("", "images", "leftImg8bit")]
    folders += [data.folder] if isinstance(data, CocoFiles) else []
    paths = {scene.image for scene in data.scenes}
    images = []
    for image in coco["images"]:
        name = PurePosixPath(image["file_name"].replace("\\", "/")).as_posix()
        if any(folder / name in paths for folder in folders):
            images.append({**image, "file_name": as_png(name)})
    kept = {whole(image["id"]) for image in images}
    boxes = [box for box in coco["annotations"] if whole(box["image_id"]) in kept]
    return json_bytes({**coco, "images": images, "annotations": boxes})


READER = Reader(
    "coco",
    "COCO's own layout: annotations/instances_SPLIT.json beside SPLIT/",
    open_coco,
    frozenset({CLEAN_IMAGES, BOXES, OUTLINES}),
    "val2017, else the only one",
    lay_out,
    open_named=open_named,
)


def read_coco(source: Path) -> dict[str, list[dict[str, Any]]]:
    """Read and check a COCO annotation file.

    Returns:
        ``images`` (id, file_name, height, width), ``annotations`` (id, image_id, category_id, bbox, area,
        iscrowd) and ``categories`` (id, name), every reference resolved and every box finite. ``area`` and
        ``iscrowd`` are filled in (the box's area, 0) where the file leaves them out. Ids that are text or floats of
        whole numbers become numbers. Annotations are numbered from 1 where an id of theirs is below it: pycocotools
        takes the id 0 for "not matched", so that its box counts as missed and as found wrongly.

    Raises:
        BadData: If the file is not COCO; the key or the annotation is named.
    """
    return _checked(_load(source), source)


def _checked(data: dict[str, list[Any]], source: Path) -> dict[str, list[dict[str, Any]]]:
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
    if any(annotation["id"] < 1 for annotation in annotations):
        annotations = [{**annotation, "id": number} for number, annotation in enumerate(annotations, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _notes(coco: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What a reader of AP should know before a run."""
    if not coco["annotations"]:
        return ["no boxes are annotated (labels of test splits are withheld): AP is undefined"]
    if all(annotation["iscrowd"] for annotation in coco["annotations"]):
        return ["every box is marked iscrowd, and crowds are not scored: AP is undefined"]
    return [_outside(coco)]


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
    splits = sorted(
        path.stem[len(_PREFIX) :] for path in list_files(folder, (".json",)) if path.name.startswith(_PREFIX)
    )
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
    content = read_ordinary(source, BadData, what="annotation file ")
    try:
        data = json.loads(content)
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
    sizes: dict[str, int] = {}
    for key in ("height", "width"):
        value = entry.get(key)
        sizes[key] = 0 if isinstance(value, str) else whole(value) or 0
        if sizes[key] <= 0:
            raise BadData(
                f"{source}: image {identity} ({name}) has {key} {entry.get(key)!r}: expected pixels"
            )
    tags = entry.get("tags")
    if tags is not None and not (isinstance(tags, dict) and all(isinstance(v, str) for v in tags.values())):
        raise BadData(f"{source}: image {identity} ({name}) has tags {tags!r:.60}: expected names and texts")
    return {"id": identity, "file_name": name, **sizes, **({"tags": tags} if tags else {})}


def _category(entry: Any, source: Path) -> dict[str, Any]:
    identity = _identity(entry, "category", source)
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BadData(f"{source}: category {identity} has no 'name': detectors find categories by name")
    return {"id": identity, "name": entry["name"]}


def _annotation(entry: Any, source: Path, images: set[int], categories: set[int]) -> dict[str, Any]:
    identity = _identity(entry, "annotation", source)
    where = f"{source}: annotation {identity}"
    references: dict[str, int] = {}
    for key, name, known in (("image_id", "images", images), ("category_id", "categories", categories)):
        number = whole(entry.get(key))
        if number is None or number not in known:
            raise BadData(
                f"{where} has {key} {entry.get(key)!r}, which {name!r} does not list: mend the file"
            )
        references[key] = number
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
    flags = {key: _flag(entry[key], f"{where} has {key}") for key in ("iscrowd", "ignore") if key in entry}
    return {"iscrowd": 0, **kept, "id": identity, **references, "area": area, **flags}


def _identity(entry: Any, what: str, source: Path) -> int:
    if not isinstance(entry, dict):
        raise BadData(f"{source} is not a COCO file: an {what} in it is {entry!r:.40}, not an object")
    number = whole(entry.get("id"))
    if number is None:
        raise BadData(f"{source}: an {what} has id {entry.get('id')!r:.40}; expected a whole number")
    return number


def _flag(value: Any, what: str) -> int:
    """0 or 1; text is no truth value, since "0" would be true."""
    number = whole(int(value) if isinstance(value, bool) else 0 if value is None else value)
    if number not in (0, 1):
        raise BadData(f"{what} {value!r:.40}: expected 0 or 1")
    return number


def whole(value: Any) -> int | None:
    """A whole number, also one that is written as text or with a fraction of 0; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"0|-?[1-9][0-9]{0,15}", value):
        value = int(value)
    if isinstance(value, float) and abs(value) < _LARGEST and value == int(value):
        value = int(value)
    return value if _is_whole(value) else None


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
