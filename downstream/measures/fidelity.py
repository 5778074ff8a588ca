"""PSNR and SSIM of a restored image under the two protocols of the deraining papers.

``psnr@y`` and ``ssim@y`` are what the papers' MATLAB scripts print: both images are turned into Y of BT.601
in limited range (16 to 235), *rounded to uint8*, and compared there. ``psnr@rgb`` and ``ssim@rgb`` compare
the three channels: one mean squared error over all of them, and the mean of the channels' SSIM. In both,
the peak is 255, and SSIM is that of Wang, Bovik, Sheikh and Simoncelli ("Image Quality Assessment: From
Error Visibility to Structural Similarity", IEEE TIP 2004): Gaussian window of 11x11 and sigma 1.5, C1 =
(0.01 * 255)^2, C2 = (0.03 * 255)^2, no downsampling, averaged where the window lies wholly inside the image
("valid"). No border is cropped. Scores are per image; a data set's score is the mean over its images.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from bench.errors import BadData

#: Peak value of both protocols.
PEAK = 255.0
#: Side of SSIM's window in pixels.
WINDOW = 11
#: Standard deviation of SSIM's window in pixels.
SIGMA = 1.5
C1 = (0.01 * PEAK) ** 2
C2 = (0.03 * PEAK) ** 2

#: The keys of :func:`score_pair` and the protocol that each follows.
PROTOCOLS = {"psnr_y": "psnr@y", "ssim_y": "ssim@y", "psnr_rgb": "psnr@rgb", "ssim_rgb": "ssim@rgb"}

_HALF = WINDOW // 2

#: Pixels that are filtered at a time: few enough to stay in the processor's cache, enough to outweigh the
#: calls.
_STRIP = 64_000


def score_pair(restored: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Score one image under both protocols.

    Args:
        restored: uint8 RGB HxWx3.
        clean: uint8 RGB HxWx3, the same size.

    Returns:
        ``psnr_y``, ``psnr_rgb`` in dB, infinite where no pixel differs; ``ssim_y``, ``ssim_rgb`` in [-1,
        1]. SSIM is NaN for an image with a side below 11 pixels, because its window fits nowhere inside.

    Raises:
        BadData: If the images differ in size or are not uint8 RGB.

    Example:
        >>> image = np.zeros((16, 16, 3), np.uint8)
        >>> score_pair(image, image)["ssim_y"]
        1.0
    """
    _check(restored, clean)
    restored_y, clean_y = luma(restored), luma(clean)
    planes = zip(cv2.split(restored), cv2.split(clean), strict=True)
    channels = [ssim(one, other) for one, other in planes]
    return {
        "psnr_y": psnr(restored_y, clean_y),
        "ssim_y": ssim(restored_y, clean_y),
        "psnr_rgb": psnr(restored, clean),
        "ssim_rgb": sum(channels) / len(channels),
    }


