"""What the renderer paints on: colours, and for every pixel the surface it shows.

A surface is a plane in the world with a class; its plane gives the exact depth of each of its pixels, so one map of surface
numbers is enough to read classes, instances and depth from. Things are painted from far to near.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera, clip_near
from .labels import SKY

Colour = tuple[float, float, float]
_SHIFT = 4  # cv2 takes points in 1/16 pixel
_TOWARDS_CAMERA = np.array([0.0, 0.0, -1.0])


def _fixed(points: np.ndarray) -> np.ndarray:
    """Image points as cv2's integers with fraction bits, kept within their range."""
    return np.minimum(np.maximum(np.rint(points * (1 << _SHIFT)), -1e6), 1e6).astype(np.int32)


@dataclass
class Thing:
    """One countable object: its trainId, its COCO category (None: no box), and its pixels before anything nearer hid it."""

    label: int
    category: str | None
    full_pixels: int = 0


class Canvas:
    """Colours (rows, columns, 3) uint8 and surface numbers (rows, columns) uint16; surface 0 is the sky, thing 0 is nothing."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.rgb = np.zeros((camera.rows, camera.columns, 3), np.uint8)
        self.surfaces = np.zeros((camera.rows, camera.columns), np.uint16)
        self.things: list[Thing] = [Thing(SKY, None)]
        self._planes: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        self._labels: list[int] = [SKY]
        self._owners: list[int] = [0]
        self._walls: np.ndarray | None = None

    def surface(self, label: int, point: np.ndarray, normal: np.ndarray, thing: int = 0) -> int:
        """Register a plane through ``point`` and return its number."""
        self._planes.append(self.camera.plane(point, normal))
        self._labels.append(label)
        self._owners.append(thing)
        return len(self._labels) - 1

    def upright(self, label: int, depth: float, thing: int = 0) -> int:
        """Register the plane at ``depth`` that faces the camera."""
        return self.surface(label, np.array([0.0, 0.0, depth]), _TOWARDS_CAMERA, thing)

    def add_thing(self, label: int, category: str | None) -> int:
        """Register a countable object and return its number."""
        self.things.append(Thing(label, category))
        return len(self.things) - 1

    def fill(self, points: np.ndarray, colour: Colour, surface: int | None = None) -> None:
        """Fill an image polygon (n, 2); without a surface only the colours change (something painted on a surface)."""
        fixed = _fixed(points)
        cv2.fillPoly(self.rgb, [fixed], colour, cv2.LINE_8, _SHIFT)
        if surface is not None:
            cv2.fillPoly(self.surfaces, [fixed], surface, cv2.LINE_8, _SHIFT)

    def stroke(self, points: np.ndarray, width: float, colour: Colour, surface: int | None = None) -> None:
        """Draw an open line (n, 2) of ``width`` pixels with round ends."""
        fixed = _fixed(points)
        thickness = max(1, round(width))
        cv2.polylines(self.rgb, [fixed], False, colour, thickness, cv2.LINE_8, _SHIFT)
        if surface is not None:
            cv2.polylines(self.surfaces, [fixed], False, surface, thickness, cv2.LINE_8, _SHIFT)

    def face(self, points: np.ndarray, colour: Colour, surface: int | None = None) -> None:
        """Fill a world polygon (n, 3), cut at the near plane."""
        points = clip_near(points)
        if len(points) >= 3:
            self.fill(self.camera.project(points), colour, surface)

    def paste(self, texture: np.ndarray, corners: np.ndarray, outline: np.ndarray, surface: int) -> None:
        """Warp a texture (h, w, 3) uint8 so that its corners fall on ``corners`` (4, 2), painting only inside ``outline`` (n, 2)."""
        height, width = texture.shape[:2]
        low = np.floor(outline.min(axis=0)).astype(int)
        high = np.ceil(outline.max(axis=0)).astype(int) + 1
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), self.camera.columns), min(int(high[1]), self.camera.rows)
        if x0 >= x1 or y0 >= y1:
            return
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(source, (corners - [x0, y0]).astype(np.float32))
        warped = cv2.warpPerspective(
            texture, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        fixed = _fixed(outline - [x0, y0])
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_8, _SHIFT)
        cv2.copyTo(warped, mask, self.rgb[y0:y1, x0:x1])
        self.surfaces[y0:y1, x0:x1][mask > 0] = surface

    def blit(self, sprite: np.ndarray, alpha: np.ndarray, left: float, top: float, surface: int) -> None:
        """Paint a sprite (h, w, 3) uint8 where ``alpha`` (h, w) is above one half."""
        x0, y0 = round(left), round(top)
        x1, y1 = x0 + sprite.shape[1], y0 + sprite.shape[0]
        cx0, cy0, cx1, cy1 = max(x0, 0), max(y0, 0), min(x1, self.camera.columns), min(y1, self.camera.rows)
        if cx0 >= cx1 or cy0 >= cy1:
            return
        mask = alpha[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0] > 0.5
        self.rgb[cy0:cy1, cx0:cx1][mask] = sprite[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0][mask]
        self.surfaces[cy0:cy1, cx0:cx1][mask] = surface

    def freeze_walls(self, first: int) -> None:
        """Remember the inverse depth of the surfaces numbered ``first`` and up: later objects stay behind them."""
        self._walls = np.where(self.surfaces >= first, self.inverse_depth(), 0.0).astype(np.float32)

    def paint(self, draw: Callable[[], None], points: np.ndarray, things: range) -> None:
        """Run ``draw`` for an object whose world extent is ``points`` (n, 3), then hide what stands behind a wall.

        Also counts the pixels of each of the object's ``things`` while nothing nearer has been painted yet.
        """
        flat = self.camera.project(np.maximum(points, [-np.inf, -np.inf, 1.0]))
        margin = 8
        x0, y0 = (max(int(v) - margin, 0) for v in flat.min(axis=0))
        x1 = min(int(flat[:, 0].max()) + margin, self.camera.columns)
        y1 = min(int(flat[:, 1].max()) + margin, self.camera.rows)
        if x0 >= x1 or y0 >= y1:
            return
        area = (slice(y0, y1), slice(x0, x1))
        hidden = None
        if self._walls is not None:
            hidden = self._walls[area] > 1.0 / max(float(points[:, 2].mean()), 1.0)
            before = (self.rgb[area].copy(), self.surfaces[area].copy()) if hidden.any() else None
        draw()
        owners = np.asarray(self._owners)[self.surfaces[area]]
        for thing in things:
            self.things[thing].full_pixels = int((owners == thing).sum())
        if hidden is not None and before is not None:
            self.rgb[area][hidden] = before[0][hidden]
            self.surfaces[area][hidden] = before[1][hidden]

    def inverse_depth(self) -> np.ndarray:
        """1 / depth of every pixel, float32 (rows, columns); 0 for the sky."""
        a, b, c = (np.ascontiguousarray(column) for column in np.asarray(self._planes, np.float32).T)
        columns = np.arange(self.camera.columns, dtype=np.float32)
        rows = np.arange(self.camera.rows, dtype=np.float32)[:, None]
        inverse = a[self.surfaces]
        inverse *= columns
        slope = b[self.surfaces]
        slope *= rows
        inverse += slope
        inverse += c[self.surfaces]
        return np.maximum(inverse, 0.0, out=inverse)

    def labels(self) -> np.ndarray:
        """trainId of every surface number, uint8."""
        return np.asarray(self._labels, np.uint8)

    def owners(self) -> np.ndarray:
        """Thing number of every surface number, int32."""
        return np.asarray(self._owners, np.int32)
