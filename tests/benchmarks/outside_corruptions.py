"""Prints the hashes that tests/bench/rain/test_corruption.py holds, from the package in an environment of its time.

Run it there: Python 3.11 with ``numpy==1.23.5 scipy==1.9.3 scikit-image==0.20.0 imagecorruptions==1.1.2``, setuptools
below 70 and an OpenCV below 4.9. It imports nothing of this repository.
"""

from __future__ import annotations

import hashlib
import warnings

import numpy as np
import skimage.filters
from imagecorruptions import corrupt, corruptions, get_corruption_names


def picture() -> np.ndarray:
    y, x = np.indices((64, 96))
    planes = [(x * 2 + y) % 256, (255 - x * 2 - y // 2) % 256, (x * y // 8) % 256]
    return np.stack(planes, axis=2).astype(np.uint8)


def gaussian(image: np.ndarray, sigma: float, multichannel: bool = False, **options: object) -> np.ndarray:
    """scikit-image 0.20 has dropped the argument by which the package says that an image has colours."""
    return skimage.filters.gaussian(image, sigma, channel_axis=-1 if multichannel else None, **options)


def main() -> None:
    warnings.simplefilter("ignore")
    corruptions.gaussian = gaussian
    for name in get_corruption_names("all"):
        digest = hashlib.sha256()
        for severity in range(1, 6):
            np.random.seed(3)
            digest.update(corrupt(picture(), severity=severity, corruption_name=name).tobytes())
        print(f"{name}: {digest.hexdigest()[:16]}")


if __name__ == "__main__":
    main()
