"""The operations that detectors need beyond torch, in plain torch and numpy.

They repeat the arithmetic of mmcv's compiled operations in order and precision, so that the boxes that
survive and the features that are pooled are the same. torchvision's versions are used on a GPU where they
work and agree.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

_BLOCK = 128  # boxes whose overlaps are computed at once: bounds the memory of nms to a block of rows


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        scores: (n,).
        iou_threshold: A box goes when its IoU (float32) with a kept box of a higher score is greater than
            this.
        offset: 0, or 1 where a box's width is right - left + 1.

    Returns:
        int64 indices of the kept boxes, by falling score. Equal scores stand in the order of
        ``Tensor.sort``, which is the very call mmcv makes.
    """
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.int64, device=boxes.device)
    order = torch.sort(scores, dim=0, descending=True).indices
    ordered = boxes.index_select(0, order).to(torch.float32)
    vision = torchvision_ops() if boxes.is_cuda and offset == 0 else None
    if vision is not None:
        ranks = torch.arange(len(ordered), 0, -1, dtype=torch.float32, device=boxes.device)
        return order[vision.nms(ordered, ranks, float(np.float32(iou_threshold)))]
    kept = _greedy(ordered.cpu().numpy(), np.float32(iou_threshold), np.float32(offset))
    return order[torch.from_numpy(kept).to(order.device)]


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft non-maximum suppression (Bodla et al., 2017), on the CPU.

    Args:
        boxes: float32 (n, 4).
        scores: float32 (n,).
        dets: float32 (n, 5), filled in place with the kept boxes and their lowered scores.
        iou_threshold: Overlap from which methods 0 and 1 lower a score.
        sigma: Width of method 2.
        min_score: Boxes whose score falls below this are dropped.
        method: 0 drops, 1 lowers linearly, 2 by a Gaussian.
        offset: 0, or 1 where a box's width is right - left + 1.

    Returns:
        int64 indices of the kept boxes, in the order of ``dets``.
    """
    box = boxes.numpy().astype(np.float32, copy=True)
    score = scores.numpy().astype(np.float32, copy=True)
    index = np.arange(len(box), dtype=np.int64)
    out = dets.numpy()
    extra, threshold, width = np.float32(offset), np.float32(iou_threshold), np.float32(sigma)
    count, i = len(box), 0
    while i < count:
        best = i + int(np.argmax(score[i:count]))
        for values in (box, score, index):
            values[[i, best]] = values[[best, i]]
        out[i, :4], out[i, 4] = box[i], score[i]
        rest = slice(i + 1, count)
        overlap = _iou(box[i : i + 1], box[rest], extra)[0]
        if method == 2:
            score[rest] *= np.exp(-(overlap * overlap) / width)
        else:
            weight = np.float32(1) - overlap if method == 1 else np.float32(0)
            score[rest] *= np.where(overlap >= threshold, weight, np.float32(1))
        # Each dropped box leaves its place to the last one that stays, which decides who wins a later tie.
        stays = score[rest] >= np.float32(min_score)
        left = i + 1 + int(stays.sum())
        holes = i + 1 + np.flatnonzero(~stays[: left - i - 1])
        movers = (i + 1 + np.flatnonzero(stays))[::-1][: len(holes)]
        for values in (box, score, index):
            values[holes] = values[movers]
        count, i = left, i + 1
    return torch.from_numpy(index[:count].copy())


def roi_align_forward(
    features: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """RoI align (He et al., Mask R-CNN, 2017, section 3) by averaging bilinear samples.

    Args:
        features: (b, c, h, w).
        rois: (n, 5) batch index, left, top, right, bottom, in pixels of the image.
        output: (n, c, aligned_height, aligned_width), filled in place.
        argmax_y: Unused, for max pooling.
        argmax_x: Unused, for max pooling.
        aligned_height: Bins of the output.
        aligned_width: Bins of the output.
        spatial_scale: Pixels of the feature map per pixel of the image.
        sampling_ratio: Samples per bin and axis; 0 takes one per pixel, rounded up.
        pool_mode: 1 averages; 0 (maximum) is not served.
        aligned: Whether pixel centres lie at halves.

    Raises:
        NotImplementedError: For max pooling.
    """
    if pool_mode != 1:
        raise NotImplementedError("roi_align with pool_mode='max' needs the compiled mmcv")
    vision = torchvision_ops() if features.is_cuda else None
    if vision is not None:
        size = (aligned_height, aligned_width)
        output.copy_(vision.roi_align(features, rois, size, spatial_scale, sampling_ratio, aligned))
        return
    bins = (aligned_height, aligned_width)
    for i, (batch, rows, columns, left) in enumerate(
        _windows(features, rois, bins, spatial_scale, sampling_ratio, aligned)
    ):
        y, x = left
        patch = features[batch, :, y : y + rows.shape[1], x : x + columns.shape[1]].to(rows.dtype)
        output[i] = rows @ patch @ columns.T


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the gradient of :func:`roi_align_forward` to ``grad_input`` (b, c, h, w); arguments as there.

    Raises:
        NotImplementedError: For max pooling.
    """
    if pool_mode != 1:
        raise NotImplementedError("roi_align with pool_mode='max' needs the compiled mmcv")
    bins = (aligned_height, aligned_width)
    for i, (batch, rows, columns, left) in enumerate(
        _windows(grad_input, rois, bins, spatial_scale, sampling_ratio, aligned)
    ):
        y, x = left
        patch = grad_input[batch, :, y : y + rows.shape[1], x : x + columns.shape[1]]
        patch += (rows.T @ grad_output[i].to(rows.dtype) @ columns).to(patch.dtype)


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Multi-scale deformable attention (Zhu et al., Deformable DETR, 2021, equation 3).

    Args:
        value: (b, keys, heads, dim), the levels' maps one after another.
        value_spatial_shapes: (levels, 2) height and width.
        value_level_start_index: (levels,) first key of each level.
        sampling_locations: (b, queries, heads, levels, points, 2), x and y in [0, 1].
        attention_weights: (b, queries, heads, levels, points).
        im2col_step: Unused, an option of the compiled version.

    Returns:
        (b, queries, heads * dim).
    """
    batch, _, heads, dim = value.shape
    queries, points = sampling_locations.shape[1], sampling_locations.shape[4]
    total = value.new_zeros(batch * heads, dim, queries)
    starts = value_level_start_index.tolist()
    for level, (height, width) in enumerate(value_spatial_shapes.tolist()):
        keys = value[:, starts[level] : starts[level] + height * width]
        maps = keys.permute(0, 2, 3, 1).reshape(batch * heads, dim, height, width)
        grid = (2 * sampling_locations[:, :, :, level] - 1).transpose(1, 2).flatten(0, 1)
        sampled = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        weights = attention_weights[:, :, :, level].transpose(1, 2).reshape(batch * heads, 1, queries, points)
        total = total + (sampled * weights).sum(-1)
    return total.view(batch, heads * dim, queries).transpose(1, 2).contiguous()


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Fill the gradients of :func:`ms_deform_attn_forward`; the last three tensors are written in place."""
    with torch.enable_grad():
        inputs = [
            tensor.detach().requires_grad_() for tensor in (value, sampling_locations, attention_weights)
        ]
        output = ms_deform_attn_forward(
            inputs[0], value_spatial_shapes, value_level_start_index, inputs[1], inputs[2], im2col_step
        )
        gradients = torch.autograd.grad(output, inputs, grad_output)
    for target, gradient in zip((grad_value, grad_sampling_loc, grad_attn_weight), gradients, strict=True):
        target.copy_(gradient)


