"""PSNR and SSIM on Y that authors' weights reach on pairs of Rain100H and Rain100L."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.pairs import open_pairs
from derainers import load_derainer
from downstream.measures.fidelity import score_pair_y

pytest.importorskip("torch")


def mean_scores(spec, folder, part):
    """Mean PSNR (dB) and SSIM of the first pairs of a folder, or of a part of each.

    ``part`` is how many there are, and how many of their rows and columns are restored and scored.
    """
    count, height, width = part
    data = open_pairs(folder)
    derainer = load_derainer(spec, device="cpu")
    scores = []
    for scene in list(data.scenes)[:count]:
        rainy, clean = (
            np.ascontiguousarray(image(scene)[:height, :width]) for image in (data.rainy, data.clean)
        )
        scores.append(score_pair_y(derainer(rainy), clean))
    return tuple(np.mean([score[key] for score in scores]) for key in ("psnr_y", "ssim_y"))


@pytest.mark.parametrize(
    ("name", "which", "part", "psnr", "ssim"),
    [
        ("ddn", "rain100h", (8, None, None), 27.270, 0.7969),
        ("ddn", "rain100l", (8, None, None), 35.623, 0.9573),
        # On all of the eight pairs it has 33.03 / 0.9376 and 39.96 / 0.9855 (docs/derainers.md), in minutes.
        ("dfn", "rain100h", (1, 128, 192), 40.646, 0.9845),
        ("dfn", "rain100l", (1, 128, 192), 42.434, 0.9887),
    ],
)
def test_scores_are_those_measured(name, which, part, psnr, ssim, shared):
    found = mean_scores(f"{name}:{shared}/weights/derain/{name}_{which}.pth", shared / "data" / which, part)
    assert found == (pytest.approx(psnr, abs=0.003), pytest.approx(ssim, abs=2e-4))
