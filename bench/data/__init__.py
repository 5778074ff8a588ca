"""Data sets: what ``--data`` can name, opened by their readers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

from bench import plugins
from bench.data.base import DataSet, Depth, DetectionTruth, Scene, SegmentationTruth
from bench.data.reader import Layout, Reader
from bench.errors import ANYTHING, BadConfig, BadData, BenchError, said
from bench.hashing import content_key
from bench.plugins import PlugIn
from bench.registry import Registry

__all__ = [
    "DataSet",
    "Depth",
    "DetectionTruth",
    "Layout",
    "Reader",
    "Scene",
    "SegmentationTruth",
    "find_reader",
    "open_data",
    "reader_of",
    "readers",
]

#: The kinds of data sets; installed packages add theirs through entry points.
readers: Registry[Reader] = Registry("data kind", "derain_bench.data")
readers.register("street", "bench.data.street.dataset:READER")
readers.register("coco", "bench.data.coco:READER")
readers.register("pairs", "bench.data.pairs:READER")
readers.register("cityscapes", "bench.data.cityscapes:READER")
readers.register("masks", "bench.data.masks:READER")
readers.register("acdc", "bench.data.acdc:READER")
readers.register("bdd100k", "bench.data.bdd100k:READER")
readers.register("voc", "bench.data.voc:READER")
readers.register("yolo", "bench.data.yolo:READER")
readers.register("images", "bench.data.images:READER")
readers.register("video", "bench.data.video:READER")


def open_data(spec: str, split: str | None = None) -> DataSet:
    """Open the data set that ``--data SPEC`` names.

    Args:
        spec: ``street``, ``KIND:DIR``, ``coco:DIR#labels.json,images/`` or ``FILE.py:READER[?OPTIONS][:DIR]``. A file
            is imported: a spec out of a record must not get here unasked.
        split: The split; None takes the kind's default.

    Returns:
        The data set, with every scene's files checked to exist.

    Raises:
        UnknownName: If the kind is unknown.
        BadData: If the folder or anything in it is not as the kind's layout has it.
        BadConfig: If a file or its reader cannot be used.
    """
    plugin = plugins.parse(spec)
    if plugin is not None:
        return _open_with(plugin, spec, split)
    plugins.refuse_bare(spec)
    kind, _, folder = spec.partition(":")
    reader = find_reader(kind)
    place, hash_sign, names = folder.partition("#")
    if reader.open_named is not None and hash_sign and not Path(folder).expanduser().is_dir():
        if split is not None:
            raise BadData(f"--data {spec}: its files are named, so there is no --split {split}")
        return reader.open_named(_folder(reader, spec, place), names)
    return reader.open(_folder(reader, spec, folder), split)


def reader_of(data: DataSet) -> Reader:
    """Return the reader that opened a data set.

    Raises:
        UnknownName: If its kind is not registered.
        BadConfig: If it came from a file that cannot be used any more.
    """
    if data.reader is not None:
        return _checked(plugins.make(data.reader).object, f"--data {data.reader}")
    return find_reader(data.kind)


def find_reader(kind: str) -> Reader:
    """Return the registered reader of a kind.

    Raises:
        UnknownName: If there is none.
        BadConfig: If an installed package registered something else.
    """
    return _checked(readers.get(kind), f"data kind {kind!r} from {readers.origin(kind)}")


def _open_with(plugin: PlugIn, spec: str, split: str | None) -> DataSet:
    made = plugins.make(plugin)
    reader = _checked(made.object, f"--data {spec}")
    folder = _folder(reader, spec, plugin.arg or "")
    try:
        data = reader.open(folder, split)
    except BenchError:
        raise
    except ANYTHING as error:
        raise BadData(f"--data {spec}: opening {folder} raised {said(error)}") from error
    _check(data, spec)
    code = content_key({**made.key, **({"arguments": made.given} if made.given else {})})
    try:
        return dataclasses.replace(data, reader=plugin, code=code)
    except (TypeError, ValueError) as error:
        raise BadConfig(
            f"--data {spec}: its {type(data).__name__} cannot be copied ({said(error)}): declare a class that has "
            f"more than DataSet's attributes as @dataclass(frozen=True)"
        ) from None


def _checked(found: object, who: str) -> Reader:
    if not isinstance(found, Reader):
        raise BadConfig(f"{who} is a {type(found).__name__}, not a bench.data.Reader")
    return found


def _folder(reader: Reader, spec: str, folder: str) -> Path:
    if reader.embedded is not None:
        if folder:
            raise BadData(
                f"--data {spec}: {reader.kind} is embedded and takes no folder; use --data "
                f"{spec.removesuffix(f':{folder}')}"
            )
        return reader.embedded
    if not folder:
        what = "file" if reader.of_file else "folder"
        raise BadData(f"--data {spec} names no {what}: use {spec.rstrip(':')}:{reader.place}")
    root = Path(folder).expanduser()
    if reader.of_file:
        if not root.is_file():
            raise BadData(
                f"--data {spec}: there is no file {root}; check the path (relative to {Path.cwd()})"
            )
        return root
    if root.is_file():
        raise BadData(f"--data {spec}: {root} is a file: give the folder of the data set")
    if not root.is_dir():
        raise BadData(
            f"--data {spec}: folder {root} does not exist; check the path (relative to {Path.cwd()})"
        )
    return root


def _check(data: object, spec: str) -> None:
    """Check what a user's reader has opened for what the readers here promise by themselves.

    Raises:
        BadData: If two scenes have one id, or one has no image that could be shown.
        BadConfig: If it is no data set.
    """
    if not isinstance(data, DataSet):
        raise BadConfig(f"--data {spec}: opening it returned {type(data).__name__}, not a bench.data.DataSet")
    for scene_id, count in Counter(scene.id for scene in data.scenes).items():
        if count > 1 or not scene_id:
            raise BadData(
                f"--data {spec}: {count} scenes have the id {scene_id!r}: every scene needs its own"
            )
    for scene in data.scenes:
        if (scene.rainy if data.own_rain else scene.image) is None:
            lacks = "rainy image, though own_rain is true" if data.own_rain else "image to rain on"
            raise BadData(f"--data {spec}: scene {scene.id!r} has no {lacks}")
        if data.detection is not None and scene.id not in data.detection.image_ids:
            raise BadData(f"--data {spec}: scene {scene.id!r} has no image id in its boxes")
