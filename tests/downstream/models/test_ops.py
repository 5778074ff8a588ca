from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.models import ops


def reference_nms(boxes, scores, threshold, offset):
    """Greedy suppression, one pair at a time, in float32."""
    f = np.float32
    order = torch.sort(torch.from_numpy(scores), dim=0, descending=True).indices.tolist()
    kept = []
    for i in order:
        for j in kept:
            a, b = boxes[j], boxes[i]
            w = max(f(0), min(a[2], b[2]) - max(a[0], b[0]) + f(offset))
            h = max(f(0), min(a[3], b[3]) - max(a[1], b[1]) + f(offset))
            area_a = (a[2] - a[0] + f(offset)) * (a[3] - a[1] + f(offset))
            area_b = (b[2] - b[0] + f(offset)) * (b[3] - b[1] + f(offset))
            union = area_a + area_b - w * h
            if union != 0 and w * h / union > f(threshold):
                break
        else:
            kept.append(i)
    return kept


def random_boxes(rng, count, steps):
    """Boxes on a coarse grid, so that overlaps meet the threshold exactly and scores are often equal."""
    corner = rng.integers(0, steps, (count, 2))
    size = rng.integers(0, steps, (count, 2))
    boxes = np.concatenate([corner, corner + size], 1).astype(np.float32)
    scores = (rng.integers(0, steps, count) / steps).astype(np.float32)
    return boxes, scores


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 60),
    steps=st.sampled_from([4, 10, 1000]),
    threshold=st.sampled_from([0.0, 0.25, 0.5, 0.65, 1.0]),
    offset=st.sampled_from([0, 1]),
)
def test_nms_equals_the_plain_definition(seed, count, steps, threshold, offset):
    boxes, scores = random_boxes(np.random.default_rng(seed), count, steps)
    kept = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold, offset)
    assert kept.dtype == torch.int64
    assert kept.tolist() == reference_nms(boxes, scores, threshold, offset)


def test_nms_of_many_blocks():
    boxes, scores = random_boxes(np.random.default_rng(0), 700, 40)
    kept = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5, 0)
    assert kept.tolist() == reference_nms(boxes, scores, 0.5, 0)


def test_nms_of_nothing_and_of_half_precision():
    assert ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5, 0).tolist() == []
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4]])
    assert ops.nms(boxes.half(), torch.tensor([0.1, 0.2]).half(), 0.5, 0).tolist() == [1]


def test_nms_compares_in_float32():
    # 13 / 20 in float32 is not greater than the float32 0.65, but it is greater than or less than the double.
    boxes = torch.tensor([[0.0, 0, 20, 1], [0, 0, 13, 1]])
    assert ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.65, 0).tolist() == [0, 1]


def reference_softnms(boxes, scores, threshold, sigma, minimum, method, offset):
    """Soft-NMS with mmcv's bookkeeping, one box at a time: a dropped box is replaced by the last."""
    f = np.float32
    items = [(b.copy(), f(s), i) for i, (b, s) in enumerate(zip(boxes, scores, strict=True))]
    i = 0
    while i < len(items):
        best = max(range(i, len(items)), key=lambda k: (items[k][1], -k))
        items[i], items[best] = items[best], items[i]
        a = items[i][0]
        k = i + 1
        while k < len(items):
            b, score, index = items[k]
            w = max(f(0), min(a[2], b[2]) - max(a[0], b[0]) + f(offset))
            h = max(f(0), min(a[3], b[3]) - max(a[1], b[1]) + f(offset))
            area = (a[2] - a[0] + f(offset)) * (a[3] - a[1] + f(offset))
            area = area + (b[2] - b[0] + f(offset)) * (b[3] - b[1] + f(offset)) - w * h
            overlap = w * h / area
            if method == 2:
                score = score * np.exp(-(overlap * overlap) / f(sigma))
            elif overlap >= f(threshold):
                score = score * (f(1) - overlap if method == 1 else f(0))
            items[k] = (b, score, index)
            if score < f(minimum):
                items[k] = items[-1]
                items.pop()
            else:
                k += 1
        i += 1
    return items


