"""Renders a street scene with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .annotate import Annotations, Box, annotate
from .canvas import Canvas
from .light import Light, sample_light
from .scene import compose, sample_camera

VERSION = "1"
"""Changes whenever the same seed gives another picture."""

_SUPERSAMPLING = 2


@dataclass(frozen=True)
class RenderedScene:
    """A street scene and its truth.

    Attributes:
        image: uint8 (rows, columns, 3) RGB.
        mask: uint8 (rows, columns) Cityscapes trainIds.
        instances: int32 (rows, columns) in Cityscapes' encoding (see ``Annotations``).
        depth: float32 (rows, columns) metres, infinite for the sky.
        things: int32 (rows, columns): ``Box.thing`` of what a pixel shows, 0 for none.
        boxes: COCO boxes of the visible pixels.
        focal: Focal length in pixels of ``image``.
        light: Name of the illumination.
    """

    image: np.ndarray
    mask: np.ndarray
    instances: np.ndarray
    depth: np.ndarray
    things: np.ndarray
    boxes: tuple[Box, ...]
    focal: float
    light: str


def render_scene(seed: int, size: tuple[int, int] = (224, 384)) -> RenderedScene:
    """Render the street scene of a seed.

    Args:
        seed: Any non-negative integer; the same seed gives the same scene.
        size: (rows, columns) of the image.
    """
    rng = np.random.default_rng((0x57EE7, seed))
    rows, columns = size
    camera = sample_camera(rng, rows * _SUPERSAMPLING, columns * _SUPERSAMPLING)
    light = sample_light(rng)
    canvas = Canvas(camera)
    compose(canvas, light, rng)
    inverse = canvas.inverse_depth()
    truth: Annotations = annotate(canvas, inverse, _SUPERSAMPLING)
    image = _develop(canvas.rgb, inverse, light, rng, (columns, rows))
    return RenderedScene(
        image,
        truth.mask,
        truth.instances,
        truth.depth,
        truth.things,
        truth.boxes,
        camera.focal / _SUPERSAMPLING,
        light.name,
    )


def _develop(
    rgb: np.ndarray, inverse: np.ndarray, light: Light, rng: np.random.Generator, size: tuple[int, int]
) -> np.ndarray:
    """Haze, lens and sensor: from the canvas to a photograph, uint8 (rows, columns, 3)."""
    clear = np.exp(-light.extinction / np.maximum(inverse, 1e-4))
    clear[inverse <= 0] = 1.0
    sky = np.asarray(np.minimum(light.skyline, 1.0) * 255, np.float32)
    hazy = rgb.astype(np.float32)
    hazy -= sky
    hazy *= clear[..., None]
    hazy += sky
    small: np.ndarray = cv2.resize(hazy, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.35, 0.6)))
    glow = cv2.GaussianBlur(
        cv2.resize(small, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), (0, 0), 4
    )
    small = 0.94 * small + 0.06 * cv2.resize(glow, size)
    rows, columns = small.shape[:2]
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
    vignette = (1 - float(rng.uniform(0.03, 0.12)) * (x * x + y * y)).astype(np.float32)
    small *= vignette[..., None] * float(rng.uniform(0.92, 1.08))
    grain = np.asarray(rng.standard_normal(small.shape, np.float32))
    soft: np.ndarray = cv2.GaussianBlur(grain, (0, 0), 0.55)
    strength = float(rng.uniform(1.6, 3.6))
    small += soft * (strength * (0.6 + 0.4 * np.sqrt(np.clip(small, 0, 255) / 128)))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
