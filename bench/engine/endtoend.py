"""What a derainer and a model cost one after the other on a frame, as in a car, for ``bench profile --model``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.deadline import unit
from bench.engine.cost import Fault, load_any
from bench.errors import ANYTHING, blame
from bench.vocabulary import NONE

if TYPE_CHECKING:
    from bench.engine.suite import ModelChoice
    from derainers import DerainerSpec

#: Share of the cores that others may keep busy before times are called too long.
_BUSY = 0.5


@dataclass(frozen=True)
class Timing:
    """Seconds of several passes: their median, and the quartiles beside it."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Frame:
    """What a frame costs.

    Attributes:
        label: The derainer's label; ``none`` for the model alone.
        model: The model's name.
        derainer: Restoring it.
        look: Looking at it.
        total: Both.
        memory: Bytes that the process, on a GPU the GPU, holds at its peak; None where the system does not say.
    """

    label: str
    model: str
    derainer: Timing
    look: Timing
    total: Timing
    memory: int | None

    def holds(self, rate: float) -> bool:
        """Whether three of four frames are done in time at ``rate`` frames a second."""
        return self.total.high <= 1 / rate


def profile_frames(
    specs: Sequence[DerainerSpec],
    models: Sequence[ModelChoice],
    size: tuple[int, int],
    device: str,
    precision: str,
    trust: str | None,
    progress: Callable[[str], None],
) -> Iterator[Frame | Fault]:
    """Time every derainer before every model; one that cannot be loaded or run does not keep the others from it.

    Each is given out when it is done, as by :func:`bench.engine.cost.profile_derainers`.

    Args:
        specs: The derainers; the row ``none`` comes by itself. Those without weights run with random ones.
        models: What looks at the restored frame.
        size: Height and width of the frame.
        device: As in ``load_derainer``.
        precision: Likewise.
        trust: SHA-256 of checkpoints that may run code when loaded.
        progress: Called with what is measured before it is.
    """
    from downstream.models import load_model

    for choice in models:
        model = load_model(choice.task, choice.name, choice.checkpoint, device=device, trust=trust)
        name = choice.label or model.name
        for spec in (None, *specs):
            label = NONE if spec is None else spec.label
            progress(f"{label}, {name}")
            try:
                restore = (
                    (lambda image: image) if spec is None else load_any(spec, device, precision, trust)[0]
                )
                with unit(f"derainer {label}", "be measured"):
                    frame = measure_frame(label, name, restore, model.predict, size)
            except ANYTHING as error:  # anyone's code and files
                yield Fault(blame(label, error))
            else:
                yield frame


def measure_frame(
    label: str,
    name: str,
    restore: Callable[[Any], Any],
    look: Callable[[Any], Any],
    size: tuple[int, int],
    least: float = 2.0,
    passes: tuple[int, int] = (5, 30),
) -> Frame:
    """Time one derainer before one model.

    Args:
        label: The derainer's label.
        name: The model's name.
        restore: Image to image, uint8 RGB HxWx3.
        look: Image to anything.
        size: Height and width of the frame.
        least: Passes go on until they have taken this many seconds;
        passes: there are no fewer than the first number and no more than the second.
    """
    from derainers.harness.conformance import peak_held, sample

    image = sample(*size)
    times: list[tuple[float, float]] = []

    def once() -> tuple[float, float]:
        begun = time.perf_counter()
        restored = restore(image)
        between = time.perf_counter()
        look(restored)
        return between - begun, time.perf_counter() - between

    memory = peak_held(once, getattr(restore, "device", None))  # the first pass pays for what is set up once
    while len(times) < passes[1] and (len(times) < passes[0] or sum(map(sum, times)) < least):
        times.append(once())
    return Frame(
        label,
        name,
        timing([restoring for restoring, _ in times]),
        timing([looking for _, looking in times]),
        timing([sum(pair) for pair in times]),
        memory,
    )


def timing(seconds: Sequence[float]) -> Timing:
    """Return median and quartiles.

    Example:
        >>> timing([3.0, 1.0, 2.0])
        Timing(median=2.0, low=1.5, high=2.5)
    """
    import numpy as np

    low, median, high = (float(value) for value in np.percentile(seconds, (25, 50, 75)))
    return Timing(median, low, high)


def busy() -> str | None:
    """Say that others keep this machine busy, so that times are too long; None where it is quiet or does not say."""
    try:
        load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    except (OSError, AttributeError):
        return None
    if load <= _BUSY * cores:
        return None
    return f"this machine is busy (load {load:.1f} on {cores} cores): times are longer than on a quiet one"
