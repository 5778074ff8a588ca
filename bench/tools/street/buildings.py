"""House fronts along the street, and what closes the view at its end."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import NEAR
from .canvas import Canvas
from .ground import Street
from .labels import BUILDING, VEGETATION
from .light import Light
from .materials import ROOFS, TEXELS_PER_METRE, WALLS, facade, soft_tile


@dataclass(frozen=True)
class House:
    """One house: its front runs from ground point ``near`` to ``far``; ``outward`` points away from the street."""

    near: np.ndarray
    far: np.ndarray
    outward: np.ndarray
    height: float
    albedo: np.ndarray
    roof: np.ndarray | None
    seed: int


def line_of_houses(
    rng: np.random.Generator, street: Street, side: int, end: float, density: float
) -> list[House]:
    """Houses along one side (-1 left, 1 right) from behind the camera to ``end`` metres; gaps where ``density`` is below 1."""
    houses = []
    z = rng.uniform(-8, 0)
    tall = rng.uniform(6.5, 17)
    while z < end:
        length = rng.uniform(8, 19)
        stop = z + length
        cross = street.crossing
        if cross is not None and stop > cross[0] - 3 and z < cross[1] + 3:
            if z < cross[0] - 9:
                stop = cross[0] - 4
            else:
                z = cross[1] + 4 + rng.uniform(0, 1)
                continue
        if rng.random() < density:
            near, far = street.at(side * street.edge, z), street.at(side * street.edge, stop)
            roof = np.array(ROOFS[int(rng.integers(len(ROOFS)))]) if rng.random() < 0.55 else None
            albedo = np.array(WALLS[int(rng.integers(len(WALLS)))]) * rng.uniform(0.85, 1.1)
            height = float(np.clip(tall * rng.uniform(0.7, 1.35), 5.5, 24))
            houses.append(
                House(
                    near, far, np.array([float(side), 0, 0]), height, albedo, roof, int(rng.integers(2**31))
                )
            )
        z = stop + (rng.uniform(3, 8) if rng.random() < 0.12 else 0.0)
    return houses


def draw_house(canvas: Canvas, light: Light, house: House) -> None:
    """Draw a house: the end wall that faces the camera, the roof, the front."""
    up = np.array([0.0, house.height, 0.0])
    near, far = house.near, house.far
    if far[2] <= NEAR + 0.5:
        return
    if near[2] > NEAR:
        back = near + house.outward * 9
        wall = np.array([near, back, back + up, near + up])
        towards = np.array([0.0, 0.0, -1.0])
        colour = light.shade(house.albedo * 0.92, towards)
        surface = canvas.surface(BUILDING, near, towards)
        if house.roof is not None:
            middle = near + house.outward * 4.5 + up + [0, 3.0, 0]
            canvas.face(np.array([near + up, back + up, middle]), colour, surface)
        canvas.face(wall, colour, surface)
        pane = light.glass(towards, 0.4)
        for floor in range(int(house.height / 3.1)):
            for step in (2.5, 6.0):
                p = near + house.outward * step + [0, 3.1 * floor + 1.0, 0]
                q = p + house.outward * 1.1
                canvas.face(np.array([p, q, q + [0, 1.4, 0], p + [0, 1.4, 0]]), pane)
    if house.roof is not None:
        slope = np.array([-house.outward[0] * 0.55, 0.83, 0.0])
        top_near, top_far = (
            near + house.outward * 4.5 + up + [0, 3, 0],
            far + house.outward * 4.5 + up + [0, 3, 0],
        )
        roof = np.array([near + up, far + up, top_far, top_near])
        canvas.face(roof, light.shade(house.roof, slope), canvas.surface(BUILDING, near + up, slope))
    along = far - near
    length = float(np.linalg.norm(along))
    normal = np.array([-along[2], 0.0, along[0]]) / length
    if normal @ house.outward > 0:
        normal = -normal
    texture = facade(np.random.default_rng(house.seed), length, house.height, house.albedo, light)
    shade = np.asarray(light.shade(np.ones(3) * 0.999, normal), np.float32)
    start = near if near[2] >= NEAR else near + along * ((NEAR - near[2]) / along[2])
    skip = float(np.linalg.norm(start - near)) / length
    cut = texture[:, int(skip * texture.shape[1]) :]
    corners = np.array([start + up, far + up, far, start])
    flat = canvas.camera.project(corners)
    projected = float(flat[2, 1] - flat[1, 1] + flat[3, 1] - flat[0, 1]) / 2
    ratio = projected / (house.height * TEXELS_PER_METRE)
    if ratio < 0.7:  # shrink first, or distant windows would alias
        size = (max(4, int(cut.shape[1] * max(ratio, 0.1))), max(4, int(cut.shape[0] * max(ratio, 0.1))))
        cut = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    painted = np.clip(cut * shade, 0, 255).astype(np.uint8)
    canvas.paste(painted, flat, flat, canvas.surface(BUILDING, start, normal))


def draw_backdrop(
    canvas: Canvas, light: Light, rng: np.random.Generator, distance: float, town: bool
) -> None:
    """Close the view: a line of trees, and in a town a skyline behind it, ``distance`` metres away."""
    camera = canvas.camera
    columns = np.arange(0, camera.columns + 16, 16)
    towards = np.array([0.0, 0.0, -1.0])
    noise = soft_tile()[int(rng.integers(512)), :]
    per_metre = camera.focal / distance
    if town:
        surface = canvas.upright(BUILDING, distance * 1.15)
        x = 0.0
        while x < camera.columns:
            width, height = rng.uniform(10, 45), rng.uniform(8, 26) * per_metre
            colour = light.shade(np.array(WALLS[int(rng.integers(len(WALLS)))]) * 0.9, towards)
            canvas.fill(np.array([[x, camera.horizon + 2], [x + width, camera.horizon + 2], [x + width, camera.horizon - height],
                                  [x, camera.horizon - height]]), colour, surface)  # fmt: skip
            pane = light.glass(towards)
            for level in np.arange(4, height - 3, 7):
                for left in np.arange(x + 3, x + width - 4, 6):
                    y = camera.horizon - level
                    canvas.fill(np.array([[left, y], [left + 2, y], [left + 2, y - 3], [left, y - 3]]), pane)
            x += width
    surface = canvas.upright(VEGETATION, distance)
    tops = camera.horizon - per_metre * (
        7 + 2.5 * noise[columns % 512] + rng.uniform(-0.6, 0.6, len(columns))
    )
    ground = np.full(len(columns), camera.horizon + per_metre * camera.height)
    outline = np.concatenate([np.stack([columns, tops], 1), np.stack([columns[::-1], ground], 1)])
    canvas.fill(outline, light.shade(np.array([0.24, 0.33, 0.16]), towards), surface)
