"""DFN: Ding et al., "Distributed Feedback Network for Single-Image Deraining", Information Sciences 2021."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

#: Convolutions of a dense block before the one that merges them.
DENSE = 8
#: What a dense block's output counts beside its input.
SHARE = 0.2


class DenseBlock(nn.Module):
    """Convolutions that each see the input and all outputs before them, merged and added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for index in range(1, DENSE + 1):
            self.add_module(f"conv{index}", nn.Conv2d(index * width, width, 3, padding=1))
        self.add_module(f"conv{DENSE + 1}", nn.Conv2d((DENSE + 1) * width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        *convs, merge = self.children()
        maps = [x]
        for conv in convs:
            maps.append(F.gelu(conv(torch.cat(maps, 1)), approximate="tanh"))
        return merge(torch.cat(maps, 1)) * SHARE + x


class FeedbackBlock(nn.Module):
    """A dense block whose input is averaged with its own output of the iteration before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.feature_extract = DenseBlock(width)

    def forward(self, x: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
        """(N, C, H, W) to the same; ``before`` is ``None`` in the first iteration."""
        return self.feature_extract(x if before is None else (x + before) / 2)


class DFN(nn.Module):
    """Two feedback blocks, run again and again on the same features; what the last run says is added to the image.

    Args:
        width: Channels.
        iterations: How often the blocks are run.
    """

    def __init__(self, width: int = 32, iterations: int = 7) -> None:
        super().__init__()
        self.iterations = iterations
        self.input_layer = nn.Sequential(nn.Conv2d(3, width, 3, padding=1))
        self.FB = nn.ModuleList(FeedbackBlock(width) for _ in range(2))
        self.output_layer = nn.Sequential(nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; not clamped."""
        features = F.gelu(self.input_layer(rainy), approximate="tanh")
        outputs: list[torch.Tensor | None] = [None] * len(self.FB)
        x = features
        for _ in range(self.iterations):
            x = features
            for index, block in enumerate(self.FB):
                outputs[index] = x = block(x, outputs[index])
        return self.output_layer(x) + rainy
