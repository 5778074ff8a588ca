"""Data sets: what ``--data`` can name, opened by kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.data.base import DataSet
from bench.errors import BadData
from bench.registry import Registry

#: Opens a data set of one kind: (folder, split or None for the kind's default) -> data set.
Opener = Callable[[Path, "str | None"], DataSet]

kinds: Registry[Opener] = Registry("data kind")
kinds.register("street", "bench.data.street.dataset:open_street")
kinds.register("coco", "bench.data.coco:open_coco")
kinds.register("pairs", "bench.data.pairs:open_pairs")
kinds.register("cityscapes", "bench.data.cityscapes:open_cityscapes")
kinds.register("masks", "bench.data.masks:open_masks")
kinds.register("images", "bench.data.images:open_images")


@dataclass(frozen=True)
class Kind:
    """A kind of data set, for ``bench list data``.

    Attributes:
        spec: What ``--data`` takes.
        description: One line on what it holds and how it lies on the disk.
        tasks: What can be scored on it.
        split: What ``--split`` is where it is not given.
    """

    spec: str
    description: str
    tasks: tuple[str, ...]
    split: str


_ALL = ("detection", "segmentation", "restoration")
_DESCRIBED = (
    Kind("street", "the embedded set of 64 rendered street scenes, with exact depth", _ALL, "test"),
    Kind(
        "coco:DIR",
        "COCO's own layout: annotations/instances_SPLIT.json beside SPLIT/",
        ("detection", "restoration"),
        "val2017, else the only one",
    ),
    Kind(
        "cityscapes:DIR",
        "Cityscapes' own layout: leftImg8bit/SPLIT/CITY/ beside gtFine/; disparity/ or depth/ where present",
        _ALL,
        "val, else the only one",
    ),
    Kind(
        "masks:DIR",
        "CamVid-like: images in SPLIT/, class-index PNGs in SPLITannot/, classes.json",
        ("segmentation", "restoration"),
        "val, else test, else the only one",
    ),
    Kind(
        "pairs:DIR",
        "rainy and clean images matched by name, in any published layout; no rain is added",
        ("restoration",),
        "none, else test",
    ),
    Kind("images:DIR", "photos of real rain without ground truth; no rain is added", (), "none"),
)


def describe_kinds() -> tuple[Kind, ...]:
    """Return every kind of data set that ``--data`` can name; nothing is opened or imported for it."""
    return _DESCRIBED


def open_data(spec: str, split: str | None = None) -> DataSet:
    """Open the data set that ``--data SPEC`` names.

    Args:
        spec: ``street``, or ``KIND:DIR``.
        split: The split; None takes the kind's default.

    Returns:
        The data set, with every scene's files checked to exist.

    Raises:
        UnknownName: If the kind is unknown.
        BadData: If the folder or anything in it is not as the kind's layout has it.
    """
    kind, _, folder = spec.partition(":")
    opener = kinds.get(kind)
    if kind == "street":
        if folder:
            raise BadData(f"--data {spec}: street is embedded and takes no folder; use --data street")
        from bench.data.street.dataset import FILES

        return opener(FILES, split)
    if not folder:
        raise BadData(f"--data {spec} names no folder: use {kind}:DIR")
    root = Path(folder).expanduser()
    if root.is_file():
        raise BadData(f"--data {spec}: {root} is a file: give the folder of the data set")
    if not root.is_dir():
        raise BadData(
            f"--data {spec}: folder {root} does not exist; check the path (relative to {Path.cwd()})"
        )
    return opener(root, split)