def score_pair_y(restored: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Score one image on Y only: ``psnr_y`` and ``ssim_y`` of :func:`score_pair`."""
    _check(restored, clean)
    restored_y, clean_y = luma(restored), luma(clean)
    return {"psnr_y": psnr(restored_y, clean_y), "ssim_y": ssim(restored_y, clean_y)}


def luma(image: np.ndarray) -> np.ndarray:
    """Return Y of an RGB image as MATLAB's ``rgb2ycbcr`` gives it for uint8.

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded half up. All three coefficients are 0.219
    times the whole numbers 299, 587 and 114, so the weighted sum S is exact in float32, Y = 16 + 73 S /
    85000 can be rounded in whole numbers, and no machine rounds differently from another.

    Args:
        image: uint8 RGB HxWx3.

    Returns:
        uint8 HxW, 16 to 235.
    """
    height, width = image.shape[:2]
    luma = np.empty((height, width), np.uint8)
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        strip = image[top : top + step].astype(np.float32)
        weighted = cv2.transform(strip, _WEIGHTS).astype(np.int32)
        weighted *= 73
        weighted += 16 * 85_000 + 42_500
        weighted //= 85_000
        luma[top : top + step] = weighted
    return luma


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return the PSNR in dB of two uint8 arrays of one shape; infinite where they are equal."""
    # OpenCV squares a root for this; the sum of squared differences is a whole number.
    squares = round(cv2.norm(one, other, cv2.NORM_L2SQR))
    return 10 * math.log10(PEAK**2 * one.size / squares) if squares > 0 else math.inf


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean SSIM of two uint8 HxW planes; NaN where a side is below 11 pixels.

    With s = x + y and d = x - y, the variances of s and d hold all that the formula needs:
    4 cov(x, y) = var s - var d and 2 (var x + var y) = var s + var d. That is four filtered planes instead of
    five, and exactly 1 for equal planes. Filtering is in float32; s is centred first, which keeps the
    cancellation in E[s^2] - E[s]^2 far below C2.
    """
    height, width = one.shape
    if min(height, width) < WINDOW:
        return math.nan
    # Twice the mean grey level; a whole number, so that centring is exact.
    centre = round(cv2.mean(one)[0] + cv2.mean(other)[0])
    rows = height - 2 * _HALF
    step = max(WINDOW, _STRIP // width)
    total = 0.0
    for top in range(0, rows, step):
        bottom = min(top + step, rows) + 2 * _HALF
        total += _ssim_sum(one[top:bottom], other[top:bottom], centre)
    return total / (rows * (width - 2 * _HALF))


def _ssim_sum(one: np.ndarray, other: np.ndarray, centre: int) -> float:
    """Return the sum of the SSIM map over the valid part of two uint8 strips.

    Works in place where it can: the strip is small, so the time goes into passes over it, not into
    arithmetic.
    """
    s = cv2.addWeighted(one, 1.0, other, 1.0, -centre, dtype=cv2.CV_32F)
    d = cv2.subtract(one, other, dtype=cv2.CV_32F)
    mean_s, mean_d = _blur(s), _blur(d)
    var_s = _blur(cv2.multiply(s, s, s))
    var_d = _blur(cv2.multiply(d, d, d))
    var_s -= mean_s * mean_s
    mean_d *= mean_d
    var_d -= mean_d
    mean_s += np.float32(centre)
    mean_s *= mean_s
    # Twice (2 mx my + C1) (2 cov + C2) over twice (mx^2 + my^2 + C1) (var x + var y + C2).
    mean_s += np.float32(2 * C1)
    var_s += np.float32(2 * C2)
    above = mean_s - mean_d
    above *= var_s - var_d
    mean_s += mean_d
    var_s += var_d
    mean_s *= var_s
    above /= mean_s
    return _total(above[:, _HALF:-_HALF])


def _total(plane: np.ndarray) -> float:
    # cv2.sumElems is faster, but its last bit depends on where in memory the plane happens to lie.
    return float(plane.sum(dtype=np.float64))


def _blur(plane: np.ndarray) -> np.ndarray:
    """Filter a strip and drop the rows that need pixels outside; such columns are dropped at the end."""
    return cv2.sepFilter2D(plane, cv2.CV_32F, _KERNEL, _KERNEL)[_HALF:-_HALF]


def _check(restored: np.ndarray, clean: np.ndarray) -> None:
    for name, image in (("restored", restored), ("clean", clean)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise BadData(
                f"the {name} image is {image.dtype} {image.shape}: scoring takes uint8 (height, width, 3)"
            )
    if restored.shape != clean.shape:
        raise BadData(
            f"the restored image is {restored.shape[1]}x{restored.shape[0]}, the clean one "
            f"{clean.shape[1]}x{clean.shape[0]}: a derainer must keep the size"
        )


def _gaussian() -> np.ndarray:
    steps = np.arange(WINDOW) - _HALF
    kernel = np.exp(-(steps**2) / (2 * SIGMA**2))
    return kernel / kernel.sum()


_KERNEL = _gaussian()
_WEIGHTS = np.array([[299, 587, 114]], np.float32)