@functools.cache
def torchvision_ops() -> Any | None:
    """torchvision's operations, or None where they cannot be imported or do not give what the plain ones
    give.

    A torchvision wheel made for another torch imports and then fails at the first call, or not at all.
    """
    try:
        ops = importlib.import_module("torchvision.ops")
        boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 10, 10], [20, 20, 30, 30]])
        scores = torch.tensor([0.5, 0.9, 0.1])
        features = torch.arange(64.0).view(1, 1, 8, 8)
        rois = torch.tensor([[0.0, 1, 1, 6, 5]])
        ours = torch.zeros(1, 1, 2, 2)
        roi_align_forward(features, rois, ours, ours, ours, 2, 2, 1.0, 0, 1, True)
        theirs = ops.roi_align(features, rois, (2, 2), 1.0, 0, True)
        agree = torch.equal(ops.nms(boxes, scores, 0.5), nms(boxes, scores, 0.5, 0))
        return ops if agree and torch.allclose(ours, theirs) else None
    except Exception:  # whatever a broken wheel raises means the same: not usable
        return None


def _greedy(boxes: NDArray[np.float32], threshold: np.float32, offset: np.float32) -> NDArray[np.int64]:
    """Positions of the boxes that greedy suppression keeps; ``boxes`` come by falling score."""
    rest = np.arange(len(boxes))
    kept: list[NDArray[np.int64]] = []
    while rest.size:
        block = rest[:_BLOCK]
        hit = _iou(boxes[block], boxes[rest], offset) > threshold
        alive = np.ones(len(block), dtype=bool)
        for i in range(len(block)):
            if alive[i]:
                alive[i + 1 :] &= ~hit[i, i + 1 : len(block)]
        kept.append(block[alive])
        later = ~hit[alive, len(block) :].any(axis=0)
        rest = rest[len(block) :][later]
    return np.concatenate(kept)


