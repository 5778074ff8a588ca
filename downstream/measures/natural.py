"""NIQE and BRISQUE: how far an image's local statistics lie from those of natural photos; lower is better.

Both divide an image by its local contrast and describe what is left by the shapes of its distribution and of the
products of neighbours. NIQE (Mittal, Soundararajan and Bovik, "Making a Completely Blind Image Quality Analyzer", IEEE
SPL 2013) measures the distance to a Gaussian model of undistorted photos; BRISQUE (Mittal, Moorthy and Bovik, IEEE TIP
2012) asks a regression that was trained on people's opinions of the LIVE database's distortions. Rain was in neither.

The models are the authors' own: NIQE's pristine model of 125 photos in blocks of 96 (``modelparameters.mat``) and
BRISQUE's support vectors (``allmodel``) with their ranges; `models/NOTICE` says where they come from. Colour is turned
into grey as MATLAB's ``rgb2gray`` does, rounded, as the authors' programs do.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

#: Side of NIQE's blocks in pixels.
_BLOCK = 96
#: Neighbours whose products are looked at: rows and columns that the image is rolled by.
_SHIFTS = ((0, 1), (1, 0), (1, 1))
#: Weights of eight neighbouring pixels when a side is halved: Keys' cubic (a = -1/2), stretched over two pixels, as
#: MATLAB's ``imresize`` does.
_CUBIC = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256


def grey(image: np.ndarray) -> np.ndarray:
    """Return MATLAB's ``rgb2gray`` of a uint8 RGB image: float64 HxW, whole numbers."""
    weights = np.array([[0.298936021293775, 0.587043074451121, 0.114020904255103]])
    return np.floor(cv2.transform(image.astype(np.float64), weights) + 0.5)


def normalised(plane: np.ndarray, border: int) -> np.ndarray:
    """Return each pixel less the mean of its neighbourhood, over its deviation plus one: float64 HxW.

    Args:
        plane: float64 HxW, 0 to 255.
        border: OpenCV's name of what lies outside.
    """
    steps = np.arange(-3, 4)
    kernel = np.exp(-(steps**2) / (2 * (7 / 6) ** 2))
    kernel /= kernel.sum()
    mean = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel, borderType=border)
    square = cv2.sepFilter2D(plane * plane, cv2.CV_64F, kernel, kernel, borderType=border)
    return (plane - mean) / (np.sqrt(np.abs(square - mean * mean)) + 1)


def halved(plane: np.ndarray) -> np.ndarray:
    """Return a plane at half its sides, rounded up, by bicubic interpolation against aliasing."""
    wide = cv2.sepFilter2D(plane, cv2.CV_64F, _CUBIC, _CUBIC, anchor=(3, 3), borderType=cv2.BORDER_REFLECT)
    return wide[::2, ::2]


