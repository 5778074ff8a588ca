"""Doubling a map's size by a mix of bilinear and bicubic interpolation.

Interpolation is linear and separable: it is a matrix along the rows and one along the columns, with two (bilinear) or
four (bicubic) numbers in each line. On a CPU, products with pieces of these matrices are several times faster than
PyTorch's own interpolation, which works pixel by pixel, forwards and backwards.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

MODES = ("bilinear", "bicubic")

BLOCK = 64
"""Lines of the result that one product makes: the matrix is zero but for a band, and short blocks follow the band."""

Block = tuple[int, int, Tensor]
"""First and last (excluded) line of the source, and the part of the matrices, (lines, ..., source lines)."""


def upsample(x: Tensor, mix: Tensor) -> Tensor:
    """Doubles a map's size, corners aligned.

    Args:
        x: NCHW.
        mix: Two weights, of the bilinear and of the bicubic result.

    Returns:
        NCHW, height and width doubled.
    """
    if x.device.type != "cpu":
        both = (F.interpolate(x, scale_factor=2, mode=mode, align_corners=True) for mode in MODES)
        return sum(weight * image for weight, image in zip(mix, both, strict=True))  # type: ignore[return-value]
    count, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(count, height, width * channels)
    # The mix is put into the smaller of the things it could be put into: the matrices along the columns.
    columns = [(low, high, mix[:, None] * part) for low, high, part in blocks(width)]
    bands = []
    for low, high, part in blocks(height):
        lines = part.shape[0]
        # Every line of the result twice, one mode below the other.
        rows = part.reshape(2 * lines, high - low).to(x.dtype) @ pixels[:, low:high]
        rows = rows.reshape(count * lines, 2, width, channels)
        bands.append(_along_columns(rows, columns).reshape(count, lines, 2 * width, channels))
    return _join(bands, 1).permute(0, 3, 1, 2)


def _along_columns(rows: Tensor, columns: list[Block]) -> Tensor:
    """(lines, 2, width, channels) to (lines, 2 width, channels): each mode by its own matrix, then their sum."""
    parts = []
    for low, high, part in columns:
        bilinear, bicubic = (
            part[:, mode].to(rows.dtype).expand(rows.shape[0], -1, -1) for mode in range(len(MODES))
        )
        first = torch.bmm(bilinear, rows[:, 0, low:high])
        parts.append(torch.baddbmm(first, bicubic, rows[:, 1, low:high]))
    return _join(parts, 1)


def _join(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


@lru_cache(maxsize=256)
def blocks(size: int) -> tuple[Block, ...]:
    """The matrices that double a line of ``size`` pixels, in blocks of about `BLOCK` lines."""
    return banded(matrices(size))


def matrices(size: int) -> Tensor:
    """The matrices that double a line of ``size`` pixels, (2 size, 2, size), one for each of `MODES`.

    Their columns are the interpolations of the unit vectors, so PyTorch's interpolation is what defines them.
    """
    # Cached tensors have to serve training as well, whoever asked first.
    with torch.inference_mode(False), torch.no_grad():
        unit = torch.eye(size)[:, None, :, None].expand(size, 1, size, 2)
        doubled = [F.interpolate(unit, scale_factor=(2, 1), mode=m, align_corners=True) for m in MODES]
        return torch.stack([d[:, 0, :, 0].T for d in doubled], 1)


def banded(whole: Tensor) -> tuple[Block, ...]:
    """Cut a matrix (lines, ..., source lines) into blocks of about `BLOCK` lines without the zeros beside them."""
    with torch.inference_mode(False), torch.no_grad():
        count = max(1, round(len(whole) / BLOCK))
        edges = [round(i * len(whole) / count) for i in range(count + 1)]
        found = []
        for first, last in pairwise(edges):
            used = whole[first:last].abs().flatten(0, -2).amax(0).nonzero()
            low, high = int(used[0]), int(used[-1]) + 1
            found.append((low, high, whole[first:last, ..., low:high].contiguous()))
    return tuple(found)
