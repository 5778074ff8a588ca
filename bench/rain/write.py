"""Writes the rainy variant of a data set in the data set's own layout, for ``bench rain`` and any other tool.

Rainy images are PNG: compressing rain with JPEG would change it. Where the clean images end otherwise, the
ending of the names changes, and COCO's annotation file is rewritten to say so; all its other content stays.
Masks, instances, depth and cameras are copied as they are. ``manifest.json``, written last, lists every
file with its SHA-256.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench
from bench.data import reader_of
from bench.data.preflight import check_scenes
from bench.data.reader import Layout, json_bytes
from bench.errors import BadConfig, BadData, OutputError, some
from bench.files import TEMPORARY_PREFIX, ensure_folder, write_atomic
from bench.hashing import sha256_file
from bench.images import write_image
from bench.ordinary import read_ordinary
from bench.rain import add_rain
from bench.rain.base import BroughtRain, Rain
from bench.rain.depth import GUESS

if TYPE_CHECKING:
    from bench.data.base import DataSet, Scene

#: Lists the files of a finished variant.
MANIFEST = "manifest.json"
#: Says what a folder is going to hold while it is being written; a second run with the same choices goes on
#: from it.
UNFINISHED = "manifest.unfinished.json"


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
        BadConfig: If the rain is one that nobody adds.
        BadData: If the data set has no clean images or no layout, or two images would get one name.
        OutputError: If the folder holds something else, or cannot be written to.
    """
    if isinstance(rain, BroughtRain):
        raise BadConfig(f"rain {rain.name} is in images that are there: name one that is added to clean ones")
    plan = _plan(data)
    check_scenes(data, depth=rain.needs_depth)
    header = _header(data, plan.kind, rain, seed)
    _claim(out, header)
    for name, content in plan.written.items():
        if not _ready(out / name):
            write_atomic(out / name, content)
    for name, source in plan.copies.items():
        if not _ready(out / name):
            write_atomic(out / name, read_ordinary(source, BadData))

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
    write_atomic(out / MANIFEST, json_bytes(manifest, indent=1))
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
    wanted = json_bytes(header)
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


def _write_scene(data: DataSet, scene: Scene, rain: Rain, seed: int, out: Path, plan: Layout) -> None:
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


def _plan(data: DataSet) -> Layout:
    if any(scene.image is None for scene in data.scenes):
        raise BadData(f"{data.name} has no clean images to rain on: use it with bench run as it is")
    reader = reader_of(data)
    if reader.layout is None:
        raise BadData(
            f"{data.name} cannot be written: its reader, {reader.kind}, does not say in which layout"
        )
    plan = reader.layout(data)
    seen: dict[str, str] = {}
    for scene_id, name in plan.rainy.items():
        if name in seen:
            raise BadData(
                f"scenes {seen[name]} and {scene_id} of {data.name} would both be written as {name}: "
                f"rename one of them"
            )
        seen[name] = scene_id
    return plan
