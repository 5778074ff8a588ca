"""Restormer: Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image Restoration", CVPR
2022."""

from __future__ import annotations

from torch import nn

from derainers.nets.blocks.transformer import RefinedLevels, gated_block


class Restormer(RefinedLevels):
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
            return gated_block(width, heads[level], ffn_expansion_factor, bias, LayerNorm_type != "BiasFree")

        super().__init__(dim, num_blocks, num_refinement_blocks, block, bias, inp_channels, out_channels)
