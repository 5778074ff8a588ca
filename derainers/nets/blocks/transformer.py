"""What Restormer and those after it share: transformer blocks over channels, in a four-level encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel.

    Args:
        width: Channels.
        bias: Whether the mean is taken off and a bias added ("WithBias"), or only the spread is
            normalised ("BiasFree").
    """

    def __init__(self, width: int, bias: bool = True) -> None:
        super().__init__()
        # A module that only holds parameters gives them the authors' names, ``body.weight`` and ``body.bias``.
        self.body = nn.Module()
        self.body.register_parameter("weight", nn.Parameter(torch.ones(width)))
        self.body.register_parameter("bias", nn.Parameter(torch.zeros(width)) if bias else None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        pixels = x.permute(0, 2, 3, 1)
        weight = self.body.get_parameter("weight")
        bias = self.body._parameters["bias"]
        if bias is None:
            spread = pixels.var(-1, keepdim=True, unbiased=False)
            normed = pixels * torch.rsqrt(spread + 1e-5) * weight
        else:
            normed = F.layer_norm(pixels, weight.shape, weight, bias, eps=1e-5)
        return normed.permute(0, 3, 1, 2)


class ChannelAttention(nn.Module):
    """Attention between channels instead of pixels: its cost is linear in the image's size (Restormer,
    section 3.1).

    Args:
        width: Channels.
        heads: Groups of channels that attend among themselves.
        bias: Whether convolutions have one.
    """

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=bias)
        self.qkv_dwconv = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=bias)
        self.project_out = nn.Conv2d(width, width, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        count, width, height, breadth = x.shape
        packed = self.qkv_dwconv(self.qkv(x))
        query, key, value = packed.reshape(count, 3, self.heads, width // self.heads, -1).unbind(1)
        scores = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1) * self.temperature
        mixed = self.weights(scores) @ value
        return self.project_out(mixed.reshape(count, width, height, breadth))

    def weights(self, scores: torch.Tensor) -> torch.Tensor:
        """Attention weights (N, heads, C / heads, C / heads) from scores of the same shape."""
        return scores.softmax(-1)


class GatedFeedForward(nn.Module):
    """Two depth-wise convolved halves, one gating the other (Restormer, section 3.2)."""

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


class TransformerBlock(nn.Module):
    """Attention and a feed-forward part, each normalised before and added to its input."""

    def __init__(self, width: int, attention: nn.Module, feed_forward: nn.Module, norm_bias: bool) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width, norm_bias)
        self.attn = attention
        self.norm2 = ChannelNorm(width, norm_bias)
        self.ffn = feed_forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


def gated_block(
    width: int, heads: int, expansion: float, bias: bool, norm_bias: bool = True
) -> TransformerBlock:
    """Restormer's own block; arguments as those of its parts."""
    return TransformerBlock(
        width, ChannelAttention(width, heads, bias), GatedFeedForward(width, expansion, bias), norm_bias
    )


class Resample(nn.Module):
    """Halves or doubles the size by (un)shuffling pixels after a 3x3 convolution; channels double or
    halve."""

    def __init__(self, width: int, up: bool) -> None:
        super().__init__()
        shuffle: nn.Module = nn.PixelShuffle(2) if up else nn.PixelUnshuffle(2)
        self.body = nn.Sequential(
            nn.Conv2d(width, 2 * width if up else width // 2, 3, padding=1, bias=False), shuffle
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, 2C, H/2, W/2) or (N, C/2, 2H, 2W)."""
        return self.body(x)


class PatchEmbedding(nn.Module):
    """A 3x3 convolution under the authors' name."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, width, H, W)."""
        return self.proj(x)


class FourLevels(nn.Module):
    """The encoder and decoder, without what comes before level 1 and after it.

    Args:
        width: Channels at full size; they double at each of the three lower levels, and on the decoder's way
            out.
        num_blocks: Blocks in each level, from the full size down.
        block: Makes one transformer block from its channels and the level's index.
        bias: Whether 1x1 convolutions between levels have one.
    """

    def __init__(
        self, width: int, num_blocks: tuple[int, ...], block: Callable[[int, int], nn.Module], bias: bool
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]

        def level(index: int, channels: int) -> nn.Sequential:
            return nn.Sequential(*(block(channels, index) for _ in range(num_blocks[index])))

        for index in range(3):
            self.add_module(f"encoder_level{index + 1}", level(index, widths[index]))
            self.add_module(f"down{index + 1}_{index + 2}", Resample(widths[index], up=False))
        self.latent = level(3, widths[3])
        self.up4_3 = Resample(widths[3], up=True)
        self.reduce_chan_level3 = nn.Conv2d(widths[3], widths[2], 1, bias=bias)
        self.decoder_level3 = level(2, widths[2])
        self.up3_2 = Resample(widths[2], up=True)
        self.reduce_chan_level2 = nn.Conv2d(widths[2], widths[1], 1, bias=bias)
        self.decoder_level2 = level(1, widths[1])
        self.up2_1 = Resample(widths[1], up=True)
        self.decoder_level1 = level(0, widths[1])

    def levels(
        self,
        features: torch.Tensor,
        entering: Callable[[int, torch.Tensor], torch.Tensor] = lambda _, x: x,
        leaving: Callable[[int, torch.Tensor], torch.Tensor] = lambda _, x: x,
    ) -> torch.Tensor:
        """Run the encoder and the decoder.

        Args:
            features: (N, width, H, W); H and W are multiples of 8.
            entering: What is done to the features that enter level 2, 3 or 4 on the way down; the size stays.
            leaving: What is done to the features that leave level 4, 3 or 2 on the way up, before their size doubles.

        Returns:
            (N, 2 width, H, W).
        """
        first = self.get_submodule("encoder_level1")(features)
        second = self.get_submodule("encoder_level2")(entering(2, self.get_submodule("down1_2")(first)))
        third = self.get_submodule("encoder_level3")(entering(3, self.get_submodule("down2_3")(second)))
        x = self.latent(entering(4, self.get_submodule("down3_4")(third)))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(leaving(4, x)), third], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(leaving(3, x)), second], 1)))
        return self.decoder_level1(torch.cat([self.up2_1(leaving(2, x)), first], 1))


class RefinedLevels(FourLevels):
    """Restormer's whole shape: four levels, blocks after the decoder, and an output that is added to the image.

    Args:
        width: Channels at full size.
        num_blocks: Blocks in each level, from the full size down.
        num_refinement_blocks: Blocks after the decoder.
        block: Makes one block from its channels and the level's index.
        bias: Whether convolutions have one.
        inputs: Channels of the image.
        outputs: Channels of what is added to it.
    """

    def __init__(
        self,
        width: int,
        num_blocks: tuple[int, ...],
        num_refinement_blocks: int,
        block: Callable[[int, int], nn.Module],
        bias: bool,
        inputs: int = 3,
        outputs: int = 3,
    ) -> None:
        super().__init__(width, num_blocks, block, bias)
        self.patch_embed = PatchEmbedding(inputs, width)
        self.refinement = nn.Sequential(*(block(2 * width, 0) for _ in range(num_refinement_blocks)))
        self.output = nn.Conv2d(2 * width, outputs, 3, padding=1, bias=bias)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; not clamped."""
        return self.output(self.refinement(self.features(rainy))) + rainy

    def features(self, rainy: torch.Tensor) -> torch.Tensor:
        """What the four levels make of (N, 3, H, W): (N, 2 width, H, W)."""
        return self.levels(self.patch_embed(rainy))
