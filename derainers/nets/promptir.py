"""PromptIR: Potlapalli et al., "PromptIR: Prompting for All-in-One Image Restoration", NeurIPS 2023."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.transformer import RefinedLevels, Resample, gated_block


class Prompt(nn.Module):
    """A learnt map, mixed of several by what the features' means say, at the features' size.

    Args:
        inputs: Channels of the features.
        width: Channels of the maps.
        side: Of the maps, in pixels.
        count: How many there are.
    """

    def __init__(self, inputs: int, width: int, side: int, count: int) -> None:
        super().__init__()
        self.prompt_param = nn.Parameter(torch.rand(1, count, width, side, side))
        self.linear_layer = nn.Linear(inputs, count)
        self.conv3x3 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, width, H, W)."""
        shares = self.linear_layer(x.mean((2, 3))).softmax(1)
        mixed = (shares[:, :, None, None, None] * self.prompt_param).sum(1)
        return self.conv3x3(F.interpolate(mixed, x.shape[2:], mode="bilinear", align_corners=False))


class PromptIR(RefinedLevels):
    """Restormer with prompts on the way up, for noise, rain and haze with one set of weights; defaults are those of the
    released ones.

    Six 1x1 convolutions (``chnl_reduce*``, ``reduce_noise_channel_*``) are in the file and never used.

    Args:
        dim: Channels at full size.
        num_blocks: Transformer blocks per level.
        num_refinement_blocks: Blocks after the decoder.
        heads: Attention heads per level; blocks after a prompt have those of the third.
        ffn_expansion_factor: Hidden channels of the feed-forward part over its input's.
        bias: Whether convolutions have one.
        LayerNorm_type: ``WithBias`` or ``BiasFree``.
        prompt_dims: Channels of the prompts that join what leaves level 2, 3 and 4.
        prompt_sizes: Their sides.
        prompt_len: Maps that a prompt is mixed of.
        dead_reduce: Channels that the unused convolutions add or end in.
    """

    def __init__(
        self,
        dim: int = 48,
        num_blocks: tuple[int, ...] = (4, 6, 6, 8),
        num_refinement_blocks: int = 4,
        heads: tuple[int, ...] = (1, 2, 4, 8),
        ffn_expansion_factor: float = 2.66,
        bias: bool = False,
        LayerNorm_type: str = "WithBias",
        prompt_dims: Sequence[int] = (64, 128, 320),
        prompt_sizes: Sequence[int] = (64, 32, 16),
        prompt_len: int = 5,
        dead_reduce: Sequence[int] = (64, 128, 256),
    ) -> None:
        def block(width: int, level: int) -> nn.Module:
            return gated_block(width, heads[level], ffn_expansion_factor, bias, LayerNorm_type != "BiasFree")

        super().__init__(dim, num_blocks, num_refinement_blocks, block, bias)
        # What leaves level 4 has half of the channels that Restormer's has.
        self.up4_3 = Resample(4 * dim, up=True)
        self.reduce_chan_level3 = nn.Conv2d(6 * dim, 4 * dim, 1, bias=bias)
        sizes = zip(prompt_dims, prompt_sizes, dead_reduce, strict=True)
        for index, (extra, side, dead) in enumerate(sizes, start=1):
            inner, outer = dim * 2**index, dim * 2 ** (index - 1)
            self.add_module(f"prompt{index}", Prompt(inner, extra, side, prompt_len))
            self.add_module(f"noise_level{index}", block(inner + extra, 2))
            kept = min(inner, 4 * dim)
            self.add_module(f"reduce_noise_level{index}", nn.Conv2d(inner + extra, kept, 1, bias=bias))
            self.add_module(f"chnl_reduce{index}", nn.Conv2d(extra, dead, 1, bias=bias))
            self.add_module(f"reduce_noise_channel_{index}", nn.Conv2d(outer + dead, outer, 1, bias=bias))

    def features(self, rainy: torch.Tensor) -> torch.Tensor:
        """What the four levels make of (N, 3, H, W) and the prompts: (N, 2 dim, H, W)."""
        return self.levels(self.patch_embed(rainy), leaving=self._prompted)

    def _prompted(self, level: int, features: torch.Tensor) -> torch.Tensor:
        index = level - 1
        both = torch.cat([features, self.get_submodule(f"prompt{index}")(features)], 1)
        return self.get_submodule(f"reduce_noise_level{index}")(
            self.get_submodule(f"noise_level{index}")(both)
        )
