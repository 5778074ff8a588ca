"""Restormer: Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image Restoration", CVPR
2022."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.transformer import ChannelAttention, FourLevels, PatchEmbedding, TransformerBlock


class GatedFeedForward(nn.Module):
    """Two depth-wise convolved halves, one gating the other (section 3.2)."""

    def __init__(self, width: int, expansion: float, bias: bool) -> None:
        super().__init__()
        hidden = int(width * expansion)
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=bias)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=bias)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        return self.project_out(F.gelu(gate) * value)


class Restormer(FourLevels):
    """The paper's network; defaults are those of the released deraining weights.

    Args:
        inp_channels: Of the input.
        out_channels: Of the output.
        dim: Channels at full size.
        num_blocks: Transformer blocks per level.
        num_refinement_blocks: Blocks after the decoder.
        heads: Attention heads per level.
        ffn_expansion_factor: Hidden channels of the feed-forward part over ``dim``.
        bias: Whether convolutions have one.
        LayerNorm_type: ``WithBias`` or ``BiasFree``.
        dual_pixel_task: Only ``False`` (defocus deblurring has another head).
    """

    def __init__(
        self,
        inp_channels: int = 3,
        out_channels: int = 3,
        dim: int = 48,
        num_blocks: tuple[int, ...] = (4, 6, 6, 8),
        num_refinement_blocks: int = 4,
        heads: tuple[int, ...] = (1, 2, 4, 8),
        ffn_expansion_factor: float = 2.66,
        bias: bool = False,
        LayerNorm_type: str = "WithBias",
        dual_pixel_task: bool = False,
    ) -> None:
        if dual_pixel_task:
            raise ValueError("dual_pixel_task is for defocus deblurring, not for deraining")

        def block(width: int, level: int) -> nn.Module:
            return TransformerBlock(
                width,
                ChannelAttention(width, heads[level], bias),
                GatedFeedForward(width, ffn_expansion_factor, bias),
                LayerNorm_type != "BiasFree",
            )

        super().__init__(dim, num_blocks, block, bias)
        self.patch_embed = PatchEmbedding(inp_channels, dim)
        self.refinement = nn.Sequential(*(block(2 * dim, 0) for _ in range(num_refinement_blocks)))
        self.output = nn.Conv2d(2 * dim, out_channels, 3, padding=1, bias=bias)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; not clamped."""
        return self.output(self.refinement(self.levels(self.patch_embed(rainy)))) + rainy
