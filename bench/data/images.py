"""Photos of real rain: rainy images whose clean counterpart nobody knows."""

from __future__ import annotations

from pathlib import Path

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.data.reader import Reader
from bench.errors import BadData


def open_images(root: Path, split: str | None = None) -> DataSet:
    """Open a folder of rainy photos.

    Args:
        root: The folder.
        split: A sub-folder of it; None takes the images right in ``root``.

    Raises:
        BadData: If there is no such sub-folder, or no image in the folder.
    """
    folder = root
    if split is not None:
        found = layout.existing(root, split)
        if found is None:
            raise BadData(
                f"{root} has no folder {split}/: choose another --split; it holds {layout.contents(root)}"
            )
        folder = found
    paths = layout.image_files(folder)
    if not paths:
        raise BadData(
            f"{folder} holds no images: give the folder they lie right in; it holds {layout.contents(folder)}"
        )
    layout.check_inside(paths, [root, folder])
    ids = layout.unique_ids([path.name for path in paths])
    scenes = tuple(Scene(id=i, image=None, rainy=path) for i, path in zip(ids, paths, strict=True))
    name = f"images/{layout.title(root)}" + (f"/{split}" if split else "")
    return DataSet(name=name, kind="images", root=root, split=split or "", scenes=scenes, own_rain=True)


READER = Reader(
    "images", "photos of real rain without ground truth; no rain is added", open_images, frozenset()
)
