"""Times PSNR and SSIM against scikit-image, both in this run, on one core.

Run ``python tests/benchmarks/bench_restoration_metrics.py``. Both sides start from the same two RGB images
in memory and end with the same numbers (the differences are printed); each time is the median of its repeats,
with the two sides taking turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from downstream.measures.fidelity import score_pair, score_pair_y


def scikit_plane(one: np.ndarray, other: np.ndarray) -> float:
    _, full = structural_similarity(
        one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    return float(full[5:-5, 5:-5].mean())


def scikit_y(restored: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    one, other = (np.rint(rgb2ycbcr(image)[..., 0]).astype(np.uint8) for image in (restored, clean))
    return {
        "psnr_y": peak_signal_noise_ratio(one, other, data_range=255),
        "ssim_y": scikit_plane(one, other),
    }


def scikit_both(restored: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    channels = [scikit_plane(restored[..., c], clean[..., c]) for c in range(3)]
    rgb = {
        "psnr_rgb": peak_signal_noise_ratio(restored, clean, data_range=255),
        "ssim_rgb": sum(channels) / 3,
    }
    return scikit_y(restored, clean) | rgb


def take_turns(sides: dict[str, Callable[[], object]], repeats: int = 9) -> dict[str, float]:
    """Return each side's median time in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if turn:  # the first turn warms the caches up
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{'what':<14} {'image':>10} {'here':>9} {'scikit':>9} {'ratio':>6}  greatest difference")
    for width, height in ((640, 480), (2048, 1024)):
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        clean = cv2.GaussianBlur(noise, (0, 0), 3)
        restored = np.clip(clean + rng.normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
        for what, here, there in (
            ("PSNR+SSIM Y", score_pair_y, scikit_y),
            ("PSNR+SSIM Y+RGB", score_pair, scikit_both),
        ):
            one, other = here(restored, clean), there(restored, clean)
            apart = ", ".join(f"{key} {abs(one[key] - other[key]):.0e}" for key in one)
            ms = take_turns({"here": lambda: here(restored, clean), "there": lambda: there(restored, clean)})  # noqa: B023
            ratio = ms["there"] / ms["here"]
            size = f"{width}x{height}"
            print(f"{what:<14} {size:>10} {ms['here']:6.1f} ms {ms['there']:6.0f} ms {ratio:6.1f}  {apart}")


if __name__ == "__main__":
    main()
