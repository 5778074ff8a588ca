"""Scores of a network on held-out scenes while it trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from bench.images import read_image

if TYPE_CHECKING:
    from bench.train.config import Validation

MULTIPLE = 32
"""Crops are cut to multiples of this, so that no network needs padding."""


@dataclass(frozen=True)
class ValidationSet:
    """Rainy and clean images by rain, uint8 RGB."""

    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]]


def read_validation(validation: Validation, seed: int) -> ValidationSet:
    """Decode the held-out images, crop their centres, and let each rain fall on them; pairs have their own.

    Raises:
        BadData: A folder has no images, or no pairs.
        UnknownName: A rain that does not exist.
    """
    from bench.rain import add_rain, parse_rain
    from bench.train.pools import find_images

    rains = [parse_rain(name) for name in validation.rain] if validation.images else []
    per_source = [find_images(pattern) for pattern in validation.images]
    files = [f for source in per_source for f in _spread(source, -(-validation.limit // len(per_source)))]
    clean = [(path.stem, _centre(read_image(path), validation.side)) for path in files[: validation.limit]]
    drawn = {r.name: [(add_rain(r, image, name, seed), image) for name, image in clean] for r in rains}
    return ValidationSet({**drawn, **dict(_pairs(place, validation) for place in validation.pairs)})


def _pairs(place: str, validation: Validation) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    from bench.train.pools import open_pairs_of

    data = open_pairs_of(place)
    chosen = _spread(list(data.scenes), validation.limit)
    both = [(data.rainy(scene), data.clean(scene)) for scene in chosen]
    cropped = [tuple(_centre(image, validation.side) for image in pair if image is not None) for pair in both]
    return data.name, cropped  # type: ignore[return-value]


def _spread(items: list, count: int) -> list:
    """``count`` items, evenly spread."""
    return [items[i * len(items) // count] for i in range(min(count, len(items)))]


def _centre(image: np.ndarray, side: int) -> np.ndarray:
    height, width = (min(side, n) // MULTIPLE * MULTIPLE for n in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def score(
    network: nn.Module, scenes: ValidationSet, channels_last: bool = True
) -> dict[str, dict[str, float]]:
    """Mean psnr@y and ssim@y by rain, with the rainy images' PSNR beside them."""
    from bench.train.model import to_float
    from downstream.measures.fidelity import score_pair_y

    device = next(network.parameters()).device
    results = {}
    for rain, pairs in scenes.pairs.items():
        rows = []
        for rainy, clean in pairs:
            x = to_float(torch.from_numpy(rainy).permute(2, 0, 1)[None], device, channels_last)
            with torch.inference_mode():
                y = network(x)[0].clamp(0, 1).mul(255).round().to(torch.uint8)
            restored = score_pair_y(np.ascontiguousarray(y.permute(1, 2, 0).cpu().numpy()), clean)
            rows.append((restored["psnr_y"], restored["ssim_y"], score_pair_y(rainy, clean)["psnr_y"]))
        finite = [[v for v in column if math.isfinite(v)] for column in zip(*rows, strict=True)]
        means = [float(np.mean(column)) if column else math.inf for column in finite]
        results[rain] = {"psnr_y": means[0], "ssim_y": means[1], "rainy_psnr_y": means[2]}
    return results
