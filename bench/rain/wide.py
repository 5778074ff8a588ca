"""Drawn streaks of wider kinds than ``streaks:LEVEL``, for training only.

The named rains of the bench are a benchmark, so they stay as they are, and a network that has seen nothing else learns
their one generator. The published sets differ from it and from each other: up to five directions at once, short
dense streaks, soft ones, streaks that take on the light of the scene. Here every image draws its own mixture.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from bench.errors import BadConfig
from bench.rain.base import Drawn, Rain, RainFamily
from bench.rain.streaks import LEAST, add_layer, draw_layer, level_at, scaled_to

#: Most layers of an image, each with a direction of its own.
_LAYERS = 5
#: Greatest angle from the vertical in degrees, of one main direction and of directions that have nothing in common.
_SLANT, _ANY = 45.0, 75.0
#: Mean lengths and widths of a layer's streaks in pixels: anything, and what short dense rain looks like.
_LENGTHS, _WIDTHS = (8.0, 110.0), (1.0, 5.0)
_SHORT, _FINE = (4.0, 16.0), (1.0, 2.0)
#: Standard deviation of the blur of soft streaks, pixels.
_BLUR = (0.5, 1.8)
#: Opacity that no streak exceeds where streaks cover the scene instead of adding to it.
_OPAQUE = 0.9


def add_wide_streaks(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Let it rain on a training patch in one of many ways.

    Args:
        image: uint8 RGB HxWx3.
        strength: In [0, 1], as for `bench.rain.streaks.draw_streaks`: it sets cover and nominal PSNR.
        rng: The only source of randomness.

    Returns:
        uint8 RGB HxWx3.
    """
    layer = _draw((max(image.shape[0], LEAST), max(image.shape[1], LEAST)), strength, rng)
    layer = np.ascontiguousarray(layer[: image.shape[0], : image.shape[1]])
    if rng.random() < 0.6:
        return add_layer(image, layer)
    return _cover(image, layer, rng)


def _draw(shape: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """The sum of the layers, float32 HxW, 1 for white."""
    level = level_at(strength)
    short = rng.random() < 0.3
    level = replace(level, length=_SHORT if short else _LENGTHS, width=_FINE if short else _WIDTHS)
    count = int(rng.integers(1, _LAYERS + 1))
    scattered = rng.random() < 0.4
    slant = rng.uniform(-_SLANT, _SLANT)
    fan = level.fan * rng.uniform(0.0, 1.5)
    cover = rng.uniform(*level.cover)
    shares = rng.uniform(0.2, 1.8, count)
    total = np.zeros(shape, np.float32)
    for share in shares / shares.sum():
        angle = rng.uniform(-_ANY, _ANY) if scattered else slant + fan * rng.uniform(-1.0, 1.0)
        layer = draw_layer(shape, rng, angle, cover * share, level)
        if rng.random() < 0.3:
            layer = cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(*_BLUR)))
        cv2.scaleAdd(layer, float(rng.uniform(0.3, 1.0)), total, total)
    decibels = level.psnr + 1.5 * level.spread * float(np.clip(rng.standard_normal(), -2.0, 2.0))
    return scaled_to(total, decibels)


def _cover(image: np.ndarray, layer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mix the scene with the light that drops show: between white and the brightened mean of the scene."""
    mean = np.array(cv2.mean(image)[:3], np.float32)
    light = np.minimum(255.0, mean * float(rng.uniform(1.3, 2.5)))
    light += float(rng.uniform(0.0, 1.0)) * (255.0 - light)
    opacity = np.minimum(layer, np.float32(_OPAQUE))[..., None]
    mixed = image * (1 - opacity) + light * opacity
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _parse(argument: str) -> Rain:
    raise BadConfig("rain 'wide' is drawn in training only: it is of another kind for every sample")


FAMILY = RainFamily("wide", (), _parse, Drawn(1.0, add_wide_streaks))
