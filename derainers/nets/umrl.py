"""UMRL: Yasarla and Patel, "Uncertainty Guided Multi-Scale Residual Learning-Using a Cycle Spinning CNN
...", CVPR 2019."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class ImageNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of each image on its own.

    The released test script leaves the network in training mode and restores one image at a time, so this is what the
    published numbers were made with; the running means in the file are not used.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class DenseBlock(nn.Module):
    """Normalisation, ReLU and a 1x1, then a k x k convolution; the result is appended to the input."""

    def __init__(self, inputs: int, growth: int, kernel: int) -> None:
        super().__init__()
        self.bn1 = ImageNorm(inputs)
        self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.bn2 = ImageNorm(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, inputs + growth, H, W)."""
        new = self.conv1(F.relu_(self.bn1(x)))
        return torch.cat([x, self.conv2(F.relu_(self.bn2(new)))], 1)


class Transition(nn.Module):
    """Normalisation, ReLU and a 1x1 convolution; then half, the same or twice the size."""

    def __init__(self, inputs: int, outputs: int, scale: float) -> None:
        super().__init__()
        self.bn1 = ImageNorm(inputs)
        self.conv1 = nn.ConvTranspose2d(inputs, outputs, 1, bias=False)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, scale H, scale W)."""
        x = self.conv1(F.relu_(self.bn1(x)))
        if self.scale < 1:
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.scale > 1 else x


class RainEstimate(nn.Module):
    """The rain layer at a lower scale, in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = DenseBlock(64, 32, 3)
        self.trans_block1 = Transition(96, 32, 1)
        self.conv2 = DenseBlock(32, 32, 3)
        self.trans_block2 = Transition(64, 32, 1)
        self.conv3 = DenseBlock(32, 32, 3)
        self.trans_block3 = Transition(64, 32, 1)
        self.conv_refin = nn.Conv2d(32, 16, 3, padding=1)
        self.refine3 = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 64, H, W) to (N, 3, H, W)."""
        x = self.trans_block1(self.conv1(x))
        x = self.trans_block2(self.conv2(x))
        x = self.trans_block3(self.conv3(x))
        return torch.tanh(self.refine3(F.leaky_relu(self.conv_refin(x), 0.2)))


class Confidence(nn.Module):
    """How far a rain estimate can be trusted, in [0, 1]; ``conv_refin`` is in the released file and never
    run."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(35, 16, 3, padding=1)
        self.conv2 = DenseBlock(16, 16, 3)
        self.trans_block2 = Transition(32, 16, 1)
        self.conv3 = DenseBlock(16, 16, 3)
        self.trans_block3 = Transition(32, 16, 1)
        self.conv_refin = nn.Conv2d(16, 16, 3, padding=1)
        self.refine3 = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 35, H, W) to (N, 3, H, W)."""
        x = self.trans_block2(self.conv2(self.conv1(x)))
        x = self.trans_block3(self.conv3(x))
        return torch.sigmoid(self.refine3(x))


class UMRL(nn.Module):
    """A dense encoder and decoder that estimates rain at three scales, weighed by its confidence.

    Only what the restored image depends on is run: the confidence at full size and the restored images at lower sizes
    serve the training loss. The released test script also stretches each result from its darkest to its brightest
    value, which is left out here. ``batchnorm20`` and ``batchnorm1`` are in the released file and never used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dense_block1 = DenseBlock(3, 29, 5)
        self.trans_block1 = Transition(32, 32, 0.5)
        self.dense_block2 = DenseBlock(32, 32, 5)
        self.trans_block2 = Transition(64, 32, 0.5)
        self.dense_block3 = DenseBlock(32, 32, 5)
        self.trans_block3 = Transition(64, 32, 0.5)
        self.dense_block3_1 = DenseBlock(32, 32, 5)
        self.trans_block3_1 = Transition(64, 32, 0.5)
        self.dense_block3_2 = DenseBlock(32, 32, 5)
        self.trans_block3_2 = Transition(64, 32, 2)
        self.dense_block4 = DenseBlock(64, 32, 5)
        self.trans_block4 = Transition(96, 32, 2)
        self.dense_block5 = DenseBlock(67, 32, 5)
        self.trans_block5 = Transition(99, 32, 2)
        self.dense_block6 = DenseBlock(67, 16, 5)
        self.trans_block6 = Transition(83, 16, 2)
        self.dense_block6_1 = DenseBlock(16, 16, 5)
        self.trans_block6_1 = Transition(32, 16, 1)
        self.conv_refin = nn.Conv2d(16, 16, 3, padding=1)
        self.refine3 = nn.Conv2d(16, 3, 3, padding=1)
        self.refineclean1 = nn.Conv2d(3, 8, 7, padding=3)
        self.refineclean2 = nn.Conv2d(8, 3, 3, padding=1)
        self.batchnorm20 = ImageNorm(20)
        self.batchnorm1 = ImageNorm(1)
        self.res_est = RainEstimate()
        self.conf_res = Confidence()

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 16."""
        rainy = 2 * rainy - 1
        half = self.trans_block1(self.dense_block1(rainy))
        quarter = self.trans_block2(self.dense_block2(half))
        eighth = self.trans_block3(self.dense_block3(quarter))
        bottom = self.trans_block3_1(self.dense_block3_1(eighth))
        x = self.trans_block3_2(self.dense_block3_2(bottom))
        x = self.trans_block4(self.dense_block4(torch.cat([x, eighth], 1)))
        x = self.trans_block5(self.dense_block5(self._with_rain(x, quarter)))
        x = self.trans_block6(self.dense_block6(self._with_rain(x, half)))
        x = self.trans_block6_1(self.dense_block6_1(x))
        rain = torch.tanh(self.refine3(F.leaky_relu(self.conv_refin(x), 0.2)))
        clean = F.leaky_relu(self.refineclean1(rainy - rain), 0.2)
        return (torch.tanh(self.refineclean2(clean)) + 1) / 2

    def _with_rain(self, x: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        """Append the encoder's features and the trusted part of the rain that both show."""
        rain = self.res_est(torch.cat([x, skipped], 1))
        return torch.cat([x, skipped, rain * self.conf_res(torch.cat([x, rain], 1))], 1)
