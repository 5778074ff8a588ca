from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.score.stats import class_iou, confusion_replicates, confusion_scores, resample_counts


def test_scores_by_hand() -> None:
    matrix = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    scores = confusion_scores(matrix)
    assert np.allclose(class_iou(matrix)[:2], [8 / 11, 9 / 12])
    assert np.isnan(class_iou(matrix)[2])
    assert np.isclose(scores["miou"], (8 / 11 + 9 / 12) / 2)
    assert np.isclose(scores["macc"], (8 / 10 + 9 / 10) / 2)
    assert np.isclose(scores["aacc"], 17 / 20)


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 1000))
def test_replicates_are_scores_of_the_copied_images(n: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrices = rng.integers(0, 50, (n, classes, classes)) * rng.integers(0, 2, (n, 1, classes))
    counts = resample_counts(n, 4, seed)
    replicates = confusion_replicates(matrices, counts)
    for r, row in enumerate(counts):
        expected = confusion_scores(np.repeat(matrices, row, axis=0).sum(axis=0))
        for name, values in replicates.items():
            assert np.isclose(values[r], expected[name], equal_nan=True)


def test_nothing_labelled_is_undefined() -> None:
    assert np.isnan([float(v) for v in confusion_scores(np.zeros((3, 3))).values()]).all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        confusion_replicates(np.zeros((4, 2, 3)), resample_counts(4, 2, 0))
    with pytest.raises(ValueError, match="multiplicities"):
        confusion_replicates(np.zeros((4, 2, 2)), resample_counts(3, 2, 0))
