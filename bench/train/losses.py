"""Loss terms of deraining: MSE, L1, SSIM and the contrastive prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from bench.train.config import Loss
    from bench.train.features import Features

#: Side and standard deviation of SSIM's window (Wang et al. 2004), and its constants for a peak of 1.
WINDOW, SIGMA, C1, C2 = 11, 1.5, 0.01**2, 0.03**2

#: Keeps the contrastive ratio finite where the rainy image equals the restored one (no rain).
EPSILON = 1e-3


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of two batches, differentiable.

    Args:
        a: NCHW in [0, 1].
        b: The same shape.

    Returns:
        A scalar: the mean over batch, channels and pixels; the window is cut off with zeros at the border.
    """
    count, channels, height, width = a.shape
    rows, columns = _blur_matrix(height, a), _blur_matrix(width, a)
    stack = torch.stack((a, b, a * a, b * b, a * b)).reshape(5 * count * channels, height, width)
    mean_a, mean_b, aa, bb, ab = (rows @ stack @ columns.T).chunk(5)
    variance_a, variance_b, covariance = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return (luminance * (2 * covariance + C2) / (variance_a + variance_b + C2)).mean()


def _blur_matrix(size: int, like: Tensor) -> Tensor:
    """The Gaussian window as a band matrix; on patches two matrix products beat a depthwise convolution."""
    place = torch.arange(size, dtype=like.dtype, device=like.device)
    distance = place[:, None] - place[None, :]
    band = torch.exp(-(distance**2) / (2 * SIGMA**2)) * (distance.abs() <= WINDOW // 2)
    offsets = torch.arange(-(WINDOW // 2), WINDOW // 2 + 1, dtype=like.dtype, device=like.device)
    return band / torch.exp(-(offsets**2) / (2 * SIGMA**2)).sum()


class RestorationLoss(nn.Module):
    """The weighted sum of the terms that a configuration asks for.

    Args:
        weights: Of the terms.
        features: For the contrastive term; may be `None` where its weight is 0.
    """

    def __init__(self, weights: Loss, features: Features | None = None) -> None:
        super().__init__()
        self.weights = weights
        self.features = features

    def forward(
        self, restored: Tensor, clean: Tensor, rainy: Tensor, others: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The weighted terms by name, to be summed; all images NCHW in [0, 1].

        Args:
            restored: By the network.
            clean: What it should be.
            rainy: What it was restored from.
            others: Other rains of the same scenes: a whole number of batches one after the other.
        """
        w = self.weights
        terms: dict[str, Tensor] = {}
        if w.mse:
            terms["loss_mse"] = w.mse * F.mse_loss(restored, clean)
        if w.ssim:
            terms["loss_ssim"] = w.ssim * (1 - ssim(restored, clean))
        if w.l1:
            terms["loss_l1"] = w.l1 * F.l1_loss(restored, clean)
        if w.contrastive and self.features is not None:
            anchor = restored.detach() if w.detached else restored
            negatives = rainy if others is None else torch.cat((rainy, others))
            ratio = contrastive_ratio(self.features, anchor, clean, negatives)
            terms["loss_contrastive"] = w.contrastive * ratio
        return terms


def contrastive_ratio(features: Features, anchor: Tensor, positive: Tensor, negatives: Tensor) -> Tensor:
    """How much nearer the restored image is to the clean one than to rainy ones, in feature space; smaller
    is better.

    The ratio ``D(anchor, positive) / D(anchor, negative)`` of two distances, each summed over layers with
    the layers' weights. Its gradient flows through the anchor, in the numerator and in the denominator.

    Args:
        features: Maps and weights of the layers.
        anchor: Restored images, NCHW in [0, 1].
        positive: Their clean images.
        negatives: Their rainy images, then other rains of the same scenes in the same order: a whole number of
            batches. The mean distance counts.
    """
    maps = features(anchor)
    with torch.no_grad():
        clean_maps, rainy_maps = features(positive), features(negatives)
    towards = features.distance(maps, clean_maps)
    batches = zip(*(m.split(len(anchor)) for m in rainy_maps), strict=True)
    away = torch.stack([features.distance(maps, batch) for batch in batches]).mean()
    return towards / (away + EPSILON)
