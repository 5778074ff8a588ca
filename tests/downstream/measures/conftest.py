"""Pairs of images for measures: a street scene with a distortion that is the same everywhere and for ever."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench.data.street.dataset import READER
from bench.images import read_image


def scene() -> np.ndarray:
    """A street scene, uint8 RGB 224x384."""
    assert READER.embedded is not None
    name = "leftImg8bit/test/street/street_000003_000000_leftImg8bit.png"
    return read_image(READER.embedded / name)


def distorted(clean: np.ndarray) -> np.ndarray:
    """Streaks on a lattice, less contrast, and a little blur: whole numbers only, so that no machine differs."""
    y, x = np.indices(clean.shape[:2])
    streaks = np.where((3 * x + y) % 41 < 4, 90, 0) + np.where((x - 2 * y) % 97 < 3, 60, 0)
    grey = (clean.astype(np.int64) * 13 // 16) + streaks[..., None]
    wide = grey + np.roll(grey, 1, axis=1) + np.roll(grey, 1, axis=0) + np.roll(grey, -1, axis=1)
    return np.minimum(wide // 4, 255).astype(np.uint8)


def make_pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name to (distorted, clean): one of even sides, one of odd ones, one large enough to be looked at from afar."""
    whole = scene()
    large = cv2.resize(whole, (768, 448), interpolation=cv2.INTER_NEAREST)
    cleans = {"even": whole, "odd": np.ascontiguousarray(whole[20:193, 40:255]), "large": large}
    return {name: (distorted(clean), clean) for name, clean in cleans.items()}


@pytest.fixture(scope="session")
def pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return make_pairs()
