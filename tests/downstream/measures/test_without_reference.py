"""NIQE and PIQE against other programs, whose numbers `tests/benchmarks/outside_measures.py` prints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.api import run_suite
from bench.engine.suite import suite_of
from bench.images import write_image
from bench.tools.niqe import fit
from downstream.measures.natural import asymmetric, block_features, grey, halved, local, niqe, sharpness
from downstream.measures.perception import piqe
from reports import render

#: Of the distorted image and the clean one of each pair: BasicSR 1.4.2's NIQE with the model that comes with the
#: program (with its authors' model it is within 4e-6 of MATLAB's on their photo); pypiqe 1.2.
OUTSIDE = {
    "even": {"niqe": (16.726018, 7.156348), "piqe": (40.609186, 33.149649)},
    "odd": {"niqe": (21.589025, 8.136715), "piqe": (36.446257, 28.700296)},
    "large": {"niqe": (17.918484, 6.951722), "piqe": (48.915005, 52.038228)},
}
#: BasicSR halves images in float32.
WITHIN = {"niqe": 5e-4, "piqe": 1e-6}
COMPUTE = {"niqe": niqe, "piqe": piqe}


@pytest.mark.parametrize("name", COMPUTE)
@pytest.mark.parametrize("pair", OUTSIDE)
def test_numbers_are_those_of_others(
    pairs: dict[str, tuple[np.ndarray, np.ndarray]], name: str, pair: str
) -> None:
    for image, value in zip(pairs[pair], OUTSIDE[pair][name], strict=True):
        assert COMPUTE[name](image) == pytest.approx(value, abs=WITHIN[name])


def test_halving_is_exact_for_slopes() -> None:
    slope = np.add.outer(np.arange(40.0), 2 * np.arange(31.0))
    small = halved(slope)
    assert small.shape == (20, 16)
    # Between pixels 2i and 2i + 1; the border is mirrored.
    assert small[5, 6] == pytest.approx(10.5 + 2 * 12.5)
    assert halved(np.full((7, 9), 3.0)) == pytest.approx(np.full((4, 5), 3.0))


def test_grey_is_matlabs() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [1, 2, 3]]], np.uint8)
    assert grey(image).tolist() == [[76, 150, 29, 255, 2]]


def test_the_fit_finds_the_shape_it_was_drawn_from() -> None:
    rng = np.random.default_rng(0)
    sides = np.where(rng.random(200_000) < 0.5, -1.0, 1.0)
    values = np.abs(rng.standard_normal(200_000)) * sides  # a Gaussian: shape 2
    shape, left, right = asymmetric(values)
    assert (shape, left, right) == pytest.approx((2, 1, 1), abs=0.03)
    assert asymmetric(rng.laplace(size=200_000))[0] == pytest.approx(1, abs=0.03)
    assert all(math.isnan(value) for value in asymmetric(np.ones(4)))


@pytest.mark.parametrize(
    ("name", "shape", "value"),
    [("niqe", (96, 191), math.nan), ("piqe", (15, 40), math.nan),
     ("niqe", (200, 200), math.nan), ("piqe", (40, 40), 100.0)],
)  # fmt: skip
def test_small_and_flat_images(name: str, shape: tuple[int, int], value: float) -> None:
    for shade in (0, 200):
        found = COMPUTE[name](np.full((*shape, 3), shade, np.uint8))
        assert found == value or math.isnan(found) == math.isnan(value) is True


def test_photos_of_rain_are_scored_with_no_clean_ones(
    pairs: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path, inline: Any
) -> None:
    (tmp_path / "photos").mkdir()
    for index, shade in enumerate((0.9, 1.0, 1.1)):
        image = cv2.convertScaleAbs(pairs["even"][0], alpha=shade)
        write_image(tmp_path / "photos" / f"{index}.png", image)
    suite = suite_of({"derainer": "median", "measure": "niqe,piqe", "data": f"images:{tmp_path / 'photos'}"})
    run = run_suite(suite, tmp_path / "run", device="cpu", place=inline)
    assert {(r.task, r.derainer.label) for r in run.records} == {("quality", "none"), ("quality", "median")}
    for record in run.records:
        for name in COMPUTE:
            score = record.score(name)
            assert score is not None
            assert score.low <= score.value <= score.high  # type: ignore[operator]
            assert len(record.breakdown["images"][name]) == 3
    text = render(run.records, "md", "quality")
    assert "niqe@bsds, piqe@matlab" in text


def test_the_model_is_fitted_to_sharp_blocks(pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    clean = pairs["large"][1]
    mean, covariance, blocks = fit([clean, clean])
    sharp = sharpness(clean)
    taken = block_features(clean)[sharp > 0.75 * sharp.max()]
    assert 0 < len(taken) < len(sharp) == 32
    assert blocks == 2 * len(taken)
    assert mean == pytest.approx(taken.mean(axis=0))
    assert np.diag(covariance) == pytest.approx(np.concatenate([taken, taken]).var(axis=0, ddof=1))
    assert sharp[0] == pytest.approx(local(grey(clean), cv2.BORDER_REPLICATE)[1][:96, :96].mean(), rel=0.02)
