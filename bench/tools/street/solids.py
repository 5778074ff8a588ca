"""Convex solids: faces that are seen from outside only, each with flat details painted on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .canvas import Canvas
from .light import Light

GLASS = np.array([-1.0, 0.0, 0.0])
"""Albedo that stands for a pane: it mirrors the sky instead of being shaded."""


@dataclass
class Decal:
    """A flat detail on a face: a polygon (n, 3), an albedo (or GLASS), and whether it glows by itself."""

    points: np.ndarray
    albedo: np.ndarray
    glows: bool = False


@dataclass
class Face:
    """A flat polygon (n, 3) of a solid, its albedo, and what is painted on it."""

    points: np.ndarray
    albedo: np.ndarray
    decals: list[Decal] = field(default_factory=list)


def on(points: np.ndarray, left: float, right: float, bottom: float, top: float) -> np.ndarray:
    """A rectangle on a four-cornered face given as bottom left, bottom right, top right, top left; coordinates in [0, 1]."""
    p00, p10, p11, p01 = points
    uv = ((left, bottom), (right, bottom), (right, top), (left, top))
    return np.array(
        [(1 - u) * (1 - v) * p00 + u * (1 - v) * p10 + u * v * p11 + (1 - u) * v * p01 for u, v in uv]
    )


def box(
    width: float, bottom: float, top: float, back: float, front: float, albedo: np.ndarray
) -> dict[str, Face]:
    """An upright box in local axes (x right, y up, z forward), its faces by name: back, front, left, right, roof."""
    w = width / 2

    def quad(*corners: tuple[float, float, float]) -> np.ndarray:
        return np.array(corners)

    return {
        "back": Face(quad((-w, bottom, back), (w, bottom, back), (w, top, back), (-w, top, back)), albedo),
        "front": Face(
            quad((w, bottom, front), (-w, bottom, front), (-w, top, front), (w, top, front)), albedo
        ),
        "left": Face(
            quad((-w, bottom, front), (-w, bottom, back), (-w, top, back), (-w, top, front)), albedo
        ),
        "right": Face(quad((w, bottom, back), (w, bottom, front), (w, top, front), (w, top, back)), albedo),
        "roof": Face(quad((-w, top, back), (w, top, back), (w, top, front), (-w, top, front)), albedo * 1.02),
    }


def turn(heading: float) -> np.ndarray:
    """Matrix that takes local axes to world axes for something that faces ``heading`` (radians, 0 ahead, positive right)."""
    c, s = np.cos(heading), np.sin(heading)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def draw(
    canvas: Canvas,
    light: Light,
    faces: Sequence[Face],
    matrix: np.ndarray,
    place: np.ndarray,
    label: int,
    thing: int,
    fine: bool,
) -> None:
    """Draw a convex solid's visible faces.

    Args:
        canvas: What to paint on.
        light: The illumination.
        faces: All faces, in local axes.
        matrix: Local to world axes (3, 3).
        place: World position of the local origin.
        label: trainId.
        thing: Thing number.
        fine: Whether details are worth drawing.
    """
    eye = np.array([0.0, canvas.camera.height, 0.0])
    centre = np.mean([face.points.mean(axis=0) for face in faces], axis=0) @ matrix.T + place
    for face in faces:
        points = face.points @ matrix.T + place
        (ax, ay, az), (bx, by, bz) = points[1] - points[0], points[2] - points[0]
        normal = np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
        normal /= np.sqrt(normal @ normal) + 1e-9
        middle = points.sum(axis=0) / len(points)
        if normal @ (middle - centre) < 0:
            normal = -normal
        if normal @ (eye - middle) <= 0:
            continue
        colour = light.glass(normal) if face.albedo[0] < 0 else light.shade(face.albedo, normal)
        canvas.face(points, colour, canvas.surface(label, points[0], normal, thing))
        if not fine:
            continue
        for decal in face.decals:
            if decal.glows:
                red, green, blue = decal.albedo * 255
                colour = (float(red), float(green), float(blue))
            elif decal.albedo[0] < 0:
                colour = light.glass(normal)
            else:
                colour = light.shade(decal.albedo, normal)
            canvas.face(decal.points @ matrix.T + place, colour)
