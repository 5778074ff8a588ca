"""Histoformer: Sun et al., "Restoring Images in Adverse Weather Conditions via Histogram Transformer", ECCV 2024."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.transformer import RefinedLevels


class HistogramAttention(nn.Module):
    """Attention between groups of pixels that are alike in value rather than near in place (section 3.2).

    Half of the channels are sorted along columns and then rows, so that the convolutions see pixels that are alike.
    Then each channel's pixels are sorted by value and put into bins, in two ways: neighbours in rank share a bin, or
    every n-th pixel does.

    Args:
        width: Channels.
        heads: Groups of channels, and number of bins.
        bias: Whether convolutions have one.
    """

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 5 * width, 1, bias=bias)
        self.qkv_dwconv = nn.Conv2d(5 * width, 5 * width, 3, padding=1, groups=5 * width, bias=bias)
        self.project_out = nn.Conv2d(width, width, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        half = x.shape[1] // 2
        ranked, rows = x[:, :half].sort(-2)
        ranked, columns = ranked.sort(-1)
        packed = self.qkv_dwconv(self.qkv(torch.cat([ranked, x[:, half:]], 1))).flatten(2)
        *others, value = packed.chunk(5, dim=1)
        value, order = value.sort(-1)
        query, key, far_query, far_key = (part.gather(-1, order) for part in others)
        mixed = self._attend(query, key, value) * self._attend(far_query, far_key, value, every_nth=True)
        mixed = self.project_out(_unsorted(mixed, order, -1).view_as(x))
        back = _unsorted(_unsorted(mixed[:, :half], columns, -1), rows, -2)
        return torch.cat([back, mixed[:, half:]], 1)

    def _attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, every_nth: bool = False
    ) -> torch.Tensor:
        """(N, C, pixels) each, sorted, to the same: attention between the bins of all channels of a head."""
        bins, pixels = self.heads, query.shape[-1]

        def binned(part: torch.Tensor) -> torch.Tensor:
            part = F.pad(part, (0, -pixels % bins)).unflatten(1, (self.heads, -1))
            split = part.unflatten(-1, (-1, bins)).mT if every_nth else part.unflatten(-1, (bins, -1))
            return split.flatten(2, 3)

        scores = F.normalize(binned(query), dim=-1) @ F.normalize(binned(key), dim=-1).mT
        mixed = _softmax_with_nothing(scores * self.temperature) @ binned(value)
        split = mixed.unflatten(2, (-1, bins))
        whole = (split.mT if every_nth else split).flatten(-2)
        return whole.flatten(1, 2)[..., :pixels]


class DualScaleFeedForward(nn.Module):
    """Two depth-wise convolutions at double the size, the dilated one gating the other (section 3.3)."""

    def __init__(self, width: int, expansion: float, bias: bool) -> None:
        super().__init__()
        hidden = int(width * expansion)
        if hidden % 4:
            raise ValueError(
                f"{width} channels times {expansion} give {hidden} hidden ones; it must be a multiple of 4"
            )
        part = hidden // 4
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=bias)
        self.dwconv_5 = nn.Conv2d(part, part, 5, padding=2, groups=part, bias=bias)
        self.dwconv_dilated2_1 = nn.Conv2d(part, part, 3, padding=2, dilation=2, groups=part, bias=bias)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        near, far = F.pixel_shuffle(self.project_in(x), 2).chunk(2, dim=1)
        mixed = F.mish(self.dwconv_dilated2_1(far)) * self.dwconv_5(near)
        return self.project_out(F.pixel_unshuffle(mixed, 2))


class Block(nn.Module):
    """Attention and feed-forward part, each normalised before, without weights, and added to its input."""

    def __init__(self, width: int, heads: int, expansion: float, bias: bool) -> None:
        super().__init__()
        self.attn_g = HistogramAttention(width, heads, bias)
        self.ffn = DualScaleFeedForward(width, expansion, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        x = x + self.attn_g(_normed(x))
        return x + self.ffn(_normed(x))


class ImagePyramid(nn.Module):
    """The image at the next smaller size, convolved, under the authors' names."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(3, 3, 1, bias=bias),
            nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=bias),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) to (N, 3, H/2, W/2)."""
        return self.proj(x)


class Histoformer(RefinedLevels):
    """Restormer's shape with attention over histograms; defaults are those of the released weights.

    It sorts: where two values are nearly equal, rounding decides which goes first, and in float32 the outputs of two
    correct implementations differ by some hundredths in places.

    Args:
        dim: Channels at full size.
        num_blocks: Transformer blocks per level.
        num_refinement_blocks: Blocks after the decoder.
        heads: Attention heads per level.
        ffn_expansion_factor: Hidden channels of the feed-forward part over ``dim``.
        bias: Whether convolutions have one.
    """

    #: The sums of a batch round otherwise than those of an image, and the sorting with them: images go one by one.
    alone = True

    def __init__(
        self,
        dim: int = 36,
        num_blocks: tuple[int, ...] = (4, 4, 6, 8),
        num_refinement_blocks: int = 4,
        heads: tuple[int, ...] = (1, 2, 4, 8),
        ffn_expansion_factor: float = 2.667,
        bias: bool = False,
    ) -> None:
        def block(width: int, level: int) -> nn.Module:
            return Block(width, heads[level], ffn_expansion_factor, bias)

        super().__init__(dim, num_blocks, num_refinement_blocks, block, bias)
        for level in (1, 2, 3):
            width = dim * 2**level
            self.add_module(f"skip_patch_embed{level}", ImagePyramid(bias))
            self.add_module(f"reduce_chan_level_{level}", nn.Conv2d(width + 3, width, 1, bias=bias))

    def features(self, rainy: torch.Tensor) -> torch.Tensor:
        """What the four levels make of (N, 3, H, W) and its smaller copies: (N, 2 dim, H, W)."""
        image = rainy

        def entering(level: int, features: torch.Tensor) -> torch.Tensor:
            nonlocal image
            image = self.get_submodule(f"skip_patch_embed{level - 1}")(image)
            return self.get_submodule(f"reduce_chan_level_{level - 1}")(torch.cat([features, image], 1))

        return self.levels(self.patch_embed(rainy), entering)


def _normed(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W), each pixel's channels with mean 0 and variance 1."""
    return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)


def _softmax_with_nothing(scores: torch.Tensor) -> torch.Tensor:
    """exp(s) / (1 + the sum of all exp(s)): as if there were one more token, of score 0, with nothing to say."""
    weights = scores.exp()
    return weights / (weights.sum(-1, keepdim=True) + 1)


def _unsorted(values: torch.Tensor, order: torch.Tensor, axis: int) -> torch.Tensor:
    """Put values back to where ``order`` says that they were taken from."""
    return torch.zeros_like(values).scatter(axis, order, values)
