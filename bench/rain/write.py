"""Writes the rainy variant of a data set in the data set's own layout, for ``bench rain`` and any other tool.

Rainy images are PNG: compressing rain with JPEG would change it. Where the clean images end otherwise, the
ending of the names changes, and COCO's annotation file is rewritten to say so; all its other content stays.
Masks, instances, depth and cameras are copied as they are. ``manifest.json``, written last, lists every
file with its SHA-256.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import bench
from bench.data.preflight import check_scenes
from bench.errors import BadData, OutputError, some
from bench.files import TEMPORARY_PREFIX, ensure_folder, write_atomic
from bench.hashing import sha256_file
from bench.images import write_image
from bench.rain import add_rain
from bench.rain.base import Rain
from bench.rain.depth import GUESS

if TYPE_CHECKING:
    from bench.data.base import DataSet, Scene

#: Lists the files of a finished variant.
MANIFEST = "manifest.json"
#: Says what a folder is going to hold while it is being written; a second run with the same choices goes on
#: from it.
UNFINISHED = "manifest.unfinished.json"

#: Folders beside ``leftImg8bit/`` in Cityscapes' layout, and what a scene's files in them end in.
_TRUTH = (
    ("gtFine", "gtFine_*"),
    ("depth", "depth.*"),
    ("disparity", "disparity.*"),
    ("camera", "camera.json"),
)


@dataclass(frozen=True)
class _Layout:
    """Where everything of a variant goes, relative to the output folder.

    Attributes:
        kind: The data kind that reads the result.
        rainy: Scene id to the rainy image's name.
        clean: Scene id to the clean image's name, in layouts that hold both.
        copies: Target name to the file that is copied there.
        written: Target name to new content.
    """

    kind: str
    rainy: dict[str, str]
    clean: dict[str, str]
    copies: dict[str, Path]
    written: dict[str, bytes]


def write_variant(
    data: DataSet, rain: Rain, seed: int, out: Path, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Write a data set under one rain.

    A run that was stopped goes on where it was: every file is written at once or not at all, and those that
    are there are not made again.

    Args:
        data: The data set; its clean images are rained on.
        rain: From :func:`bench.rain.parse_rain`.
        seed: Seeds the rain, as in a run: the pixels are those that ``bench run`` looks at.
        out: An empty or absent folder, or one that a stopped run with the same choices has left.
        progress: Called with the number of images finished since the last call.

    Returns:
        The manifest, as in ``manifest.json``.

    Raises:
        BadData: If the data set has no clean images, or two of them would get one name.
        OutputError: If the folder holds something else, or cannot be written to.
    """
    plan = _plan(data)
    check_scenes(data, depth=rain.needs_depth)
    header = _header(data, plan.kind, rain, seed)
    _claim(out, header)
    for name, content in plan.written.items():
        if not _ready(out / name):
            write_atomic(out / name, content)
    for name, source in plan.copies.items():
        if not _ready(out / name):
            write_atomic(out / name, _read(source))

    def make(scene: Scene) -> None:
        _write_scene(data, scene, rain, seed, out, plan)

    # OpenCV's drawing and PNG coding release Python's lock, so threads use every core.
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        for _ in pool.map(make, data.scenes):
            if progress is not None:
                progress(1)
    finally:
        pool.shutdown(cancel_futures=True)

    names = sorted([*plan.rainy.values(), *plan.clean.values(), *plan.copies, *plan.written])
    manifest = {**header, "files": {name: sha256_file(out / name) for name in names}}
    write_atomic(out / MANIFEST, _json(manifest, indent=1))
    (out / UNFINISHED).unlink()
    return manifest


def _header(data: DataSet, kind: str, rain: Rain, seed: int) -> dict[str, Any]:
    depth = None
    if rain.needs_depth:
        sources = {(data.depth_source or GUESS) if scene.depth else GUESS for scene in data.scenes}
        depth = ", ".join(sorted(sources))
    return {
        "format": "derain-bench rain variant 1",
        "version": bench.__version__,
        "data": data.name,
        "read_as": kind,
        "split": data.split,
        "scenes": len(data.scenes),
        "rain": rain.name,
        "rain_version": rain.version,
        "seed": seed,
        "depth_source": depth,
    }


def _claim(out: Path, header: dict[str, Any]) -> None:
    """Make the output folder this job's, or find that it is already."""
    ensure_folder(out)
    for leftover in out.rglob(f"{TEMPORARY_PREFIX}*"):
        leftover.unlink(missing_ok=True)
    present = sorted(path.name for path in out.iterdir())
    wanted = _json(header)
    if not present:
        write_atomic(out / UNFINISHED, wanted)
    elif MANIFEST in present:
        raise OutputError(f"{out} holds a finished variant already ({MANIFEST}): give an empty folder")
    elif UNFINISHED not in present:
        raise OutputError(f"{out} is not empty (it holds {some(present)}): give an empty folder")
    elif (out / UNFINISHED).read_bytes() != wanted:
        raise OutputError(
            f"{out} holds part of another variant (see {UNFINISHED}): repeat its choices, "
            f"or give an empty folder"
        )


