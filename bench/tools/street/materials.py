"""Procedural textures: noise, façades, foliage. Everything is drawn from seeds, nothing is loaded."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .light import Light

TILE = 512  # side of the noise tile in texels
TEXELS_PER_METRE = 14


@lru_cache(maxsize=1)
def noise_tile() -> np.ndarray:
    """Tileable noise of many scales, float32 (512, 512), zero mean, unit standard deviation."""
    rng = np.random.default_rng(20240501)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
    fy = np.fft.fftfreq(TILE)[:, None]
    fx = np.fft.rfftfreq(TILE)[None, :]
    frequency = np.sqrt(fx * fx + fy * fy)
    frequency[0, 0] = 1.0
    spectrum /= frequency**0.9
    spectrum[0, 0] = 0.0
    tile = np.fft.irfft2(spectrum, (TILE, TILE))
    return (tile / tile.std()).astype(np.float32)


@lru_cache(maxsize=1)
def soft_tile() -> np.ndarray:
    """Smooth tileable noise for clouds and large stains, float32 (512, 512), zero mean, unit standard deviation."""
    rng = np.random.default_rng(20240502)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
    fy = np.fft.fftfreq(TILE)[:, None]
    fx = np.fft.rfftfreq(TILE)[None, :]
    frequency = np.sqrt(fx * fx + fy * fy)
    frequency[0, 0] = 1.0
    spectrum /= frequency**1.7
    spectrum[frequency < 2.5 / TILE] = 0.0
    tile = np.fft.irfft2(spectrum, (TILE, TILE))
    return (tile / tile.std()).astype(np.float32)


def sample(tile: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Nearest texels of a tile at texel coordinates that may lie anywhere (the tile repeats)."""
    return tile[y.astype(np.int32) & (TILE - 1), x.astype(np.int32) & (TILE - 1)]


