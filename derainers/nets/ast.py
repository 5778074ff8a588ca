"""AST: Zhou et al., "Adapt or Perish: Adaptive Sparse Transformer with Attentive Feature Refinement for Image
Restoration", CVPR 2024."""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.windows import Stage, WindowAttention, WindowBlock, WindowUNet, on_map
from derainers.nets.uformer import window_of


class SparseAttention(WindowAttention):
    """A learnt mixture of the usual attention and of one that forgets what scores below zero (section 3.2)."""

    def __init__(self, width: int, heads: int, side: int) -> None:
        super().__init__(width, heads, side)
        self.w = nn.Parameter(torch.ones(2))

    def mix(
        self, query: torch.Tensor, key: torch.Tensor, values: list[torch.Tensor], bias: torch.Tensor
    ) -> torch.Tensor:
        """As the usual one does; the sparse scores, squared, are not made to sum to one."""
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1) + bias
        dense, sparse = self.w.softmax(0)
        return (dense * scores.softmax(-1) + sparse * scores.relu().square()) @ values[0]


class RefiningFeedForward(nn.Module):
    """Convolves a quarter of the channels, and lets one convolved half gate the other ("FRFN", section 3.3)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.part = width // 4
        self.partial_conv3 = nn.Conv2d(self.part, self.part, 3, padding=1, bias=False)
        self.linear1 = nn.Sequential(nn.Linear(width, 2 * hidden), nn.GELU())
        self.dwconv = nn.Sequential(nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.GELU())
        self.linear2 = nn.Sequential(nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C) to the same."""
        refined = on_map(self.partial_conv3, x[..., : self.part])
        gate, value = self.linear1(torch.cat([refined, x[..., self.part :]], -1)).chunk(2, dim=-1)
        return self.linear2(on_map(self.dwconv, gate) * value)


class AST(WindowUNet):
    """Uformer's shape without attention on the way down; defaults are AST-B, as released for SPAD.

    Args:
        img_size: The side of the training images; see :class:`derainers.nets.uformer.Uformer`.
        embed_dim: Channels at full size.
        depths: Blocks in each of the nine stages.
        num_heads: Attention heads of each stage; of those on the way down none is used.
        win_size: Side of the windows.
        mlp_ratio: Hidden channels of the feed-forward part over the stage's.
    """

    def __init__(
        self,
        img_size: int = 128,
        embed_dim: int = 32,
        depths: tuple[int, ...] = (1, 2, 8, 8, 2, 8, 8, 2, 1),
        num_heads: tuple[int, ...] = (1, 2, 4, 8, 16, 16, 8, 4, 2),
        win_size: int = 8,
        mlp_ratio: float = 4.0,
    ) -> None:
        def stage(index: int, width: int) -> nn.Module:
            side, shift = window_of(img_size, index, win_size)
            return Stage(
                [
                    WindowBlock(
                        width,
                        SparseAttention(width, num_heads[index], side) if index > 3 else None,
                        RefiningFeedForward(width, int(width * mlp_ratio)),
                        side,
                        shift if block % 2 else 0,
                    )
                    for block in range(depths[index])
                ]
            )

        super().__init__(embed_dim, stage, bottleneck="conv")
