"""Structural measures of a pair: MS-SSIM, GMSD, HaarPSI and VIF.

All compute in float64 on grey levels of 0 to 255 or on shares of 1, as their authors do, and agree with PIQ 0.8.0 at
its defaults (the tests hold its numbers); two images that are equal have the best value exactly or to 1e-9.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

#: Luma and chroma of NTSC, as the measures' authors convert colour.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])

#: Weights of MS-SSIM's five scales, finest first (Wang, Simoncelli and Bovik 2003).
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
#: GMSD's constant on grey levels of 0 to 1.
_GMSD_T = 170 / 255**2
#: HaarPSI's constant and exponent.
_HAAR_C, _HAAR_ALPHA = 30.0, 4.2
#: Variance of the visual noise in VIF's model of the eye, on grey levels of 0 to 255.
_VIF_NOISE = 2.0
_TINY = 1e-8


def yiq(image: np.ndarray) -> np.ndarray:
    """Return Y, I and Q of an RGB image: float64 3xHxW, Y from 0 to 255."""
    planes = cv2.transform(image.astype(np.float64), _YIQ)
    return np.moveaxis(planes, 2, 0)


def luma(image: np.ndarray) -> np.ndarray:
    """Return Y = 0.299 R + 0.587 G + 0.114 B, not rounded: float64 HxW, 0 to 255."""
    return cv2.transform(image.astype(np.float64), _YIQ[:1])


def similarity(one: np.ndarray, other: np.ndarray, constant: float) -> np.ndarray:
    """Return (2ab + c) / (a^2 + b^2 + c), 1 where the maps are equal."""
    return (2 * one * other + constant) / (one * one + other * other + constant)


def gradient(plane: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the length of the gradient by a 3x3 kernel and its transpose; outside the image is 0."""
    across, down = (
        cv2.filter2D(plane, cv2.CV_64F, k, borderType=cv2.BORDER_CONSTANT) for k in (kernel, kernel.T)
    )
    return np.sqrt(across * across + down * down)


