"""Bringing an image to a size that a network takes, and knowing where in it the image lies."""

from __future__ import annotations

import numpy as np

from derainers.base import Card


def fit(image: np.ndarray, card: Card) -> tuple[np.ndarray, int, int]:
    """Pad an HxWxC image as a network's card asks.

    Returns:
        The padded image, and the row and column where the image's first pixel lies in it.
    """
    if not card.square:
        return pad_to_multiple(image, card.multiple, card.least), 0, 0
    height, width = image.shape[:2]
    side = -(-max(height, width) // card.multiple) * card.multiple
    top, left = (side - height) // 2, (side - width) // 2
    edges = ((top, side - height - top), (left, side - width - left), (0, 0))
    return np.pad(image, edges), top, left


def pad_to_multiple(image: np.ndarray, multiple: int, least: int | None = None) -> np.ndarray:
    """Pad an HxWxC image at the bottom and right, by reflection, until both sides are multiples of
    ``multiple``.

    Reflection repeats where the image is smaller than what is added to it.

    Args:
        image: Any size.
        multiple: What both sides become multiples of.
        least: And what they are at least; two multiples where it is left out (one, where ``multiple`` is 1): the
            lowest level of a U-Net then has more than one pixel to take statistics of.
    """
    height, width = image.shape[:2]
    if least is None:
        least = 2 * multiple if multiple > 1 else 1
    below, right = (-(-max(length, least) // multiple) * multiple - length for length in (height, width))
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="reflect") if below or right else image
