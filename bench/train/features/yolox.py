"""The first layers of YOLOX-Nano's backbone, frozen: what a detector looks through, as features of the prior.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430; layer names as in MMDetection's checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BadWeights
from bench.train.features.base import Features, folded

#: Channels in and out, and bottlenecks, of the two stages that are used.
STAGES = ((16, 32, 1), (32, 64, 3))
STEM = 16
EPSILON = 1e-3
"""Of the batch normalisations."""


class YoloxNano(Features):
    """Maps of 16, 32 and 64 channels at 1/2, 1/4 and 1/8 of the size, finer ones counting less."""

    weights = (1 / 4, 1 / 2, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Conv(12, STEM, 3, "stem.conv")
        self.stages = nn.ModuleList(_Stage(*shape, f"stage{i}.") for i, shape in enumerate(STAGES, 1))
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """RGB, NCHW in [0, 1], even sides, to the maps, finest first."""
        x = x.flip(1) * 255  # the detector was trained on BGR of 0 to 255
        quarters = [x[..., i::2, j::2] for j in (0, 1) for i in (0, 1)]
        maps = [self.stem(torch.cat(quarters, 1))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps

    def load(self, state: Mapping[str, Tensor], what: str) -> None:
        """Take the weights of a whole detector under MMDetection's names.

        Raises:
            BadWeights: ``state`` is of another network.
        """
        try:
            for part in self.modules():
                if isinstance(part, _Conv):
                    part.load(state)
        except (KeyError, RuntimeError) as error:
            raise BadWeights(f"{what}: weights of another network ({str(error).splitlines()[0]})") from None


class _Conv(nn.Module):
    """Convolution, normalisation and SiLU; ``name`` is the layer's in the checkpoint, below ``backbone.``."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, name: str, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups)
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.conv(x))

    def load(self, state: Mapping[str, Tensor]) -> None:
        place = f"backbone.{self.name}."
        self.conv.load_state_dict(folded(state, f"{place}conv", f"{place}bn", EPSILON))


def _separable(inputs: int, outputs: int, name: str, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        _Conv(inputs, inputs, 3, f"{name}depthwise_conv", stride, groups=inputs),
        _Conv(inputs, outputs, 1, f"{name}pointwise_conv"),
    )


class _Stage(nn.Module):
    """Halving, then two paths, one of them through bottlenecks, put together again."""

    def __init__(self, inputs: int, outputs: int, bottlenecks: int, name: str) -> None:
        super().__init__()
        inner = outputs // 2
        self.halve = _separable(inputs, outputs, f"{name}0.", stride=2)
        self.main = _Conv(outputs, inner, 1, f"{name}1.main_conv")
        self.short = _Conv(outputs, inner, 1, f"{name}1.short_conv")
        self.final = _Conv(2 * inner, outputs, 1, f"{name}1.final_conv")
        self.bottlenecks = nn.ModuleList(
            nn.Sequential(
                _Conv(inner, inner, 1, f"{name}1.blocks.{i}.conv1"),
                _separable(inner, inner, f"{name}1.blocks.{i}.conv2."),
            )
            for i in range(bottlenecks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.halve(x)
        y = self.main(x)
        for bottleneck in self.bottlenecks:
            y = y + bottleneck(y)
        return self.final(torch.cat((y, self.short(x)), 1))
