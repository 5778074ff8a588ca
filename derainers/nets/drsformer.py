"""DRSformer: Chen et al., "Learning A Sparse Transformer Network for Effective Image Deraining", CVPR
2023."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.layers import Named
from derainers.nets.blocks.transformer import ChannelAttention, FourLevels, PatchEmbedding, TransformerBlock

#: Shares of the channels that the four attention branches keep, as (numerator, denominator).
KEPT = ((1, 2), (2, 3), (3, 4), (4, 5))
#: Operations in each step of the mixture of experts.
OPERATIONS = 8


class TopKAttention(ChannelAttention):
    """Channel attention that keeps the largest scores only, at four degrees, mixed with learnt weights."""

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__(width, heads, bias)
        for index in range(1, 5):
            self.register_parameter(f"attn{index}", nn.Parameter(torch.tensor([0.2])))

    def weights(self, scores: torch.Tensor) -> torch.Tensor:
        """Attention weights from scores; all four branches see the same values, so their weights can be
        added first."""
        channels = scores.shape[-1]
        ordered, places = scores.sort(dim=-1, descending=True)
        total: torch.Tensor | None = None
        for index, (over, under) in enumerate(KEPT, start=1):
            # The softmax of the k largest, zero elsewhere.
            kept = ordered[..., : int(channels * over / under)].softmax(-1)
            part = F.pad(kept, (0, channels - kept.shape[-1])) * self.get_parameter(f"attn{index}")
            total = part if total is None else total + part
        assert total is not None
        return torch.zeros_like(scores).scatter_(-1, places, total)


class MixedScaleFeedForward(nn.Module):
    """Depth-wise 3x3 and 5x5 convolutions whose halves are exchanged in between."""

    def __init__(self, width: int, expansion: float, bias: bool) -> None:
        super().__init__()
        hidden = int(width * expansion)
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=bias)
        self.dwconv3x3 = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=bias)
        self.dwconv5x5 = nn.Conv2d(2 * hidden, 2 * hidden, 5, padding=2, groups=2 * hidden, bias=bias)
        self.dwconv3x3_1 = nn.Conv2d(2 * hidden, hidden, 3, padding=1, groups=hidden, bias=bias)
        self.dwconv5x5_1 = nn.Conv2d(2 * hidden, hidden, 5, padding=2, groups=hidden, bias=bias)
        self.project_out = nn.Conv2d(2 * hidden, width, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        x = self.project_in(x)
        small_a, small_b = F.relu_(self.dwconv3x3(x)).chunk(2, dim=1)
        large_a, large_b = F.relu_(self.dwconv5x5(x)).chunk(2, dim=1)
        small = F.relu_(self.dwconv3x3_1(torch.cat([small_a, large_a], 1)))
        large = F.relu_(self.dwconv5x5_1(torch.cat([small_b, large_b], 1)))
        return self.project_out(torch.cat([small, large], 1))


def _operation(*layers: nn.Module) -> Named:
    return Named("op", *layers)


def _separable(width: int, kernel: int) -> Named:
    def half() -> tuple[nn.Module, nn.Module]:
        depth = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        return depth, nn.Conv2d(width, width, 1, bias=False)

    return _operation(*half(), nn.ReLU(), *half())


def _dilated(width: int, kernel: int) -> Named:
    depth = nn.Conv2d(width, width, kernel, padding=kernel - 1, dilation=2, groups=width, bias=False)
    return _operation(depth, nn.Conv2d(width, width, 1, bias=False))


class Experts(nn.Module):
    """Eight operations on the same input, weighed and merged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        operations: list[nn.Module] = [_separable(width, kernel) for kernel in (1, 3, 5, 7)]
        operations += [_dilated(width, kernel) for kernel in (3, 5, 7)]
        operations.append(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))
        self._ops = nn.ModuleList(operations)
        self._out = nn.Sequential(nn.Conv2d(OPERATIONS * width, width, 1, bias=False), nn.ReLU())

    def forward(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) and weights (N, 8) to (N, C, H, W)."""
        parts = [op(x) * weights[:, index, None, None, None] for index, op in enumerate(self._ops)]
        return self._out(torch.cat(parts, 1))


class ExpertSteps(nn.Module):
    """Several steps of experts, each added to its input."""

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.preprocess = _operation(nn.Conv2d(width, width, 1, bias=False), nn.ReLU())
        self._ops = nn.ModuleList(Experts(width) for _ in range(steps))

    def forward(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) and weights (N, steps, 8) to (N, C, H, W)."""
        x = self.preprocess(x)
        for index, step in enumerate(self._ops):
            x = F.relu_(step(x, weights[:, index]) + x)
        return x


class ExpertWeights(nn.Module):
    """How much each operation counts in each step, from the image's mean features."""

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        outputs = steps * OPERATIONS
        self.steps = steps
        self.ca_fc = nn.Sequential(nn.Linear(width, 2 * outputs), nn.ReLU(), nn.Linear(2 * outputs, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, steps, 8), summing to 1 over operations."""
        scores = self.ca_fc(x.mean((2, 3)))
        return scores.view(-1, self.steps, OPERATIONS).softmax(-1)


class MixtureOfExperts(nn.Module):
    """The feature compensator before the encoder and after the decoder (section 3.4)."""

    def __init__(self, width: int, steps: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList([ExpertWeights(width, steps), ExpertSteps(width, steps)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return self.layers[1](x, self.layers[0](x))


class DRSformer(FourLevels):
    """The paper's network with its defaults.

    Args:
        inp_channels: Of the input.
        out_channels: Of the output.
        dim: Channels at full size.
        num_blocks: Transformer blocks per level.
        heads: Attention heads per level.
        ffn_expansion_factor: Hidden channels of the feed-forward part over ``dim``.
        bias: Whether convolutions have one.
        LayerNorm_type: ``WithBias`` or ``BiasFree``.
    """

    def __init__(
        self,
        inp_channels: int = 3,
        out_channels: int = 3,
        dim: int = 48,
        num_blocks: tuple[int, ...] = (4, 6, 6, 8),
        heads: tuple[int, ...] = (1, 2, 4, 8),
        ffn_expansion_factor: float = 2.66,
        bias: bool = False,
        LayerNorm_type: str = "WithBias",
    ) -> None:
        def block(width: int, level: int) -> nn.Module:
            return TransformerBlock(
                width,
                TopKAttention(width, heads[level], bias),
                MixedScaleFeedForward(width, ffn_expansion_factor, bias),
                LayerNorm_type != "BiasFree",
            )

        super().__init__(dim, num_blocks, block, bias)
        self.patch_embed = PatchEmbedding(inp_channels, dim)
        self.encoder_level0 = MixtureOfExperts(dim)
        self.refinement = MixtureOfExperts(2 * dim)
        self.output = nn.Conv2d(2 * dim, out_channels, 3, padding=1, bias=bias)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; not clamped."""
        features = self.levels(self.encoder_level0(self.patch_embed(rainy)))
        return self.output(self.refinement(features)) + rainy
