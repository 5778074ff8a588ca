"""Filters: sizes, colour, and that they take streaks out."""

from __future__ import annotations

import numpy as np
import pytest

from derainers import load_derainer

FILTERS = ("median", "bilateral", "guided")


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (64, 47)])
def test_size_type_and_flat_images_are_kept(name, size):
    for value in (0, 90, 255):
        flat = np.full((*size, 3), value, np.uint8)
        assert (load_derainer(name)(flat) == flat).all()


@pytest.mark.parametrize("name", FILTERS)
def test_channels_keep_their_places(name):
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[..., 0] = 200
    assert (load_derainer(name)(picture) == picture).all()


def test_guided_takes_streaks_out():
    rng = np.random.default_rng(0)
    clean = np.full((80, 80, 3), 90, np.uint8)
    rainy = clean.copy()
    for _ in range(40):
        row, column = rng.integers(0, 60), rng.integers(0, 80)
        rainy[row : row + 20, column] = 190
    error = [
        np.abs(picture.astype(int) - clean).mean() for picture in (rainy, load_derainer("guided")(rainy))
    ]
    assert error[1] < 0.3 * error[0]


def test_the_input_is_left_alone():
    picture = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    before = picture.copy()
    load_derainer("guided")(picture)
    assert (picture == before).all()