def pooled(plane: np.ndarray, side: int) -> np.ndarray:
    """Return the means of side x side squares; what is left over at the right and below is dropped."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    return plane[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))


def ms_ssim(image: np.ndarray, clean: np.ndarray | None) -> float:
    """MS-SSIM, ``msssim@rgb``: the mean over R, G and B (Wang, Simoncelli and Bovik, "Multiscale structural similarity
    for image quality assessment", 2003).

    NaN where a side is below 161 pixels, since the coarsest scale then holds no window.
    """
    assert clean is not None
    if min(image.shape[:2]) < 10 * 2 ** (len(_SCALES) - 1) + 1:
        return math.nan
    values = []
    for one, other in zip(cv2.split(image), cv2.split(clean), strict=True):
        x, y = one / 255.0, other / 255.0
        factors = []
        for scale in range(len(_SCALES)):
            if scale:
                x, y = _halved(x), _halved(y)
            both, contrast = _ssim_parts(x, y)
            factors.append(both if scale == len(_SCALES) - 1 else contrast)
        values.append(math.prod(max(f, 0.0) ** w for f, w in zip(factors, _SCALES, strict=True)))
    return float(np.mean(values))


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2 squares, the first row and column doubled where a side is odd."""
    odd = max(plane.shape[0] % 2, plane.shape[1] % 2)
    return pooled(np.pad(plane, ((odd, 0), (odd, 0)), mode="edge"), 2)


def _ssim_parts(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean SSIM, and mean of its contrast-structure factor, over windows inside the image."""
    kernel = _gaussian(11, 1.5)
    mean_x, mean_y = _valid(x, kernel), _valid(y, kernel)
    var_x = _valid(x * x, kernel) - mean_x * mean_x
    var_y = _valid(y * y, kernel) - mean_y * mean_y
    cov = _valid(x * y, kernel) - mean_x * mean_y
    contrast = (2 * cov + 0.03**2) / (var_x + var_y + 0.03**2)
    light = similarity(mean_x, mean_y, 0.01**2)
    return float((light * contrast).mean()), float(contrast.mean())


def _gaussian(side: int, sigma: float) -> np.ndarray:
    steps = np.arange(side) - (side - 1) / 2
    kernel = np.exp(-(steps**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def _valid(plane: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter by a separable kernel, where it lies wholly inside."""
    half = len(kernel) // 2
    return cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)[half:-half, half:-half]


def gmsd(image: np.ndarray, clean: np.ndarray | None) -> float:
    """Gradient magnitude similarity deviation, ``gmsd@y``: 0 for equal images (Xue, Zhang, Mou and Bovik 2014).

    NaN where a side is below 6 pixels.
    """
    assert clean is not None
    if min(image.shape[:2]) < 6:
        return math.nan
    prewitt = np.tile([-1.0, 0.0, 1.0], (3, 1)) / 3
    maps = [gradient(_seen_from_afar(luma(each) / 255), prewitt) for each in (image, clean)]
    return float(similarity(maps[0], maps[1], _GMSD_T).std())


def _seen_from_afar(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2 squares, with a row and a column of zeros behind where a side is odd."""
    odd = max(plane.shape[0] % 2, plane.shape[1] % 2)
    return pooled(np.pad(plane, ((0, odd), (0, odd))), 2)


def haarpsi(image: np.ndarray, clean: np.ndarray | None) -> float:
    """Haar wavelet perceptual similarity, ``haarpsi@yiq``, 1 for equal images (Reisenhofer, Bosse, Kutyniok and Wiegand
    2018).

    NaN where a side is below 16 pixels or both images are of one grey.
    """
    assert clean is not None
    if min(image.shape[:2]) < 16:
        return math.nan
    first, second = ([_seen_from_afar(plane) for plane in yiq(each)] for each in (image, clean))
    waves = [
        [[_haar(p[0], scale, turn) for scale in (2, 4, 8)] for turn in (False, True)] for p in (first, second)
    ]
    maps, weights = [], []
    for one, other in zip(*waves, strict=True):
        maps.append((similarity(one[0], other[0], _HAAR_C) + similarity(one[1], other[1], _HAAR_C)) / 2)
        weights.append(np.maximum(one[2], other[2]))
    chroma = [[_square_means(plane) for plane in planes[1:]] for planes in (first, second)]
    maps.append(sum(similarity(a, b, _HAAR_C) for a, b in zip(*chroma, strict=True)) / 2)
    weights.append((weights[0] + weights[1]) / 2)
    total = sum(float(weight.sum()) for weight in weights)
    if total == 0:
        return math.nan
    logistic = [1 / (1 + np.exp(-_HAAR_ALPHA * found)) for found in maps]
    mean = sum(float((m * w).sum()) for m, w in zip(logistic, weights, strict=True)) / total
    # Of equal images the square is 1 but for rounding, which may lie above.
    return min(1.0, (math.log(mean / (1 - mean)) / _HAAR_ALPHA) ** 2)


def _haar(plane: np.ndarray, side: int, turned: bool) -> np.ndarray:
    """Absolute response to a Haar wavelet: the upper half of a square less the lower one, or left less right."""
    kernel = np.full((side, side), 1 / side)
    kernel[side // 2 :] *= -1
    place = side // 2 - 1
    kernel = kernel.T.copy() if turned else kernel
    found = cv2.filter2D(plane, cv2.CV_64F, kernel, anchor=(place, place), borderType=cv2.BORDER_CONSTANT)
    return np.abs(found)


def _square_means(plane: np.ndarray) -> np.ndarray:
    """Absolute mean of each pixel with its right, lower and lower right neighbour; 0 outside."""
    kernel = np.full((2, 2), 0.25)
    return np.abs(cv2.filter2D(plane, cv2.CV_64F, kernel, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT))


def vif(image: np.ndarray, clean: np.ndarray | None) -> float:
    """Visual information fidelity in the pixel domain, ``vif@y``: 1 for equal images, above 1 where contrast was raised
    (Sheikh and Bovik 2006; the authors' multi-scale pixel version).

    NaN where a side is below 41 pixels.
    """
    assert clean is not None
    if min(image.shape[:2]) < 41:
        return math.nan
    x, y = luma(image), luma(clean)
    kept = there = 0.0
    for scale in range(4):
        side = 2 ** (4 - scale) + 1
        kernel = _gaussian(side, side / 5)
        if scale:
            x, y = _valid(x, kernel)[::2, ::2], _valid(y, kernel)[::2, ::2]
        mean_x, mean_y = _valid(x, kernel), _valid(y, kernel)
        var_x = np.maximum(_valid(x * x, kernel) - mean_x * mean_x, 0)
        var_y = np.maximum(_valid(y * y, kernel) - mean_y * mean_y, 0)
        cov = _valid(x * y, kernel) - mean_x * mean_y
        # The image is gain * clean + noise; where the clean one is flat or the gain negative, all of it is noise.
        gain = cov / (var_y + _TINY)
        noise = var_x - gain * cov
        flat = var_y < _TINY
        noise = np.where(flat | (gain < 0), var_x, noise)
        gain = np.where(flat | (gain < 0) | (var_x < _TINY), 0.0, gain)
        var_y = np.where(flat, 0.0, var_y)
        noise = np.maximum(np.where(var_x < _TINY, 0.0, noise), _TINY)
        kept += float(np.log10(1 + gain * gain * var_y / (noise + _VIF_NOISE)).sum())
        there += float(np.log10(1 + var_y / _VIF_NOISE).sum())
    return (kept + _TINY) / (there + _TINY)
