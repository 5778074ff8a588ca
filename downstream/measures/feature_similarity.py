"""FSIM for colour images, ``fsim@yiq``: similarity of phase congruency, gradient and chroma.

Zhang, Zhang, Mou and Zhang, "FSIM: A Feature Similarity Index for Image Quality Assessment", IEEE TIP 2011. Phase
congruency is that of Kovesi ("Image Features from Phase Congruency", 1999) with the authors' four scales and four
directions. It agrees with PIQ 0.8.0 at its defaults; the tests hold its numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from downstream.measures.similarity import gradient, pooled, similarity, yiq

_SCALES, _DIRECTIONS = 4, 4
#: Wavelength of the finest filters in pixels; each coarser one is twice as long.
_SHORTEST = 6
#: Width of a filter over its frequency, and of a filter's sector over the angle between two.
_BANDWIDTH, _SECTOR = 0.55, 1.2
#: Standard deviations of the noise energy above its mean, below which nothing counts as a feature.
_NOISE_MARGIN = 2.0
#: Constants of the similarities of phase congruency, gradient, I and Q, and the weight of chroma.
_T_PHASE, _T_GRADIENT, _T_CHROMA, _CHROMA = 0.85, 160.0, 200.0, 0.03


def fsim(image: np.ndarray, clean: np.ndarray | None) -> float:
    """FSIMc: 1 for equal images.

    NaN where a side is below 16 pixels, or neither image has a feature.
    """
    assert clean is not None
    if min(image.shape[:2]) < 16:
        return math.nan
    side = max(1, round(min(image.shape[:2]) / 256))
    x, y = ([pooled(plane, side) for plane in yiq(each)] for each in (image, clean))
    phase_x, phase_y = phase_congruency(x[0]), phase_congruency(y[0])
    scharr = np.array([[-3.0, 0.0, 3.0], [-10.0, 0.0, 10.0], [-3.0, 0.0, 3.0]]) / 16
    alike = similarity(phase_x, phase_y, _T_PHASE)
    alike *= similarity(gradient(x[0], scharr), gradient(y[0], scharr), _T_GRADIENT)
    chroma = similarity(x[1], y[1], _T_CHROMA) * similarity(x[2], y[2], _T_CHROMA)
    alike *= np.abs(chroma) ** _CHROMA
    weight = np.maximum(phase_x, phase_y)
    total = float(weight.sum())
    return float((alike * weight).sum()) / total if total > 0 else math.nan


def phase_congruency(plane: np.ndarray) -> np.ndarray:
    """Return how far the waves that make up each place agree in phase: float64 HxW in [0, 1].

    Args:
        plane: float64 HxW, 0 to 255.
    """
    spectrum = np.fft.fft2(plane)
    energy, amplitude = np.zeros(plane.shape), np.zeros(plane.shape)
    for filters, noise in _filters(*plane.shape):
        waves = np.fft.ifft2(spectrum * filters)
        sizes = np.abs(waves)
        total = waves.sum(axis=0)
        mean = total / (np.abs(total) + np.finfo(np.float64).eps)
        # Of each wave what is in phase with the mean, less what is out of phase.
        turned = waves * mean.conj()
        found = (turned.real - np.abs(turned.imag)).sum(axis=0)
        # Half the places of noise alone lie below the median, which features hardly move.
        power = np.median(sizes[0] ** 2) / math.log(2)
        energy += np.maximum(found - noise * math.sqrt(power), 0)
        amplitude += sizes.sum(axis=0)
    return energy / np.where(amplitude > 0, amplitude, 1)


@lru_cache(maxsize=4)
def _filters(height: int, width: int) -> list[tuple[np.ndarray, float]]:
    """For each direction: log-Gabor filters in the frequency plane, finest first, and the noise threshold for a mean
    energy of 1 at the finest."""
    y, x = (np.fft.ifftshift(_frequencies(side)) for side in (height, width))
    radius = np.hypot(y[:, None], x[None, :])
    angle = np.arctan2(-y[:, None], x[None, :])
    low = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    bands = []
    for scale in range(_SCALES):
        wave = _SHORTEST * 2**scale
        band = np.exp(-(np.log(radius * wave) ** 2) / (2 * math.log(_BANDWIDTH) ** 2)) * low
        band[0, 0] = 0
        bands.append(band)
    found = []
    for direction in range(_DIRECTIONS):
        middle = direction * math.pi / _DIRECTIONS
        away = np.abs(np.angle(np.exp(1j * (angle - middle))))
        sector = np.exp(-(away**2) / (2 * (math.pi / (_DIRECTIONS * _SECTOR)) ** 2))
        filters = np.stack(bands) * sector
        found.append((filters, _threshold(filters)))
    return found


def _threshold(filters: np.ndarray) -> float:
    """The energy that noise reaches whose mean squared response to the finest filter is 1."""
    shapes = np.fft.ifft2(filters).real * math.sqrt(filters[0].size)
    squares = float((shapes**2).sum())
    products = (float((shapes.sum(axis=0) ** 2).sum()) - squares) / 2
    power = 1 / float((filters[0] ** 2).sum())
    tau = math.sqrt((2 * squares + 4 * products) * power / 2)
    # Rayleigh: its mean and standard deviation; 1.7 is Kovesi's, for filters that overlap.
    return tau * (math.sqrt(math.pi / 2) + _NOISE_MARGIN * math.sqrt(2 - math.pi / 2)) / 1.7


def _frequencies(side: int) -> np.ndarray:
    """Frequencies of a plane's rows or columns in cycles per pixel, the lowest in the middle."""
    steps = np.arange(side) - side // 2
    return steps / (side - side % 2)