def niqe(image: np.ndarray, clean: np.ndarray | None = None) -> float:
    """NIQE, ``niqe@live``; NaN where the image holds fewer than two blocks of 96x96, or none that is not flat."""
    rows, columns = image.shape[0] // _BLOCK, image.shape[1] // _BLOCK
    if rows * columns < 2:
        return math.nan
    plane = grey(image)[: rows * _BLOCK, : columns * _BLOCK]
    features = []
    for side in (_BLOCK, _BLOCK // 2):
        whole = normalised(plane, cv2.BORDER_REPLICATE)
        blocks = whole.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
        features.append([_block_features(block) for block in blocks])
        plane = halved(plane)
    table = np.concatenate([np.array(found) for found in features], axis=1)
    whole_rows = table[~np.isnan(table).any(axis=1)]
    if len(whole_rows) < 2:
        return math.nan
    model = _model("niqe")
    away = model["mean"] - np.nanmean(table, axis=0)
    spread = (model["covariance"] + np.cov(whole_rows, rowvar=False)) / 2
    return float(np.sqrt(away @ np.linalg.pinv(spread) @ away))


def _block_features(block: np.ndarray) -> list[float]:
    alpha, left, right = asymmetric(block)
    found = [alpha, (_scale(alpha) * (left + right)) / 2]
    for shift in (*_SHIFTS, (1, -1)):
        alpha, left, right = asymmetric(block * np.roll(block, shift, axis=(0, 1)))
        scale = _scale(alpha)
        mean = scale * (right - left) * _ratio(alpha)
        found += [alpha, mean, scale * left, scale * right]
    return found


def brisque(image: np.ndarray, clean: np.ndarray | None = None) -> float:
    """BRISQUE, ``brisque@live``; NaN where a side is below 16 pixels or the image is of one grey."""
    if min(image.shape[:2]) < 16:
        return math.nan
    features = brisque_features(image)
    if np.isnan(features).any():
        return math.nan
    model = _model("brisque")
    scaled = 2 * (features - model["low"]) / (model["high"] - model["low"]) - 1
    distances = ((model["vectors"].astype(np.float64) - scaled) ** 2).sum(axis=1)
    return float(model["weights"] @ np.exp(-model["gamma"] * distances) - model["offset"])


def brisque_features(image: np.ndarray) -> np.ndarray:
    """Return the 36 numbers that BRISQUE's regression sees: float64, 18 at each of two scales."""
    plane = grey(image)
    found: list[float] = []
    for _ in range(2):
        whole = normalised(plane, cv2.BORDER_CONSTANT)
        found += _symmetric(whole)
        for shift in (*_SHIFTS, (-1, 1)):
            alpha, left, right = asymmetric(whole * np.roll(whole, shift, axis=(0, 1)))
            mean = _scale(alpha) * (right - left) * _ratio(alpha)
            found += [alpha, mean, left**2, right**2]
        plane = halved(plane)
    return np.array(found)


def asymmetric(values: np.ndarray) -> tuple[float, float, float]:
    """Fit an asymmetric generalised Gaussian by its moments: shape, and deviation left and right of 0.

    NaN where there is nothing on one side.
    """
    below, above = values[values < 0], values[values > 0]
    if not below.size or not above.size:
        return math.nan, math.nan, math.nan
    left, right = math.sqrt((below**2).mean()), math.sqrt((above**2).mean())
    tilt = left / right
    moment = np.abs(values).mean() ** 2 / (values**2).mean()
    wanted = moment * (tilt**3 + 1) * (tilt + 1) / (tilt**2 + 1) ** 2
    shapes, ratios = _shapes()
    return float(shapes[np.argmin(np.abs(ratios - wanted))]), left, right


def _symmetric(values: np.ndarray) -> list[float]:
    """Shape and variance of a generalised Gaussian by its moments."""
    variance, size = float((values**2).mean()), float(np.abs(values).mean())
    if size == 0:
        return [math.nan, math.nan]
    shapes, ratios = _shapes()
    return [float(shapes[np.argmin(np.abs(1 / ratios - variance / size**2))]), variance]


@lru_cache(maxsize=1)
def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """The shapes that are tried, 0.2 to 10, and each one's squared mean size over its variance."""
    shapes = np.arange(200, 10001) / 1000
    logs = [2 * math.lgamma(2 / a) - math.lgamma(1 / a) - math.lgamma(3 / a) for a in shapes]
    return shapes, np.exp(logs)


def _scale(shape: float) -> float:
    """A generalised Gaussian's scale over its deviation."""
    return math.nan if math.isnan(shape) else math.exp((math.lgamma(1 / shape) - math.lgamma(3 / shape)) / 2)


def _ratio(shape: float) -> float:
    return math.nan if math.isnan(shape) else math.exp(math.lgamma(2 / shape) - math.lgamma(1 / shape))


@lru_cache(maxsize=2)
def _model(name: str) -> dict[str, np.ndarray]:
    with (
        (resources.files("downstream") / "measures" / "models" / f"{name}.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as found,
    ):
        return {key: found[key] for key in found.files}