@pytest.mark.parametrize("method", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_softnms_keeps_the_same_boxes_in_the_same_order(method, seed):
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(rng, 80, 30)
    boxes[:, 2:] += 1
    dets = torch.zeros(80, 5)
    kept = ops.softnms(
        torch.from_numpy(boxes),
        torch.from_numpy(scores),
        dets,
        0.3,
        0.5,
        0.05,
        method=method,
        offset=seed % 2,
    )
    wanted = reference_softnms(boxes, scores, 0.3, 0.5, 0.05, method, seed % 2)
    assert kept.tolist() == [index for _, _, index in wanted]
    np.testing.assert_allclose(dets[: len(kept), 4].numpy(), [score for _, score, _ in wanted], rtol=1e-6)
    np.testing.assert_array_equal(dets[: len(kept), :4].numpy(), boxes[kept.numpy()])


def sample(plane, y, x):
    """Bilinear sample of a plane; zero beyond one pixel outside."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    fy, fx = y - top, x - left
    upper = plane[top, left] * (1 - fx) + plane[top, right] * fx
    lower = plane[bottom, left] * (1 - fx) + plane[bottom, right] * fx
    return upper * (1 - fy) + lower * fy


def reference_roi_align(features, rois, bins, scale, ratio, aligned):
    out = np.zeros((len(rois), features.shape[1], *bins))
    for r, (batch, *corners) in enumerate(rois):
        x0, y0, x1, y1 = (c * scale - (0.5 if aligned else 0) for c in corners)
        height, width = y1 - y0, x1 - x0
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        gy = ratio if ratio > 0 else int(np.ceil(height / bins[0]))
        gx = ratio if ratio > 0 else int(np.ceil(width / bins[1]))
        for c in range(features.shape[1]):
            for by in range(bins[0]):
                for bx in range(bins[1]):
                    total = 0.0
                    for sy in range(gy):
                        for sx in range(gx):
                            y = y0 + by * (height / bins[0]) + (sy + 0.5) * (height / bins[0]) / gy
                            x = x0 + bx * (width / bins[1]) + (sx + 0.5) * (width / bins[1]) / gx
                            total += sample(features[int(batch), c], y, x)
                    out[r, c, by, bx] = total / max(gy * gx, 1)
    return out


ROIS = np.array(
    [
        [0, 2, 3, 30, 20],
        [1, -9, -6, 12, 70],  # past the border: samples beyond one pixel count as zero
        [1, 5.3, 6.1, 5.9, 6.4],  # smaller than a bin
        [0, 0, 0, 44, 36],
        [0, 7, 7, 7, 7],  # empty
    ]
)


def forward(features, rois, bins, scale, ratio, aligned):
    out = features.new_zeros(len(rois), features.shape[1], *bins)
    none = features.new_zeros(0)
    ops.roi_align_forward(features, rois, out, none, none, *bins, scale, ratio, 1, aligned)
    return out


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize(("bins", "scale"), [((7, 7), 0.25), ((2, 3), 1.0)])
def test_roi_align_equals_the_plain_definition(aligned, ratio, bins, scale):
    features = np.random.default_rng(1).normal(size=(2, 2, 9, 11))
    wanted = reference_roi_align(features, ROIS, bins, scale, ratio, aligned)
    got = forward(torch.from_numpy(features), torch.from_numpy(ROIS), bins, scale, ratio, aligned)
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-12)


class Align(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, rois, ratio, aligned):
        ctx.saved = (features.shape, rois, ratio, aligned)
        return forward(features, rois, (3, 2), 0.5, ratio, aligned)

    @staticmethod
    def backward(ctx, grad):
        shape, rois, ratio, aligned = ctx.saved
        out, none = grad.new_zeros(shape), grad.new_zeros(0)
        ops.roi_align_backward(grad.contiguous(), rois, none, none, out, 3, 2, 0.5, ratio, 1, aligned)
        return out, None, None, None


@pytest.mark.parametrize(("ratio", "aligned"), [(0, True), (2, False)])
def test_roi_align_gradient(ratio, aligned):
    features = torch.randn(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    rois = torch.from_numpy(ROIS[:4] / 4)
    rois[:, 0] = torch.tensor([0, 1, 1, 0])
    assert torch.autograd.gradcheck(lambda x: Align.apply(x, rois, ratio, aligned), (features,))


def attention_inputs(dtype=torch.float64):
    shapes = torch.tensor([[5, 4], [3, 2]])
    starts = torch.tensor([0, 20])
    torch.manual_seed(0)
    value = torch.randn(2, 26, 2, 3, dtype=dtype)
    places = torch.rand(2, 7, 2, 2, 3, 2, dtype=dtype) * 1.4 - 0.2
    weights = torch.rand(2, 7, 2, 2, 3, dtype=dtype)
    return value, shapes, starts, places, weights


def test_deformable_attention_equals_the_plain_definition():
    value, shapes, starts, places, weights = attention_inputs()
    got = ops.ms_deform_attn_forward(value, shapes, starts, places, weights, im2col_step=64)
    wanted = np.zeros((2, 7, 2, 3))
    for b in range(2):
        for q in range(7):
            for h in range(2):
                for level, (height, width) in enumerate(shapes.tolist()):
                    keys = value[b, starts[level] : starts[level] + height * width, h]
                    # Zero padding: a border of zeros around the map, then plain bilinear sampling.
                    planes = np.pad(keys.T.reshape(3, height, width).numpy(), ((0, 0), (2, 2), (2, 2)))
                    for p in range(3):
                        x, y = places[b, q, h, level, p].tolist()
                        for d in range(3):
                            at = sample(planes[d], y * height - 0.5 + 2, x * width - 0.5 + 2)
                            wanted[b, q, h, d] += at * weights[b, q, h, level, p].item()
    np.testing.assert_allclose(got.numpy(), wanted.reshape(2, 7, 6), atol=1e-12)


def test_deformable_attention_gradient():
    value, shapes, starts, places, weights = attention_inputs()
    upstream = torch.randn(2, 7, 6, dtype=torch.float64)
    grads = [torch.zeros_like(tensor) for tensor in (value, places, weights)]
    ops.ms_deform_attn_backward(value, shapes, starts, places, weights, upstream, *grads, im2col_step=64)

    def score(value, weights):
        out = ops.ms_deform_attn_forward(value, shapes, starts, places, weights, im2col_step=64)
        return (out * upstream).sum()

    step = 1e-6
    for tensor, grad, place in ((value, grads[0], (0, 3, 1, 2)), (weights, grads[2], (1, 2, 0, 1, 1))):
        up, down = tensor.clone(), tensor.clone()
        up[place] += step
        down[place] -= step
        args = ((up, weights), (down, weights)) if tensor is value else ((value, up), (value, down))
        slope = (score(*args[0]) - score(*args[1])) / (2 * step)
        assert grad[place].item() == pytest.approx(slope.item(), abs=1e-6)


def test_a_torchvision_that_disagrees_is_not_used(monkeypatch):
    import sys
    import types

    fake = types.ModuleType("torchvision.ops")
    fake.nms = lambda boxes, scores, threshold: torch.tensor([0])
    fake.roi_align = lambda *args: torch.zeros(1, 1, 2, 2)
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.ops", fake)
    ops.torchvision_ops.cache_clear()
    try:
        assert ops.torchvision_ops() is None
    finally:
        ops.torchvision_ops.cache_clear()


def test_max_pooling_is_refused():
    none = torch.zeros(0)
    with pytest.raises(NotImplementedError, match="compiled mmcv"):
        ops.roi_align_forward(torch.zeros(1, 1, 4, 4), none, none, none, none, 2, 2, 1.0, 0, 0, True)
