"""EfficientDeRain: Guo et al., "EfficientDeRain: Learning Pixel-wise Dilation Filtering for High-Efficiency
Single-Image Deraining", AAAI 2021."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

#: The predicted filters are applied at these dilations.
DILATIONS = (1, 2, 3, 4)


class Convs(nn.Module):
    """Three 3x3 convolutions with ReLU, under the authors' name."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (inputs, outputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
        self.conv1 = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return self.conv1(x)


class EfficientDeRain(nn.Module):
    """Predicts a filter for each pixel and colour, and applies it at four dilations; defaults are those of the
    released weights (the class of the authors' code says 5 for the filters' size, their scripts 3).

    Args:
        kernel_size: Of the filters; the authors' list of one.
        widths: Channels of the five levels.
    """

    def __init__(
        self,
        kernel_size: tuple[int, ...] = (3,),
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
    ) -> None:
        super().__init__()
        (self.size,) = kernel_size
        filters = 3 * self.size**2
        for level, (inputs, outputs) in enumerate(zip((3, *widths), widths, strict=False)):
            self.add_module(f"conv{level + 1}", Convs(inputs, outputs))
        self.conv6 = Convs(widths[3] + widths[4], widths[3])
        self.conv7 = Convs(widths[2] + widths[3], widths[2])
        self.conv8 = Convs(widths[1] + widths[2], filters)
        self.outc = nn.Conv2d(filters, filters, 1)
        self.conv_final = nn.Conv2d(3 * len(DILATIONS), 3, 3, padding=1)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 16; not clamped."""
        filters = self.outc(_doubled(self._features(rainy)))
        filters = filters.unflatten(1, (3, self.size**2))
        return self.conv_final(torch.cat([self._filtered(rainy, filters, step) for step in DILATIONS], 1))

    def _features(self, rainy: torch.Tensor) -> torch.Tensor:
        """What the filters are made of, at half the size."""
        levels = [self.get_submodule("conv1")(rainy)]
        for level in range(2, 6):
            levels.append(self.get_submodule(f"conv{level}")(F.avg_pool2d(levels[-1], 2)))
        x = levels[4]
        for skip, merge in ((levels[3], self.conv6), (levels[2], self.conv7), (levels[1], self.conv8)):
            x = merge(torch.cat([skip, _doubled(x)], 1))
        return x

    def _filtered(self, image: torch.Tensor, filters: torch.Tensor, dilation: int) -> torch.Tensor:
        """Apply (N, 3, taps, H, W) filters to (N, 3, H, W), black beyond its edges; taps go row by row."""
        height, width = image.shape[2:]
        reach = self.size // 2 * dilation
        padded = F.pad(image, (reach, reach, reach, reach))
        result = torch.zeros_like(image)
        for tap, kernel in enumerate(filters.unbind(2)):
            row, column = (step * dilation for step in divmod(tap, self.size))
            result = result.addcmul(kernel, padded[:, :, row : row + height, column : column + width])
        return result


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
