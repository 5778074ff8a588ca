"""Restoration: how close a restored image comes to the clean one, as PSNR and SSIM under the papers' two protocols."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.vocabulary import RESTORATION
from downstream.tasks.base import Metric, Place
from downstream.tasks.per_image import PerImage


def _psnr(name: str, title: str, protocol: str, place: Place, headline: bool = False) -> Metric:
    return Metric(name, title, protocol, "dB", 1.0, 2, bounds=(None, None), place=place, headline=headline)


class Restoration(PerImage):
    """PSNR and SSIM; see `downstream.measures.fidelity` for the protocols."""

    name = RESTORATION
    metrics = (
        _psnr("psnr_y", "PSNR Y", "psnr@y", "summary", headline=True),
        Metric("ssim_y", "SSIM Y", "ssim@y", "", 1.0, 4, bounds=(-1.0, 1.0), place="summary"),
        _psnr("psnr_rgb", "PSNR RGB", "psnr@rgb", "table"),
        Metric("ssim_rgb", "SSIM RGB", "ssim@rgb", "", 1.0, 4, bounds=(-1.0, 1.0)),
    )
    order = 30
    always = True

    def measure(self, image: np.ndarray, clean: np.ndarray | None) -> Mapping[str, float]:
        """PSNR in dB, infinite for identical images; SSIM, NaN where a side is below its window."""
        from downstream.measures.fidelity import score_pair

        assert clean is not None  # `needs`
        return score_pair(image, clean)

    def left_out(self, metric: str) -> str:
        """Say why an image has no finite number."""
        return "too small for SSIM's window" if metric.startswith("ssim") else "identical to the clean one"