def _write_scene(data: DataSet, scene: Scene, rain: Rain, seed: int, out: Path, plan: _Layout) -> None:
    rainy = out / plan.rainy[scene.id]
    clean = out / plan.clean[scene.id] if scene.id in plan.clean else None
    if all([_ready(path) for path in (rainy, clean) if path is not None]):
        return
    image = data.clean(scene)
    assert image is not None  # _plan has made sure
    if clean is not None:
        write_image(clean, image)
    depth = data.depth(scene) if rain.needs_depth else None
    write_image(rainy, add_rain(rain, image, scene.id, seed, depth))


def _ready(path: Path) -> bool:
    """Return whether a file is there; otherwise make the folder it goes into."""
    if path.is_file():
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    return False


def _plan(data: DataSet) -> _Layout:
    if any(scene.image is None for scene in data.scenes):
        raise BadData(f"{data.name} has no clean images to rain on: use it with bench run as it is")
    makers: dict[str, Callable[[DataSet], _Layout]] = {
        "coco": _coco,
        "street": _cityscapes,
        "cityscapes": _cityscapes,
        "masks": _masks,
    }
    # Whatever the layout of pairs was, the simplest one is written.
    plan = makers.get(data.kind, _pairs)(data)
    seen: dict[str, str] = {}
    for scene_id, name in plan.rainy.items():
        if name in seen:
            raise BadData(
                f"scenes {seen[name]} and {scene_id} of {data.name} would both be written as {name}: "
                f"rename one of them"
            )
        seen[name] = scene_id
    return plan


def _coco(data: DataSet) -> _Layout:
    annotations = f"annotations/instances_{data.split}.json"
    return _Layout(
        kind="coco",
        rainy={scene.id: _as_png(_relative(scene.image, data.root)) for scene in data.scenes},
        clean={},
        copies={},
        written={annotations: _annotations(data, data.root / annotations)},
    )


def _cityscapes(data: DataSet) -> _Layout:
    rainy, copies = {}, {}
    for scene in data.scenes:
        rainy[scene.id] = _as_png(_relative(scene.image, data.root))
        for source in _truth_files(data.root, scene):
            copies[_relative(source, data.root)] = source
    cameras = data.root / f"cameras_{data.split}.json"
    if cameras.is_file():
        copies[cameras.name] = cameras
    annotations = f"annotations/instances_{data.split}.json"
    written = {}
    if (data.root / annotations).is_file():
        written[annotations] = _annotations(data, data.root / annotations)
    return _Layout("cityscapes", rainy, {}, copies, written)


def _truth_files(root: Path, scene: Scene) -> Iterator[Path]:
    """Yield what else belongs to a scene in Cityscapes' layout: labels of any kind, depth, its camera."""
    assert scene.image is not None
    city = scene.image.parent.relative_to(root / "leftImg8bit")
    for folder, ending in _TRUTH:
        yield from sorted((root / folder / city).glob(f"{glob.escape(scene.id)}_{ending}"))


def _masks(data: DataSet) -> _Layout:
    copies = {_relative(scene.mask, data.root): scene.mask for scene in data.scenes if scene.mask is not None}
    classes = data.root / "classes.json"
    if classes.is_file():
        copies[classes.name] = classes
    rainy = {scene.id: _as_png(_relative(scene.image, data.root)) for scene in data.scenes}
    return _Layout("masks", rainy, {}, copies, {})


def _pairs(data: DataSet) -> _Layout:
    names = {scene.id: f"{scene.id.replace('/', '_')}.png" for scene in data.scenes}
    return _Layout(
        kind="pairs",
        rainy={scene_id: f"rain/{name}" for scene_id, name in names.items()},
        clean={scene_id: f"norain/{name}" for scene_id, name in names.items()},
        copies={},
        written={},
    )


def _annotations(data: DataSet, source: Path) -> bytes:
    """Return a COCO annotation file for this data set's scenes, with the images' names ending in ``.png``."""
    coco = json.loads(_read(source))
    folders = [data.root / part / data.split for part in ("", "images", "leftImg8bit")]
    paths = {scene.image for scene in data.scenes}
    images = []
    for image in coco["images"]:
        name = PurePosixPath(image["file_name"].replace("\\", "/")).as_posix()
        if any(folder / name in paths for folder in folders):
            images.append({**image, "file_name": _as_png(name)})
    kept = {image["id"] for image in images}
    boxes = [box for box in coco["annotations"] if box["image_id"] in kept]
    return _json({**coco, "images": images, "annotations": boxes})


def _as_png(name: str) -> str:
    return PurePosixPath(name).with_suffix(".png").as_posix()


def _relative(path: Path | None, root: Path) -> str:
    assert path is not None
    return path.relative_to(root).as_posix()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror or error}") from None


def _json(value: Any, indent: int | None = None) -> bytes:
    separators = (",", ":") if indent is None else (",", ": ")
    return (json.dumps(value, indent=indent, separators=separators, ensure_ascii=False) + "\n").encode()
