from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.errors import BadData
from downstream.measures import fidelity
from downstream.measures.fidelity import PROTOCOLS, _total, luma, psnr, score_pair, score_pair_y, ssim


def noisy_pair(height: int, width: int, seed: int, noise: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth colour image with edges, and the same with noise."""
    rng = np.random.default_rng(seed)
    clean = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), (0, 0), 2)
    clean[: height // 3, : width // 2] = rng.integers(0, 256, 3)
    clean[-height // 4 :] = 255
    restored = np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)
    return restored, clean


def reference_luma(image: np.ndarray) -> np.ndarray:
    """The formula in whole numbers; float64 sums may fall to either side of an exact half."""
    sums = image.astype(np.int64) @ np.array([65481, 128553, 24966])
    return (16 + (2 * sums + 255_000) // 510_000).astype(np.uint8)


def reference_ssim(one: np.ndarray, other: np.ndarray) -> float:
    _, full = structural_similarity(
        one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    return float(full[5:-5, 5:-5].mean())


@pytest.mark.parametrize(("height", "width"), [(11, 11), (12, 300), (97, 61), (321, 481)])
@pytest.mark.parametrize("noise", [0.4, 3, 40])
def test_equals_scikit_image(height, width, noise):
    restored, clean = noisy_pair(height, width, seed=height, noise=noise)
    scores = score_pair(restored, clean)
    ys = reference_luma(restored), reference_luma(clean)
    assert scores["psnr_y"] == pytest.approx(peak_signal_noise_ratio(*ys, data_range=255), abs=1e-9)
    assert scores["ssim_y"] == pytest.approx(reference_ssim(*ys), abs=1e-5)
    pooled = peak_signal_noise_ratio(restored, clean, data_range=255)
    assert scores["psnr_rgb"] == pytest.approx(pooled, abs=1e-9)
    per_channel = [reference_ssim(restored[..., c], clean[..., c]) for c in range(3)]
    assert scores["ssim_rgb"] == pytest.approx(np.mean(per_channel), abs=1e-5)


@pytest.mark.parametrize("grey", [0, 3, 128, 254])
def test_ssim_stays_exact_where_variance_vanishes(grey):
    """Flat images are where E[x^2] - E[x]^2 cancels; the remaining luminance term is known by hand."""
    one, other = np.full((40, 50), grey, np.uint8), np.full((40, 50), grey + 1, np.uint8)
    x, y = float(grey), grey + 1.0
    by_hand = (2 * x * y + 6.5025) / (x * x + y * y + 6.5025)
    assert ssim(one, other) == pytest.approx(by_hand, abs=1e-6)


def test_strips_do_not_show(monkeypatch):
    restored, clean = noisy_pair(131, 70, seed=1)
    whole = ssim(restored[..., 0], clean[..., 0])
    monkeypatch.setattr(fidelity, "_STRIP", 70 * 11)
    assert ssim(restored[..., 0], clean[..., 0]) == pytest.approx(whole, abs=1e-7)


def test_luma_by_hand():
    """Black 16, white 235; pure red, green and blue 16 + 65.481, 16 + 128.553, 16 + 24.966."""
    image = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luma(image).tolist() == [[16, 235, 81, 145, 41]]


def test_luma_equals_the_formula_everywhere():
    """A million colours in whole numbers, and in float64 wherever the exact sum does not end in one half."""
    colours = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3)).astype(np.uint8)
    ours = luma(colours)
    assert np.array_equal(ours, reference_luma(colours))
    real = 16 + colours.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255
    away_from_halves = np.abs(real % 1 - 0.5) > 1e-9
    assert away_from_halves.mean() > 0.999
    assert np.array_equal(ours[away_from_halves], np.rint(real)[away_from_halves])


def test_psnr_by_hand():
    """One of four pixels is off by 10 in each channel: MSE 25, PSNR 10 log10(65025 / 25)."""
    clean = np.full((2, 2, 3), 100, np.uint8)
    restored = clean.copy()
    restored[0, 0] = 110
    scores = score_pair(restored, clean)
    assert scores["psnr_rgb"] == pytest.approx(34.151403521958725, abs=1e-12)
    # Y of grey 100 is 101.88 -> 102, of grey 110 it is 110.47 -> 110: MSE 16.
    assert scores["psnr_y"] == pytest.approx(10 * math.log10(65025 / 16), abs=1e-12)


def test_rgb_pools_the_channels_before_the_logarithm():
    """Only red is off, by 30: pooled MSE is 300, not the mean of one finite and two infinite PSNRs."""
    clean = np.full((16, 16, 3), 100, np.uint8)
    restored = clean + np.array([30, 0, 0], np.uint8)
    assert score_pair(restored, clean)["psnr_rgb"] == pytest.approx(10 * math.log10(65025 / 300))


def test_largest_difference():
    black, white = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)
    scores = score_pair(black, white)
    assert scores["psnr_rgb"] == 0.0
    assert scores["psnr_y"] == pytest.approx(20 * math.log10(255 / 219))
    assert scores["ssim_rgb"] == pytest.approx(6.5025 / (255**2 + 6.5025), abs=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (10, 300), (300, 10)])
def test_images_below_the_window_have_no_ssim(size):
    image = np.zeros((*size, 3), np.uint8)
    scores = score_pair(image, image + 1)
    assert math.isnan(scores["ssim_y"])
    assert math.isnan(scores["ssim_rgb"])
    assert scores["psnr_rgb"] == pytest.approx(20 * math.log10(255))


pixels = st.integers(0, 2**32 - 1)
sides = st.integers(11, 48)


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, seed=pixels, noise=st.floats(0.5, 90))
def test_symmetric_and_in_range(height, width, seed, noise):
    restored, clean = noisy_pair(height, width, seed, noise)
    scores, swapped = score_pair(restored, clean), score_pair(clean, restored)
    assert set(scores) == set(PROTOCOLS)
    for key in scores:
        assert scores[key] == pytest.approx(swapped[key], abs=1e-9)
    assert -1 <= scores["ssim_y"] <= 1
    assert -1 <= scores["ssim_rgb"] <= 1
    assert scores["psnr_y"] >= 0
    only_y = score_pair_y(restored, clean)
    assert only_y == {key: scores[key] for key in ("psnr_y", "ssim_y")}


@settings(max_examples=40, deadline=None)
@given(height=sides, width=sides, seed=pixels)
def test_identical_images_are_infinite_and_one(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    assert score_pair(image, image.copy()) == {
        "psnr_y": math.inf,
        "ssim_y": 1.0,
        "psnr_rgb": math.inf,
        "ssim_rgb": 1.0,
    }


@settings(max_examples=40, deadline=None)
@given(seed=pixels, noise=st.floats(4, 30))
def test_more_noise_scores_lower(seed, noise):
    little, clean = noisy_pair(48, 64, seed, noise)
    much, _ = noisy_pair(48, 64, seed, 2 * noise)
    better, worse = score_pair(little, clean), score_pair(much, clean)
    assert all(better[key] > worse[key] for key in better)


def test_does_not_touch_its_inputs_and_takes_views():
    restored, clean = noisy_pair(40, 60, seed=2)
    copies = restored.copy(), clean.copy()
    scores = score_pair(restored, clean)
    assert np.array_equal(restored, copies[0])
    assert np.array_equal(clean, copies[1])
    assert score_pair(restored[:, ::-1], clean[:, ::-1])["psnr_y"] == scores["psnr_y"]
    assert psnr(restored, clean) == scores["psnr_rgb"]


@pytest.mark.parametrize(
    ("restored", "words"),
    [
        (np.zeros((20, 21, 3), np.uint8), "21x20"),
        (np.zeros((20, 20, 3), np.float32), "float32"),
        (np.zeros((20, 20), np.uint8), r"\(20, 20\)"),
    ],
)
def test_unfit_images_are_one_line(restored, words):
    with pytest.raises(BadData, match=words) as caught:
        score_pair(restored, np.zeros((20, 20, 3), np.uint8))
    assert "\n" not in str(caught.value)


def test_rainy_rain100h_has_its_known_scores(shared):
    """Fifty pairs of Rain100H's test set: 13.42 dB and 0.375 are known for the input."""
    folder = shared / "data/rain100h"
    rows = []
    for path in sorted((folder / "rain").glob("*.png")):
        rainy, clean = (cv2.imread(str(folder / part / path.name))[..., ::-1] for part in ("rain", "norain"))
        rows.append(score_pair_y(np.ascontiguousarray(rainy), np.ascontiguousarray(clean)))
    assert len(rows) == 50
    assert np.mean([row["psnr_y"] for row in rows]) == pytest.approx(13.42, abs=0.005)
    assert np.mean([row["ssim_y"] for row in rows]) == pytest.approx(0.375, abs=0.0005)


def test_a_sum_does_not_depend_on_where_in_memory_its_values_lie() -> None:
    for seed in range(150):
        plane = np.random.default_rng(seed).random((60 + seed % 40, 384)).astype(np.float32)
        totals = set()
        for shift in range(0, 64, 16):
            buffer = np.empty(plane.nbytes + 128, np.uint8)
            start = -buffer.ctypes.data % 64 + shift
            copy = buffer[start : start + plane.nbytes].view(np.float32).reshape(plane.shape)
            copy[:] = plane
            totals.add(_total(copy[:, 5:-5]))
        assert len(totals) == 1
