"""The parts that the progressive recurrent derainers share: layers, LSTM cell, residual blocks.

PReNet, PReNet_r, PRN, PRN_r (Ren et al., CVPR 2019), BRN (Ren et al., TIP 2020) and SAPNet (Zheng et al.,
WACV 2022) apply one small network again and again to the rainy image and the estimate so far. Parameter names
are those of the authors' released files.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional as F

#: Feature channels of every network of the family.
WIDTH = 32


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size, with a bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def first_layer(inputs: int) -> nn.Sequential:
    """3x3 convolution to :data:`WIDTH` channels and ReLU."""
    return nn.Sequential(conv3x3(inputs, WIDTH), nn.ReLU(inplace=True))


def residual_block() -> nn.Sequential:
    """Two (3x3 convolution, ReLU); what :func:`run_blocks` adds to its input."""
    return nn.Sequential(
        conv3x3(WIDTH, WIDTH), nn.ReLU(inplace=True), conv3x3(WIDTH, WIDTH), nn.ReLU(inplace=True)
    )


def gate(inputs: int, activation: type[nn.Module] = nn.Sigmoid) -> nn.Sequential:
    """One gate of the LSTM cell: a 3x3 convolution of all that it sees, and its activation."""
    return nn.Sequential(conv3x3(inputs, WIDTH), activation())


def last_layer() -> nn.Sequential:
    """3x3 convolution to an image."""
    return nn.Sequential(conv3x3(WIDTH, 3))


def run_blocks(blocks: Iterable[nn.Module], features: torch.Tensor) -> torch.Tensor:
    """Apply residual blocks in turn: ``x = relu(block(x) + x)``."""
    for block in blocks:
        features = F.relu_(block(features) + features)
    return features


def lstm_step(
    gates: tuple[nn.Module, nn.Module, nn.Module, nn.Module], seen: torch.Tensor, cell: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of a convolutional LSTM (Shi et al., NeurIPS 2015, without peepholes).

    The four convolutions look at the same input, so they run as one with four times the output channels.

    Args:
        gates: Input, forget, candidate and output gate, each a 3x3 convolution and its activation.
        seen: (N, C, H, W), what the gates look at: features and hidden state(s), concatenated.
        cell: (N, WIDTH, H, W) state of the cell; ``None`` is zero.

    Returns:
        The new hidden state and the new cell state.
    """
    convs = [part[0] for part in gates]  # type: ignore[index]
    weight = torch.cat([conv.weight for conv in convs])
    bias = torch.cat([conv.bias for conv in convs])
    parts = F.conv2d(seen, weight, bias, padding=1).chunk(4, dim=1)
    if torch.is_grad_enabled():
        i, f, g, o = parts
        new = torch.sigmoid(i) * torch.tanh(g)
        cell = new if cell is None else torch.sigmoid(f) * cell + new
        return torch.sigmoid(o) * torch.tanh(cell), cell
    # Quarters of a channels-last map are strided; elementwise work on dense copies, in place, is a fifth faster in all.
    i, f, g, o = (part.contiguous(memory_format=torch.channels_last) for part in parts)
    new = i.sigmoid_().mul_(g.tanh_())
    cell = new if cell is None else f.sigmoid_().mul_(cell).add_(new)
    return o.sigmoid_().mul_(torch.tanh(cell)), cell
