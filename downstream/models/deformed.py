"""Deformable convolution and CARAFE's upsampling in plain torch, as mmcv's compiled extension has them.

Forward only: networks look, and are not trained. See :mod:`downstream.models.mmops` for what calls them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def deform_conv_forward(
    features: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **how: int,
) -> None:
    """Convolve at shifted places (Dai et al., Deformable Convolutional Networks, 2017, equation 2).

    Args:
        features: (b, c, h, w).
        weight: (out, c / group, kernel height, kernel width).
        offset: (b, 2 * deformable_group * kernel size, H, W): down and right, in pixels, of each place of the kernel.
        output: (b, out, H, W), filled in place.
        columns: Unused.
        ones: Unused.
        how: ``dH``, ``dW`` (stride), ``padH``, ``padW``, ``dilationH``, ``dilationW``, ``group``,
            ``deformable_group``; ``kH``, ``kW`` and ``im2col_step`` are not needed.
    """
    steps = tuple((how[f"{name}H"], how[f"{name}W"]) for name in ("d", "pad", "dilation"))
    output.copy_(
        _convolved(
            features, weight, offset, None, output.shape[2:], steps, how["group"], how["deformable_group"]
        )
    )


def modulated_deform_conv_forward(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    **how: Any,
) -> None:
    """Convolve at shifted places, each weighted (Zhu et al., Deformable ConvNets v2, 2019, equation 1).

    Args:
        features: As for :func:`deform_conv_forward`; so are ``weight``, ``offset``, ``output``.
        weight: See there.
        bias: (out,), used where ``with_bias`` is true.
        ones: Unused.
        offset: See there.
        mask: (b, deformable_group * kernel size, H, W), what each place counts.
        output: See there.
        columns: Unused.
        how: ``stride_h``, ``stride_w``, ``pad_h``, ``pad_w``, ``dilation_h``, ``dilation_w``, ``group``,
            ``deformable_group``, ``with_bias``; ``kernel_h`` and ``kernel_w`` are not needed.
    """
    steps = tuple((how[f"{name}_h"], how[f"{name}_w"]) for name in ("stride", "pad", "dilation"))
    found = _convolved(
        features, weight, offset, mask, output.shape[2:], steps, how["group"], how["deformable_group"]
    )
    output.copy_(found + bias[None, :, None, None] if how["with_bias"] else found)


def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Enlarge by weighted sums of each place's neighbours (Wang et al., CARAFE, 2019, equation 2).

    Args:
        features: (b, c, h, w).
        masks: (b, group_size * kernel_size ** 2, h * scale_factor, w * scale_factor), the weights.
        rfeatures: Unused.
        routput: Unused.
        rmasks: Unused.
        output: (b, c, h * scale_factor, w * scale_factor), filled in place.
        kernel_size: Side of the neighbourhood, odd; zero beyond the image.
        group_size: Groups of channels with weights of their own.
        scale_factor: How many times larger.
    """
    batch, channels, height, width = features.shape
    around = F.unfold(features, kernel_size, padding=kernel_size // 2)
    near = around.view(batch, channels * kernel_size**2, height, width)
    near = near.repeat_interleave(scale_factor, 2).repeat_interleave(scale_factor, 3)
    near = near.view(batch, group_size, channels // group_size, kernel_size**2, *near.shape[2:])
    weights = masks.view(batch, group_size, 1, kernel_size**2, *masks.shape[2:])
    output.copy_((near * weights).sum(3).view_as(output))


def _convolved(
    features: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    size: Sequence[int],
    steps: tuple[tuple[int, int], ...],
    groups: int,
    deformed: int,
) -> Tensor:
    """The convolution without its bias, of height and width ``size``.

    ``steps`` are stride, padding and dilation, down and right each. Offsets and mask may be of another size than the
    output, as DyHead's are: the compiled operation then reads the numbers as they lie, and so does this.
    """
    batch, channels, height, width = features.shape
    stride, padding, dilation = steps
    kernel, (rows, columns) = weight.shape[2:], size
    taps = kernel[0] * kernel[1]
    shift = _laid(offset, (batch, deformed, taps, 2, rows, columns))
    places = []
    for axis in (0, 1):  # where each place of the kernel lies without a shift, (taps, rows or columns)
        steps_in = torch.arange(kernel[axis], device=features.device) * dilation[axis] - padding[axis]
        steps_in = steps_in[:, None].expand(kernel) if axis == 0 else steps_in[None].expand(kernel)
        corners = torch.arange(size[axis], device=features.device) * stride[axis]
        places.append(steps_in.reshape(-1, 1) + corners)
    down = shift[:, :, :, 0] + places[0][:, :, None]
    right = shift[:, :, :, 1] + places[1][:, None, :]
    grid = torch.stack([(2 * right + 1) / width - 1, (2 * down + 1) / height - 1], -1)
    taken = F.grid_sample(  # bilinear, zero beyond the image
        features.reshape(batch * deformed, channels // deformed, height, width),
        grid.view(batch * deformed, taps * rows, columns, 2).to(features.dtype),
        align_corners=False,
    ).view(batch, deformed, channels // deformed, taps, rows, columns)
    if mask is not None:
        taken = taken * _laid(mask, (batch, deformed, 1, taps, rows, columns))
    taken = taken.reshape(batch, groups, channels // groups * taps, rows * columns)
    found = torch.einsum("gok,bgkp->bgop", weight.view(groups, weight.shape[0] // groups, -1), taken)
    return found.reshape(batch, weight.shape[0], rows, columns)


def _laid(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The first numbers of each image, as they lie, in another shape."""
    return numbers.reshape(len(numbers), -1)[:, : math.prod(shape[1:])].reshape(shape)
