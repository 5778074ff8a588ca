"""Sums and means over boxes of pixels, at a cost that does not depend on the boxes' size."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def box_sums(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Sum over every box of ``height`` x ``width`` pixels that lies within the map.

    One axis after the other, each by differences of running sums (Crow, Summed-Area Tables for Texture Mapping,
    SIGGRAPH 1984): the running sums stay small, and so do their rounding errors.

    Args:
        x: (N, C, H, W).
        height: Of the boxes, at most H.
        width: Of the boxes, at most W.

    Returns:
        (N, C, H - height + 1, W - width + 1), float32 at least.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    for axis, size in ((2, height), (3, width)):
        zero = torch.zeros_like(x.narrow(axis, 0, 1))
        running = torch.cat([zero, x.cumsum(axis)], axis)
        count = running.shape[axis] - size
        x = running.narrow(axis, size, count) - running.narrow(axis, 0, count)
    return x


def clipped_means(x: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over the box of ``radius`` pixels around each pixel, as far as it lies within the map; (N, C, H, W) to the
    same."""
    side = 2 * radius + 1
    around = (radius, radius, radius, radius)
    counts = box_sums(F.pad(torch.ones_like(x[:1, :1]), around), side, side)
    return box_sums(F.pad(x, around), side, side) / counts
