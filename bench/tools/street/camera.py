"""The pinhole camera of the street renderer.

World axes in metres: ``x`` to the right, ``y`` up from the road, ``z`` forward. The camera stands at ``(0, height, 0)`` and looks
along ``z``; a small pitch is a shift of the horizon row, so that upright things stay upright in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR = 1.0  # metres; nothing closer is drawn


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels.

    Attributes:
        focal: Focal length in pixels.
        height: Height above the road in metres.
        horizon: Image row of the horizon.
        rows: Image height in pixels.
        columns: Image width in pixels.
    """

    focal: float
    height: float
    horizon: float
    rows: int
    columns: int

    @property
    def centre(self) -> float:
        """Image column of the optical axis."""
        return self.columns / 2

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project world points (n, 3) with ``z > 0`` to image points (n, 2) as (column, row)."""
        depth = points[:, 2]
        out = np.empty((len(points), 2))
        out[:, 0] = self.centre + self.focal * points[:, 0] / depth
        out[:, 1] = self.horizon + self.focal * (self.height - points[:, 1]) / depth
        return out

    def plane(self, point: np.ndarray, normal: np.ndarray) -> tuple[float, float, float]:
        """Coefficients ``(a, b, c)`` of a world plane's depth: ``1 / z = a * column + b * row + c``.

        The pixel (u, v) sees the points ``z * ((u - centre) / focal, (horizon - v) / focal, 1)`` relative to the camera; put into
        ``normal . p = d`` this gives an inverse depth that is linear in u and v.
        """
        relative = point - np.array([0.0, self.height, 0.0])
        offset = float(normal @ relative)
        if abs(offset) < 1e-6:  # seen edge on: its few pixels get the depth of the point
            return 0.0, 0.0, 1.0 / float(point[2])
        a = normal[0] / (self.focal * offset)
        b = -normal[1] / (self.focal * offset)
        c = normal[2] / offset - a * self.centre - b * self.horizon
        return float(a), float(b), float(c)


def clip_near(points: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Cut a world polygon (n, 3) at the plane ``z = near`` (Sutherland and Hodgman 1974); may return no points."""
    inside = points[:, 2] >= near
    if inside.all():
        return points
    kept = []
    for i in range(len(points)):
        p, q = points[i - 1], points[i]
        if inside[i - 1] != inside[i]:
            kept.append(p + (near - p[2]) / (q[2] - p[2]) * (q - p))
        if inside[i]:
            kept.append(q)
    return np.array(kept).reshape(-1, 3)
