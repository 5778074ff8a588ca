"""Restoring a large image in overlapping tiles.

Tiles overlap by ``overlap`` pixels. In each overlap the outer quarter of a tile counts nothing and the middle
half is blended linearly, so that seams cannot show, and a restoration that looks no further than a quarter of
the overlap gives exactly what it gives on the whole image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench.errors import BadConfig

#: Tile and overlap, in pixels, where the user names none.
DEFAULT_TILE, DEFAULT_OVERLAP = 512, 64

Array = TypeVar("Array")


@dataclass(frozen=True)
class Tiles:
    """A tile size and an overlap, in pixels."""

    size: int = DEFAULT_TILE
    overlap: int = DEFAULT_OVERLAP

    def __post_init__(self) -> None:
        if self.size < 16 or not 0 <= self.overlap <= self.size // 2:
            raise BadConfig(
                f"tile {self.size}+{self.overlap}: tiles have 16 pixels or more and overlap by at most half"
            )

    def __str__(self) -> str:
        return f"{self.size}+{self.overlap}"

    def aligned(self, multiple: int) -> Tiles:
        """The same, both rounded up to multiples of what the network wants its input to be a multiple of."""
        size = _round_up(self.size, multiple)
        return Tiles(size, min(_round_up(self.overlap, multiple), size // 2 // multiple * multiple))


def parse_tile(text: str) -> Tiles | None:
    """Read ``off`` (None) or ``SIZE[+OVERLAP]``.

    Raises:
        BadConfig: If it is neither, or the numbers do not fit together.
    """
    if text in ("off", "none", "0"):
        return None
    size, plus, overlap = text.partition("+")
    if not size.isdigit() or bool(plus) != overlap.isdigit():
        raise BadConfig(f"tile {text!r}: write auto, off, or SIZE[+OVERLAP] in pixels, such as 512+64")
    chosen = int(size)
    return Tiles(chosen, int(overlap) if overlap else min(DEFAULT_OVERLAP, chosen // 4))


def starts(length: int, size: int, overlap: int, multiple: int = 1) -> list[int]:
    """Where tiles begin along one axis.

    Args:
        length: Of the axis; at least ``size``, unless one tile is enough.
        size: Of a tile.
        overlap: The least that neighbours share.
        multiple: Every start is a multiple of it, where ``length`` and ``size`` are.

    Returns:
        Increasing starts; the first is 0, the last tile ends at ``length``.
    """
    if length <= size:
        return [0]
    step = max((size - overlap) // multiple * multiple, multiple)
    return [*range(0, length - size, step), length - size]


def ramp(length: int, size: int, start: int, overlap: int) -> np.ndarray:
    """The weight of a tile along one axis: 1 inside, falling to 0 towards edges that have a neighbour.

    Returns:
        float32, as long as the tile.
    """
    extent = min(size, length)
    weight = np.ones(extent, np.float32)
    margin = overlap // 4
    rise = overlap - 2 * margin
    edge = np.zeros(overlap, np.float32)
    edge[margin : margin + rise] = (np.arange(rise, dtype=np.float32) + 0.5) / max(rise, 1)
    edge[margin + rise :] = 1.0
    if start > 0:
        weight[:overlap] = np.minimum(weight[:overlap], edge)
    if start + extent < length:
        weight[extent - overlap :] = np.minimum(weight[extent - overlap :], edge[::-1])
    return weight


def nearness(size: int) -> np.ndarray:
    """The weight of a tile's pixels where it falls with their distance to the middle: 1 / sqrt(d^2 + 0.001), as IDT's
    released test script has it.

    Returns:
        float32 (size, size).
    """
    line = (np.arange(size, dtype=np.float32) - size / 2) ** 2
    return 1 / np.sqrt(line[:, None] + line[None, :] + np.float32(1e-3))


def restore_tiled(
    restore: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tiles: Tiles,
    multiple: int = 1,
    central: bool = False,
) -> np.ndarray:
    """Apply ``restore`` to overlapping tiles of ``image`` and blend the results.

    Args:
        restore: Takes a tile (h, w, C) and returns an array of the same height and width; called once per
            tile.
        image: (H, W, C); where ``multiple`` > 1, H and W are multiples of it.
        tiles: Size and overlap.
        multiple: Tiles begin at multiples of it, so that a network that pools sees the same grid as on the
            whole image.
        central: Whether a tile's weight is its pixels' :func:`nearness` to the middle, everywhere, and not a
            :func:`ramp` in the overlaps; the image is then no smaller than a tile.

    Returns:
        float32 (H, W, C).
    """
    height, width = image.shape[:2]
    tiles = tiles.aligned(multiple)
    total: np.ndarray | None = None
    mass = np.zeros((height, width, 1), np.float32)
    for top in starts(height, tiles.size, tiles.overlap, multiple):
        rows = ramp(height, tiles.size, top, tiles.overlap)
        for left in starts(width, tiles.size, tiles.overlap, multiple):
            columns = ramp(width, tiles.size, left, tiles.overlap)
            weight = nearness(tiles.size) if central else rows[:, None] * columns[None, :]
            weight = weight[:, :, None]
            place = np.s_[top : top + rows.size, left : left + columns.size]
            part = restore(image[place])
            if total is None:
                total = np.zeros((height, width, part.shape[2]), np.float32)
            total[place] += weight * part
            mass[place] += weight
    assert total is not None
    return total / mass


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
