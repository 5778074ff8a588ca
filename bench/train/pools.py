"""The images that samples are cut from: clean ones, and pairs in every published layout."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from bench.errors import BadData
from bench.files import ensure_folder, is_litter, list_files
from bench.images import SUFFIXES, read_image, write_image
from bench.seeds import rng_from

if TYPE_CHECKING:
    from bench.data.base import DataSet
    from bench.train.config import Data

#: Bytes of decoded images that a source keeps; what comes after them is decoded whenever it is drawn.
ROOM = 2 * 2**30


class Images(Sequence[np.ndarray]):
    """uint8 RGB images, decoded at once as far as there is room, else when they are asked for.

    Args:
        readers: One for each image.
        room: Bytes to keep.
    """

    def __init__(self, readers: Sequence[Callable[[], np.ndarray]], room: int = ROOM) -> None:
        self._readers = tuple(readers)
        self._kept: list[np.ndarray] = []
        used = 0
        for read in self._readers:
            image = read()
            used += image.nbytes
            if used > room:
                break
            self._kept.append(image)

    def __len__(self) -> int:
        return len(self._readers)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        """The image, or the images of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        return self._kept[index] if index < len(self._kept) else self._readers[index]()


@dataclass(frozen=True)
class Pool:
    """Images that samples are cut from.

    Attributes:
        share: How often a sample comes from here, relative to the other pools.
        clean: uint8 RGB images.
        rainy: Their rainy counterparts; empty where rain is drawn.
        chosen: The images that are used; None for all.
    """

    share: float
    clean: Sequence[np.ndarray]
    rainy: Sequence[np.ndarray] = ()
    chosen: tuple[int, ...] | None = None

    def half(self, which: int, seed: int) -> Pool:
        """One of two disjoint random halves of the pool: ``which`` is 0 or 1."""
        order = rng_from("halves", seed, len(self.clean)).permutation(len(self.clean))
        return Pool(self.share, self.clean, self.rainy, tuple(sorted(int(i) for i in order[which::2])))

    def draw(self, rng: np.random.Generator) -> int:
        """The place of one image."""
        if self.chosen is None:
            return int(rng.integers(len(self.clean)))
        return self.chosen[int(rng.integers(len(self.chosen)))]


def find_images(pattern: str) -> list[Path]:
    """Image files of a folder or of a glob pattern, in the order of their paths.

    Raises:
        BadData: There are none.
    """
    folder = Path(pattern)
    if folder.is_dir():
        files = list_files(folder, SUFFIXES)
    else:
        found = (Path(p) for p in glob.glob(pattern, recursive=True))
        files = sorted(p for p in found if p.suffix.lower() in SUFFIXES and not is_litter(p.name))
    if not files:
        raise BadData(
            f"no clean images found in {pattern}: give a folder or a pattern of {', '.join(SUFFIXES)} files"
        )
    return files


def read_clean(pattern: str, cache: Path | None = None) -> Sequence[np.ndarray]:
    """The images of a source.

    Args:
        pattern: A folder, a glob pattern, or ``street:N`` for the first N scenes of the street set's training
            split.
        cache: Folder that keeps rendered scenes for the next start.
    """
    name, _, count = pattern.partition(":")
    if name == "street" and count.isdigit():
        return Images([partial(_street, i, cache) for i in range(int(count))])
    return Images([partial(read_image, path) for path in find_images(pattern)])


def _street(index: int, cache: Path | None) -> np.ndarray:
    from bench.tools.street import render_scene
    from bench.tools.street.make import FIRST_SEED

    path = cache / f"street_{index:05d}.png" if cache is not None else None
    if path is not None and path.is_file():
        return read_image(path)
    image = render_scene(FIRST_SEED["train"] + index).image
    if path is not None:
        write_image(ensure_folder(path.parent) / path.name, image)
    return image


def open_pairs_of(place: str) -> DataSet:
    """Open pairs to train or to validate on.

    Args:
        place: A folder in any layout that ``--data pairs:`` reads (its ``train/`` is taken where it has one), or a
            list file of 'rainy clean' lines in it.

    Raises:
        BadData: There are no pairs, or they do not fit together.
    """
    from bench.data.pairs import open_pairs

    path = Path(place)
    if path.suffix == ".txt" and path.is_file():
        return open_pairs(path.parent, path.stem)
    split = next((name for name in ("train", "training") if (path / name).is_dir()), None)
    return open_pairs(path, split)


def read_pairs(place: str) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
    """The clean and the rainy images of pairs; ``place`` as in `open_pairs_of`.

    Raises:
        BadData: There are no pairs, or they do not fit together.
    """
    data = open_pairs_of(place)
    clean, rainy = (
        Images([partial(_existing, read, scene) for scene in data.scenes])
        for read in (data.clean, data.rainy)
    )
    return clean, rainy


def _existing(read: Callable, scene: object) -> np.ndarray:
    image = read(scene)
    assert image is not None  # every scene of a set of pairs has both
    return image


def read_pools(data: Data, cache: Path | None = None) -> tuple[Pool, ...]:
    """Everything that a configuration names."""
    drawn = 1.0 if not data.pairs else 1.0 - data.pair_share
    total = sum(source.share for source in data.clean)
    pools = [Pool(drawn * s.share / total, read_clean(s.images, cache)) for s in data.clean]
    paired = 1.0 if not data.clean else data.pair_share
    for folder in data.pairs:
        clean, rainy = read_pairs(folder)
        pools.append(Pool(paired / len(data.pairs), clean, rainy))
    return tuple(pool for pool in pools if pool.share > 0)
