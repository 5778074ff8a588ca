"""Data sets: what ``--data`` can name, opened by kind."""

from __future__ import annotations

from collections.abc import Callable
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

#: One line per kind, for ``bench list data``.
DESCRIPTIONS = {
    "street": "the embedded set of 64 rendered street scenes (boxes, masks, depth)",
    "coco": "coco:DIR, COCO's own layout: annotations/instances_SPLIT.json beside SPLIT/",
    "pairs": "pairs:DIR, rainy images with their clean ones, matched by name; no rain is added",
    "cityscapes": "cityscapes:DIR, Cityscapes' own layout: leftImg8bit/ beside gtFine/",
    "masks": "masks:DIR, CamVid-like: SPLIT/ beside SPLITannot/",
    "images": "images:DIR, photos of real rain without ground truth",
}


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
    if not root.is_dir():
        raise BadData(
            f"--data {spec}: folder {root} does not exist; check the path (relative to {Path.cwd()})"
        )
    return opener(root, split)
