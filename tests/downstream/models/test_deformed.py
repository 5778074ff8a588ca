"""Deformable convolution and CARAFE through mmcv's own functions, against what they are where nothing is deformed."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("mmcv")


@pytest.fixture(scope="module", autouse=True)
def _ops() -> None:
    from downstream.models.mmops import install_fallback_ops

    if install_fallback_ops() == "compiled":
        pytest.skip("mmcv is compiled here")


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


HOW = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("deformed", [1, 2])
def test_without_a_shift_it_is_a_convolution(groups: int, deformed: int) -> None:
    from mmcv.ops import deform_conv2d, modulated_deform_conv2d

    image, weight, bias = drawn(2, 4, 9, 8), drawn(6, 4 // groups, 3, 3), drawn(6)
    wanted = F.conv2d(image, weight, None, groups=groups, **HOW)
    still = torch.zeros(2, 2 * deformed * 9, *wanted.shape[2:])
    found = deform_conv2d(image, still, weight, *HOW.values(), groups, deformed)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    half = torch.full((2, deformed * 9, *wanted.shape[2:]), 0.5)
    found = modulated_deform_conv2d(image, still, half, weight, bias, *HOW.values(), groups, deformed)
    torch.testing.assert_close(found, wanted / 2 + bias[:, None, None], rtol=1e-4, atol=1e-5)


def test_each_group_and_place_is_shifted_by_its_own_offset() -> None:
    from mmcv.ops import deform_conv2d

    image, weight = drawn(1, 2, 6, 7), drawn(1, 2, 1, 2)
    offset = torch.zeros(1, 2, 2, 2, 6, 6)  # group, place, down and right
    offset[:, 0, 0, 0], offset[:, 0, 1, 1], offset[:, 1, 0, 1] = 1.0, -0.25, 0.5
    found = deform_conv2d(image, offset.view(1, 8, 6, 6), weight, 1, 0, 1, 1, 2)[0, 0]

    def at(channel: int, row: float, column: float) -> float:
        total = 0.0
        for y in range(6):
            for x in range(7):
                total += (
                    max(0.0, 1 - abs(y - row))
                    * max(0.0, 1 - abs(x - column))
                    * float(image[0, channel, y, x])
                )
        return total

    shifts = {(0, 0): (1, 0), (0, 1): (0, -0.25), (1, 0): (0, 0.5), (1, 1): (0, 0)}
    for row, column in ((0, 0), (2, 3), (5, 5)):  # below the last row there is nothing
        wanted = sum(
            float(weight[0, channel, 0, place]) * at(channel, row + down, column + place + right)
            for (channel, place), (down, right) in shifts.items()
        )
        assert float(found[row, column]) == pytest.approx(wanted, abs=1e-5)


def test_offsets_of_a_larger_map_are_read_as_they_lie() -> None:
    from mmcv.ops import modulated_deform_conv2d

    image, weight, bias = drawn(1, 2, 4, 4), drawn(2, 2, 3, 3), torch.zeros(2)
    offset, mask = drawn(1, 18, 8, 8), drawn(1, 9, 8, 8)
    found = modulated_deform_conv2d(image, offset, mask, weight, bias, 1, 1)
    first, counts = offset.flatten()[: 18 * 16].view(1, 18, 4, 4), mask.flatten()[: 9 * 16].view(1, 9, 4, 4)
    torch.testing.assert_close(found, modulated_deform_conv2d(image, first, counts, weight, bias, 1, 1))


def test_carafe_with_all_the_weight_on_the_centre_repeats_and_on_a_neighbour_shifts() -> None:
    from mmcv.ops import carafe

    image = drawn(1, 4, 3, 5)
    repeated = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    masks = torch.zeros(1, 2, 9, 6, 10)
    masks[:, 0, 4], masks[:, 1, 5] = 1.0, 1.0  # the second group takes the neighbour to the right
    found = carafe(image, masks.view(1, 18, 6, 10), 3, 2, 2)
    torch.testing.assert_close(found[:, :2], repeated[:, :2])
    torch.testing.assert_close(found[:, 2:, :, :-2], repeated[:, 2:, :, 2:])
    assert not found[:, 2:, :, -2:].any()
