"""NIQE: how far an image's local statistics lie from those of natural photos; lower is better.

An image is divided by its local contrast, and what is left is described by the shapes of its distribution and of the
products of neighbours; `brisque` describes it in the same way. NIQE (Mittal, Soundararajan and Bovik, "Making a
Completely Blind Image Quality Analyzer", IEEE SPL 2013) measures the distance to a Gaussian model of undistorted
photos. Rain was not in it.

The model is our own, fitted to BSDS500's test photos by `bench.tools.niqe`; the authors' is of 125 other photos and
gives other numbers. Colour is turned into grey as MATLAB's ``rgb2gray`` does, rounded, as the authors' program does.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

#: Side of NIQE's blocks in pixels.
BLOCK = 96
#: Neighbours whose products are looked at: rows and columns that the image is rolled by.
SHIFTS = ((0, 1), (1, 0), (1, 1))
#: Weights of eight neighbouring pixels when a side is halved: Keys' cubic (a = -1/2), stretched over two pixels, as
#: MATLAB's ``imresize`` does.
_CUBIC = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256


def grey(image: np.ndarray) -> np.ndarray:
    """Return MATLAB's ``rgb2gray`` of a uint8 RGB image: float64 HxW, whole numbers."""
    weights = np.array([[0.298936021293775, 0.587043074451121, 0.114020904255103]])
    return np.floor(cv2.transform(image.astype(np.float64), weights) + 0.5)


def local(plane: np.ndarray, border: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each pixel's neighbourhood: float64 HxW.

    Args:
        plane: float64 HxW, 0 to 255.
        border: OpenCV's name of what lies outside.
    """
    steps = np.arange(-3, 4)
    kernel = np.exp(-(steps**2) / (2 * (7 / 6) ** 2))
    kernel /= kernel.sum()
    mean = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel, borderType=border)
    square = cv2.sepFilter2D(plane * plane, cv2.CV_64F, kernel, kernel, borderType=border)
    return mean, np.sqrt(np.abs(square - mean * mean))


def normalised(plane: np.ndarray, border: int) -> np.ndarray:
    """Return each pixel less the mean of its neighbourhood, over its deviation plus one; arguments as of `local`."""
    mean, deviation = local(plane, border)
    return (plane - mean) / (deviation + 1)


def halved(plane: np.ndarray) -> np.ndarray:
    """Return a plane at half its sides, rounded up, by bicubic interpolation against aliasing."""
    wide = cv2.sepFilter2D(plane, cv2.CV_64F, _CUBIC, _CUBIC, anchor=(3, 3), borderType=cv2.BORDER_REFLECT)
    return wide[::2, ::2]


def niqe(image: np.ndarray, clean: np.ndarray | None = None) -> float:
    """NIQE, ``niqe@bsds``; NaN where the image holds fewer than two blocks of 96x96, or none that is not flat."""
    if (image.shape[0] // BLOCK) * (image.shape[1] // BLOCK) < 2:
        return math.nan
    return distance(block_features(image), **_pristine())


def distance(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Return how far an image's blocks lie from a model of photos.

    Args:
        features: What :func:`block_features` returns.
        mean: The model's mean, float64 of length 36.
        covariance: The model's covariance, float64 36x36.

    Returns:
        The distance; NaN where fewer than two blocks are whole.
    """
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        return math.nan
    away = mean - np.nanmean(features, axis=0)
    spread = (covariance + np.cov(whole, rowvar=False)) / 2
    return float(np.sqrt(away @ np.linalg.pinv(spread) @ away))


def block_features(image: np.ndarray) -> np.ndarray:
    """Return NIQE's numbers of each block of 96x96, row by row: float64 Bx36, 18 at each of two scales.

    NaN stands where a block is flat.

    Args:
        image: uint8 RGB HxWx3.
    """
    plane, found = _cropped(image), []
    for side in (BLOCK, BLOCK // 2):
        blocks = _blocks(normalised(plane, cv2.BORDER_REPLICATE), side)
        found.append(np.array([_features(block) for block in blocks]))
        plane = halved(plane)
    return np.concatenate(found, axis=1)


def sharpness(image: np.ndarray) -> np.ndarray:
    """Return the mean local deviation of each block, in the order of :func:`block_features`: float64 of length B."""
    return _blocks(local(_cropped(image), cv2.BORDER_REPLICATE)[1], BLOCK).mean(axis=(1, 2))


def _cropped(image: np.ndarray) -> np.ndarray:
    """The grey image without what is left over at the right and below."""
    rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    return grey(image)[: rows * BLOCK, : columns * BLOCK]


def _blocks(plane: np.ndarray, side: int) -> np.ndarray:
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    return plane.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)


def _features(block: np.ndarray) -> list[float]:
    alpha, left, right = asymmetric(block)
    found = [alpha, (scale_of(alpha) * (left + right)) / 2]
    for shift in (*SHIFTS, (1, -1)):
        alpha, left, right = asymmetric(block * np.roll(block, shift, axis=(0, 1)))
        scale = scale_of(alpha)
        mean = scale * (right - left) * ratio_of(alpha)
        found += [alpha, mean, scale * left, scale * right]
    return found


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
    shapes, ratios = shapes_tried()
    return float(shapes[np.argmin(np.abs(ratios - wanted))]), left, right


@lru_cache(maxsize=1)
def shapes_tried() -> tuple[np.ndarray, np.ndarray]:
    """Return the shapes that are tried, 0.2 to 10, and each one's squared mean size over its variance."""
    shapes = np.arange(200, 10001) / 1000
    logs = [2 * math.lgamma(2 / a) - math.lgamma(1 / a) - math.lgamma(3 / a) for a in shapes]
    return shapes, np.exp(logs)


def scale_of(shape: float) -> float:
    """Return a generalised Gaussian's scale over its deviation."""
    return math.nan if math.isnan(shape) else math.exp((math.lgamma(1 / shape) - math.lgamma(3 / shape)) / 2)


def ratio_of(shape: float) -> float:
    """Return a generalised Gaussian's mean size over its scale."""
    return math.nan if math.isnan(shape) else math.exp(math.lgamma(2 / shape) - math.lgamma(1 / shape))


@lru_cache(maxsize=1)
def _pristine() -> dict[str, np.ndarray]:
    with (
        (resources.files("downstream") / "measures" / "models" / "niqe.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as found,
    ):
        return {key: found[key] for key in ("mean", "covariance")}
