"""Derainers without weights: filters that a learnt one has to beat.

They see 8-bit images and give 8-bit images, in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

ImageFunction = Callable[[np.ndarray], np.ndarray]


def identity() -> ImageFunction:
    """The image as it is: the reference row ``none``."""
    return np.copy


def median(size: int = 5) -> ImageFunction:
    """Median of each channel over ``size`` x ``size`` pixels."""

    def restore(image: np.ndarray) -> np.ndarray:
        return cv2.medianBlur(image, size)

    return restore


def bilateral(radius: int = 4, colour: float = 60.0, space: float = 3.0) -> ImageFunction:
    """Bilateral filter (Tomasi and Manduchi, ICCV 1998).

    Args:
        radius: Of the window, in pixels.
        colour: Standard deviation over colour, in grey levels.
        space: Standard deviation over distance, in pixels.
    """

    def restore(image: np.ndarray) -> np.ndarray:
        return cv2.bilateralFilter(image, 2 * radius + 1, colour, space)

    return restore


def guided(radius: int = 15, epsilon: float = 0.1, width: int = 5) -> ImageFunction:
    """Take streaks out of the detail layer that a guided filter leaves.

    The guided filter (He et al., TPAMI 2013) splits luminance into a base and a detail layer; the base is
    kept. Rain is
    brighter than what it hides, thin across and long down the image, and without colour: in the detail layer,
    what a horizontal opening takes away (bright structures narrower than its width) is rain or fine texture,
    and it is taken from all three channels alike.

    Args:
        radius: Of the filter's window, in pixels.
        epsilon: Its regulariser, for luminance in [0, 1]; edges of a variance well above it stay in the base.
        width: Of the opening, in pixels; wider than a streak.
    """
    line = np.ones((1, width), np.uint8)
    window = (2 * radius + 1, 2 * radius + 1)

    def restore(image: np.ndarray) -> np.ndarray:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) * np.float32(1 / 255)
        mean = cv2.boxFilter(grey, -1, window, borderType=cv2.BORDER_REFLECT)
        variance = cv2.boxFilter(grey * grey, -1, window, borderType=cv2.BORDER_REFLECT) - mean * mean
        slope = variance / (variance + np.float32(epsilon))
        offset = mean - slope * mean
        base = cv2.boxFilter(slope, -1, window, borderType=cv2.BORDER_REFLECT) * grey
        base += cv2.boxFilter(offset, -1, window, borderType=cv2.BORDER_REFLECT)
        detail = grey - base
        streaks = detail - cv2.morphologyEx(detail, cv2.MORPH_OPEN, line, borderType=cv2.BORDER_REFLECT)
        restored = image.astype(np.float32) - np.float32(255) * streaks[:, :, None]
        return np.rint(restored.clip(0.0, 255.0)).astype(np.uint8)

    return restore