@lru_cache(maxsize=1)
def crowns() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Tree crowns as (brightness (160, 160) float32 around 1, alpha (160, 160) float32), lit from above."""
    made = []
    for number in range(10):
        rng = np.random.default_rng(977 + number)
        size = 160
        height = np.zeros((size, size), np.float32)
        tall = number % 5 == 4
        for _ in range(90):
            angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform())
            spread = (22, 52) if tall else (50, 46)
            x, y = 80 + reach * spread[0] * np.cos(angle), 80 + reach * spread[1] * np.sin(angle)
            radius = rng.uniform(9, 20)
            yy, xx = np.ogrid[:size, :size]
            blob = 1 - ((xx - x) ** 2 + (yy - y) ** 2) / radius**2
            height = np.maximum(
                height, np.where(blob > 0, np.sqrt(np.maximum(blob, 0)) * radius / 20, 0).astype(np.float32)
            )
        leaves = noise_tile()[number * 31 : number * 31 + size, 100 : 100 + size]
        alpha = (np.where(height > 0.12, height + 0.13 * leaves, 0.0) > 0.28).astype(np.float32)
        slope = cv2.Sobel(cv2.GaussianBlur(height, (0, 0), 2.5), cv2.CV_32F, 0, 1, ksize=3)
        rows = np.linspace(1.22, 0.68, size, dtype=np.float32)[:, None]
        made.append((np.clip(rows + 0.5 * slope + 0.16 * leaves, 0.3, 1.7), alpha))
    return tuple(made)


WALLS = (
    (0.72, 0.62, 0.50), (0.62, 0.36, 0.28), (0.80, 0.76, 0.68), (0.58, 0.57, 0.55), (0.75, 0.55, 0.40), (0.85, 0.80, 0.62),
    (0.52, 0.42, 0.36), (0.66, 0.70, 0.72), (0.78, 0.66, 0.60), (0.45, 0.48, 0.52), (0.84, 0.84, 0.82), (0.60, 0.66, 0.58),
)  # fmt: skip
ROOFS = ((0.45, 0.22, 0.17), (0.30, 0.30, 0.32), (0.38, 0.28, 0.22), (0.24, 0.25, 0.28))


def facade(
    rng: np.random.Generator, length: float, height: float, albedo: np.ndarray, light: Light
) -> np.ndarray:
    """A house front as a texture (height, length, 3) float32 of albedo in [0, 1], 14 texels a metre.

    Args:
        rng: Source of the design.
        length: Width in metres.
        height: Height in metres.
        albedo: Wall colour.
        light: For the sky in the panes and for lit windows.
    """
    scale = TEXELS_PER_METRE
    rows, columns = max(8, round(height * scale)), max(8, round(length * scale))
    shift = int(rng.integers(0, TILE))
    grain = noise_tile()[:, np.arange(shift, shift + columns) % TILE][np.arange(shift, shift + rows) % TILE]
    wall = np.empty((rows, columns, 3), np.float32)
    wall[:] = albedo
    storey = rng.uniform(2.8, 3.5)
    bay = rng.uniform(1.9, 3.4)
    floors = max(1, int((height - 0.6) / storey))
    bays = max(1, int(length / bay))
    step_x, step_y = columns / bays, scale * storey
    broad, tall = rng.uniform(0.35, 0.72), rng.uniform(0.45, 0.66)
    frame = np.array([0.9, 0.9, 0.88]) if rng.random() < 0.6 else albedo * 0.55
    pane = np.array(light.glass(np.array([0.0, 0.0, -1.0]), 0.4)) / 255
    shop = rng.random() < 0.45
    balcony = rng.random() < 0.2
    band = albedo * rng.uniform(0.75, 1.2)
    states = rng.random((floors, bays))
    for floor in range(floors):
        base = rows - floor * step_y
        if rng.random() < 0.3 or floor == 1:
            cv2.rectangle(wall, (0, int(base) - 2), (columns, int(base)), (band * 1.1).tolist(), -1)
        if floor == 0 and shop:
            _shop(wall, rng, base, step_y, columns, pane, light)
            continue
        for column in range(bays):
            x0 = int((column + 0.5 - broad / 2) * step_x)
            x1 = int((column + 0.5 + broad / 2) * step_x)
            y0, y1 = int(base - step_y * (0.2 + tall)), int(base - step_y * 0.24)
            door = floor == 0 and column == bays // 2
            if door:
                y0, y1 = int(base - step_y * 0.72), int(base)
            state = states[floor, column]
            colour = pane * (0.6 + 0.8 * state)
            if door:
                colour = albedo * 0.35
            elif light.lamps and state < 0.35:
                colour = np.array([1.0, 0.85, 0.5])
            elif state > 0.85:
                colour = np.array([0.75, 0.73, 0.68])  # a blind
            cv2.rectangle(wall, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), frame.tolist(), -1)
            cv2.rectangle(wall, (x0, y0), (x1, y1), colour.tolist(), -1)
            if x1 - x0 > 10:
                middle = (x0 + x1) // 2
                cv2.line(wall, (middle, y0), (middle, y1), frame.tolist(), 1)
            cv2.line(wall, (x0 - 2, y1 + 2), (x1 + 2, y1 + 2), (albedo * 0.6).tolist(), 1)
            if balcony and floor > 0 and column % 2 == 0:
                cv2.rectangle(wall, (x0 - 5, y1 - 8), (x1 + 5, y1 + 3), (albedo * 0.5).tolist(), -1)
    cv2.rectangle(wall, (0, 0), (columns, 5), (albedo * 0.7).tolist(), -1)
    cv2.rectangle(wall, (0, 5), (columns, 7), np.minimum(albedo * 1.15, 1).tolist(), -1)
    stain = np.linspace(1.04, 0.88, rows, dtype=np.float32)[:, None, None]
    return np.clip(wall * stain * (1 + 0.05 * grain[..., None]), 0, 1)


def _shop(
    wall: np.ndarray,
    rng: np.random.Generator,
    base: float,
    storey: float,
    columns: int,
    pane: np.ndarray,
    light: Light,
) -> None:
    """Draw a shop's windows, sign and awning on the ground floor of a façade."""
    sign = rng.uniform(0.1, 0.95, 3)
    top = int(base - storey * 0.92)
    cv2.rectangle(wall, (0, top), (columns, int(base)), (rng.uniform(0.15, 0.6) * np.ones(3)).tolist(), -1)
    glass = np.array([0.95, 0.86, 0.62]) if light.lamps else pane * 0.8
    x = 3
    while x < columns - 8:
        width = int(rng.uniform(18, 45))
        cv2.rectangle(
            wall,
            (x, int(base - storey * 0.66)),
            (min(x + width, columns - 3), int(base - 3)),
            glass.tolist(),
            -1,
        )
        cv2.rectangle(
            wall,
            (x + 3, int(base - storey * 0.3)),
            (x + width // 2, int(base - 5)),
            rng.uniform(0.1, 0.8, 3).tolist(),
            -1,
        )
        x += width + int(rng.uniform(3, 10))
    cv2.rectangle(wall, (0, top), (columns, int(base - storey * 0.72)), sign.tolist(), -1)
    x = int(rng.uniform(6, 20))
    letter = (np.ones(3) if sign.mean() < 0.5 else np.zeros(3) + 0.1).tolist()
    while x < columns * 0.7:
        cv2.rectangle(wall, (x, int(base - storey * 0.87)), (x + 4, int(base - storey * 0.77)), letter, -1)
        x += int(rng.integers(6, 10))
    if rng.random() < 0.5:
        for i, left in enumerate(range(0, columns, 7)):
            colour = sign if i % 2 else np.array([0.93, 0.92, 0.88])
            cv2.rectangle(
                wall,
                (left, int(base - storey * 0.72)),
                (left + 6, int(base - storey * 0.58)),
                colour.tolist(),
                -1,
            )
