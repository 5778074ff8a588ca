"""PIQE: which blocks of an image look noisy or blocky; lower is better.

Venkatanath, Praneeth, Chandrasekhar, Channappayya and Medasani, "Blind Image Quality Evaluation Using Perception Based
Features", NCC 2015, with the constants and the order of steps of MATLAB's ``piqe``. It needs no model.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from downstream.measures.natural import grey, normalised

#: Side of a block, and length of the pieces of its edges, in pixels.
_BLOCK, _PIECE = 16, 6
#: Variance above which a block counts, and deviation below which a piece of edge looks blocky.
_ACTIVE, _FLAT = 0.1, 0.1


def piqe(image: np.ndarray, clean: np.ndarray | None = None) -> float:
    """PIQE, ``piqe@matlab``: 0 is best, 100 where no block counts; NaN where a side is below 16 pixels."""
    if min(image.shape[:2]) < _BLOCK:
        return math.nan
    plane = grey(image)
    brightest = plane.max()
    if brightest == 0:
        return 100.0
    below, behind = (-side % _BLOCK for side in plane.shape)
    plane = np.pad(plane, ((0, below), (0, behind)), mode="symmetric")
    # MATLAB stretches the image to its brightest pixel.
    whole = normalised(np.rint(255 * plane / brightest), cv2.BORDER_REPLICATE)
    rows, columns = whole.shape[0] // _BLOCK, whole.shape[1] // _BLOCK
    blocks = whole.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)
    variance = blocks.var(axis=(1, 2), ddof=1)
    active = variance > _ACTIVE
    blocks, variance = blocks[active], variance[active]
    if not len(blocks):
        return 100.0
    distortion = np.where(_is_blocky(blocks), 1 - variance, 0) + np.where(
        _is_noisy(blocks, variance), variance, 0
    )
    return float((distortion.sum() + 1) / (len(blocks) + 1) * 100)


def _is_blocky(blocks: np.ndarray) -> np.ndarray:
    """Whether some piece of a block's edges is flat."""
    edges = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], axis=1)
    pieces = np.lib.stride_tricks.sliding_window_view(edges, _PIECE, axis=2)
    return (pieces.std(axis=3, ddof=1) < _FLAT).any(axis=(1, 2))


def _is_noisy(blocks: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Whether a block varies as much at its middle columns as around them."""
    middle = _BLOCK // 2
    # MATLAB's program drops one column after the other, so that the second is one further to the right than it says.
    around = np.delete(blocks, [middle - 1, middle + 1], axis=2)
    centre = blocks[:, :, middle - 1 : middle + 1].std(axis=(1, 2), ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(centre / around.std(axis=(1, 2), ddof=1), nan=0.0)
    deviation = np.sqrt(variance)
    apart = np.abs(deviation - ratio) / np.maximum(deviation, ratio)
    return deviation > 2 * apart
