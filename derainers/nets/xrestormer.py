"""X-Restormer: Chen et al., "A Comparative Study of Image Restoration Networks for General Backbone Network Design",
ECCV 2024."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.transformer import ChannelAttention, ChannelNorm, GatedFeedForward, RefinedLevels
from derainers.nets.blocks.windows import from_windows, to_windows


class RelativePositions(nn.Module):
    """Learnt vectors for the distance between a query's and a key's row, and column.

    Args:
        side: Of a window of queries, in pixels.
        reach: Side of the larger window of keys around it.
        depth: Channels of a head.
    """

    index: torch.Tensor

    def __init__(self, side: int, reach: int, depth: int) -> None:
        super().__init__()
        self.rel_height = nn.Parameter(torch.randn(2 * reach - 1, depth) * depth**-0.5)
        self.rel_width = nn.Parameter(torch.randn(2 * reach - 1, depth) * depth**-0.5)
        index = torch.arange(reach) - torch.arange(side)[:, None] + reach - 1
        self.register_buffer("index", index, persistent=False)

    def forward(self, query: torch.Tensor) -> torch.Tensor:
        """Scores of positions: (B, heads, side * side, depth) to (B, heads, side * side, reach * reach)."""
        side = self.index.shape[0]
        grid = query.unflatten(2, (side, side))
        by_row = grid @ self.rel_height[self.index].mT
        by_column = (grid.transpose(2, 3) @ self.rel_width[self.index].mT).transpose(2, 3)
        scores = by_row[..., :, None] + by_column[..., None, :]
        return scores.flatten(4).flatten(2, 3)


class OverlappingAttention(nn.Module):
    """Attention of the pixels of a window to those of a larger one around it; beyond the map there are zeros, which
    take part.

    Args:
        width: Channels.
        heads: Groups of channels.
        depth: Channels of a head.
        side: Of the windows of queries.
        overlap: How much wider the windows of keys are, as a share of ``side``.
        bias: Whether the projections have one.
    """

    def __init__(self, width: int, heads: int, depth: int, side: int, overlap: float, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.side = side
        self.reach = side + int(overlap * side)
        self.qkv = nn.Conv2d(width, 3 * heads * depth, 1, bias=bias)
        self.project_out = nn.Conv2d(heads * depth, width, 1, bias=bias)
        self.rel_pos_emb = RelativePositions(side, self.reach, depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), H and W multiples of the windows' side, to the same."""
        inner = self.project_out.in_channels
        query, around = self.qkv(x).permute(0, 2, 3, 1).split([inner, 2 * inner], dim=-1)
        queries = to_windows(query, self.side).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        margin = (self.reach - self.side) // 2
        around = F.pad(around, (0, 0, margin, margin, margin, margin))
        windows = around.unfold(1, self.reach, self.side).unfold(2, self.reach, self.side)
        windows = windows.permute(0, 1, 2, 4, 5, 3).reshape(
            -1, self.reach**2, 2, self.heads, inner // self.heads
        )
        keys, values = windows.permute(2, 0, 3, 1, 4)
        positions = self.rel_pos_emb(queries * queries.shape[-1] ** -0.5)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=positions)
        mixed = from_windows(mixed.transpose(1, 2).flatten(2), self.side, query.shape)
        return self.project_out(mixed.permute(0, 3, 1, 2))


class Block(nn.Module):
    """Attention over channels, then over windows, each followed by a feed-forward part; all four are normalised before
    and added to their input."""

    def __init__(
        self,
        width: int,
        channel_attn: nn.Module,
        spatial_attn: nn.Module,
        expansion: float,
        bias: bool,
        norm_bias: bool,
    ) -> None:
        super().__init__()
        self.channel_attn = channel_attn
        self.channel_ffn = GatedFeedForward(width, expansion, bias)
        self.spatial_attn = spatial_attn
        self.spatial_ffn = GatedFeedForward(width, expansion, bias)
        for index in range(1, 5):
            self.add_module(f"norm{index}", ChannelNorm(width, norm_bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        parts = (self.channel_attn, self.channel_ffn, self.spatial_attn, self.spatial_ffn)
        for index, part in enumerate(parts, start=1):
            x = x + part(self.get_submodule(f"norm{index}")(x))
        return x


class XRestormer(RefinedLevels):
    """Restormer with attention over overlapping windows beside that over channels; defaults are those of the released
    deraining weights (the class of the authors' code has others). Height and width are multiples of 64: eight windows.

    Args:
        dim: Channels at full size.
        num_blocks: Blocks per level.
        num_refinement_blocks: Blocks after the decoder.
        channel_heads: Heads per level of the attention over channels.
        spatial_heads: Heads per level of that over windows.
        overlap_ratio: Per level, how much wider the windows of keys are than those of queries.
        window_size: Side of the windows of queries, in pixels.
        spatial_dim_head: Channels of a head of the attention over windows.
        ffn_expansion_factor: Hidden channels of the feed-forward parts over ``dim``.
        bias: Whether convolutions have one.
        LayerNorm_type: ``WithBias`` or ``BiasFree``.
    """

    def __init__(
        self,
        dim: int = 48,
        num_blocks: tuple[int, ...] = (2, 4, 4, 4),
        num_refinement_blocks: int = 4,
        channel_heads: Sequence[int] = (1, 2, 4, 8),
        spatial_heads: Sequence[int] = (1, 2, 4, 8),
        overlap_ratio: Sequence[float] = (0.5, 0.5, 0.5, 0.5),
        window_size: int = 8,
        spatial_dim_head: int = 16,
        ffn_expansion_factor: float = 2.66,
        bias: bool = False,
        LayerNorm_type: str = "WithBias",
    ) -> None:
        def block(width: int, level: int) -> nn.Module:
            overlapping = OverlappingAttention(
                width, spatial_heads[level], spatial_dim_head, window_size, overlap_ratio[level], bias
            )
            channels = ChannelAttention(width, channel_heads[level], bias)
            return Block(
                width, channels, overlapping, ffn_expansion_factor, bias, LayerNorm_type != "BiasFree"
            )

        super().__init__(dim, num_blocks, num_refinement_blocks, block, bias)