def _iou(first: NDArray[np.float32], second: NDArray[np.float32], offset: np.float32) -> NDArray[np.float32]:
    """Overlaps of every box with every other, (n, 4) x (m, 4) -> (n, m), float32 throughout."""
    a, b = first[:, None], second[None]
    zero = np.float32(0)
    width = np.maximum(np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]) + offset, zero)
    height = np.maximum(np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]) + offset, zero)
    inter = width * height
    with np.errstate(divide="ignore", invalid="ignore"):  # boxes without area: 0 / 0 suppresses nothing
        return inter / (_area(a, offset) + _area(b, offset) - inter)


def _area(boxes: NDArray[np.float32], offset: np.float32) -> NDArray[np.float32]:
    return (boxes[..., 2] - boxes[..., 0] + offset) * (boxes[..., 3] - boxes[..., 1] + offset)


def _windows(
    features: Tensor, rois: Tensor, bins: tuple[int, int], scale: float, ratio: int, aligned: bool
) -> Any:
    """For each RoI: its batch index, the weights of rows and of columns, and the window they apply to.

    The mean of bilinear samples on a grid is separable: a bin is a weighted sum of rows of a weighted sum
    of columns. Yields (batch, (bins_y, h), (bins_x, w), (top, left)), with the window cut to the samples'
    reach.
    """
    exact = rois.to(torch.promote_types(features.dtype, torch.float32))
    low = exact[:, 1:3] * scale - (0.5 if aligned else 0.0)
    high = exact[:, 3:5] * scale - (0.5 if aligned else 0.0)
    size = high - low
    if not aligned:
        size = size.clamp(min=1.0)
    starts, sizes = low.cpu().numpy(), size.cpu().numpy()
    for i, batch in enumerate(exact[:, 0].long().tolist()):
        left, columns = _weights(starts[i][0], sizes[i][0], bins[1], ratio, features.shape[3], low)
        top, rows = _weights(starts[i][1], sizes[i][1], bins[0], ratio, features.shape[2], low)
        yield batch, rows, columns, (top, left)


def _weights(
    start: np.floating[Any], size: np.floating[Any], bins: int, ratio: int, length: int, like: Tensor
) -> tuple[int, Tensor]:
    """First index, and (bins, n) weights with which the samples along one axis read ``length`` pixels."""
    kind = type(start)  # positions are rounded as in the compiled version: those on the border decide by it
    step = kind(size / kind(bins))
    grid = ratio if ratio > 0 else max(int(np.ceil(step)), 0)
    if grid == 0:
        return 0, like.new_zeros(bins, 1)
    first_of_bin = start + np.arange(bins, dtype=kind) * step
    in_bin = (np.arange(grid, dtype=kind) + kind(0.5)) * step / kind(grid)
    position = first_of_bin[:, None] + in_bin[None]
    inside = (position >= -1.0) & (position <= length)  # farther samples count as zero
    position = position.clip(0, length - 1)
    first = int(position.min())
    pixels = np.arange(first, min(int(position.max()) + 1, length - 1) + 1, dtype=kind)
    hat = np.maximum(kind(1) - np.abs(position[..., None] - pixels), kind(0)) * inside[..., None]
    return first, torch.from_numpy(hat.mean(axis=1)).to(like)
