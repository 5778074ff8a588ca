"""What a derainer costs: parameters, multiply-adds, time and memory."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derainers.base import Derainer
from derainers.harness.conformance import peak_memory, sample

if TYPE_CHECKING:
    from torch import nn

#: Sizes (height, width) at which time is taken: a training crop, a Rain100 image, half a Cityscapes frame.
SIZES = ((256, 256), (320, 480), (512, 1024))


@dataclass(frozen=True)
class Cost:
    """What a derainer costs.

    Attributes:
        params: Number of parameters; ``None`` where it is no network whose insides are known.
        macs: Multiply-adds for a 256x256 image; ``None`` likewise.
        seconds: Per image, for each size that was asked for; ``None`` where it was left out for taking too long.
        memory: Bytes on top of what was held, for an image of the first size; ``None`` where the system does not say.
    """

    params: int | None
    macs: int | None
    seconds: tuple[float | None, ...]
    memory: int | None


def count_macs(module: nn.Module, height: int, width: int) -> int:
    """Multiply-adds of convolutions and matrix products in one pass over an image, found without computing anything.

    Args:
        module: A network on NCHW; it is copied to PyTorch's meta device, which has shapes and no values.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape_only = copy.deepcopy(module).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shape_only(torch.empty(1, 3, height, width, device="meta"))
    return counter.get_total_flops() // 2


def measure(derainer: Derainer, sizes: Sequence[tuple[int, int]] = SIZES, seconds: float = 30.0) -> Cost:
    """Measure what a derainer costs on this machine.

    Args:
        derainer: Any; multiply-adds are known for PyTorch networks only.
        sizes: Height and width of the images that are timed, from small to large.
        seconds: A size at which one image is expected to take longer is left out.
    """
    memory = peak_memory(lambda: derainer(sample(*sizes[0])), getattr(derainer, "device", None))
    times: list[float | None] = []
    rate = 0.0  # seconds per pixel, from the size before
    for height, width in sizes:
        if rate * height * width > seconds:
            times.append(None)
            continue
        # The first size was warmed up when its memory was measured; a pass can take minutes.
        taken = time_image(derainer, height, width, warm=not times)
        rate = taken / (height * width)
        times.append(taken)
    return Cost(derainer.card.params, _macs_256(derainer), tuple(times), memory)


def _macs_256(derainer: Derainer) -> int | None:
    """Multiply-adds for a 256x256 image; of a network that takes one size only, for as many pixels without overlap."""
    network = getattr(derainer, "module", None)
    if network is None:
        return None
    side = 256 if derainer.card.fixed is None else derainer.card.fixed.side
    return count_macs(network, side, side) * 256**2 // side**2


def time_image(
    derainer: Derainer, height: int, width: int, warm: bool = False, least: float = 0.5, most: int = 10
) -> float:
    """Seconds per image: the median of several passes, after one that is not counted.

    Args:
        derainer: Any.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        warm: An image of this size was restored just before, so no pass is left uncounted.
        least: Passes go on until they have taken this many seconds,
        most: or there were so many.
    """
    image = sample(height, width)
    if not warm:
        derainer(image)
    times: list[float] = []
    while len(times) < most and (not times or sum(times) < least):
        begun = time.perf_counter()
        derainer(image)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
