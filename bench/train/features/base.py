"""What the contrastive prior asks of a network that it looks through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Features(nn.Module):
    """Feature maps of an image, by a frozen network.

    Attributes:
        weights: Of the maps' distances, finest map first.
    """

    weights: ClassVar[tuple[float, ...]]

    def forward(self, x: Tensor) -> list[Tensor]:
        """RGB, NCHW in [0, 1], to the maps, finest first."""
        raise NotImplementedError

    def distance(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """The weighted sum over maps of the mean absolute difference."""
        terms = [w * F.l1_loss(x, y) for w, x, y in zip(self.weights, a, b, strict=True)]
        return torch.stack(terms).sum()


def folded(
    state: Mapping[str, Tensor], conv: str, norm: str, epsilon: float, weight: str = ".weight"
) -> dict[str, Tensor]:
    """A convolution without bias and the batch normalisation after it, in evaluation mode, as one convolution.

    Args:
        state: Of the whole network.
        conv: Name of the convolution.
        norm: Name of the normalisation.
        epsilon: Of the normalisation.
        weight: What the convolution's kernel is called.

    Returns:
        ``weight`` and ``bias``.

    Raises:
        KeyError: A name that ``state`` lacks.
    """
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + epsilon).sqrt()
    return {
        "weight": state[f"{conv}{weight}"] * scale[:, None, None, None],
        "bias": state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale,
    }
