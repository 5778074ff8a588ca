"""How long a training will take, measured on its own first steps before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from bench.errors import ANYTHING, BadConfig, BenchError, said
from bench.train.config import TrainConfig
from bench.train.data import Batches
from bench.train.hooks import apply_stage, span
from bench.train.model import Restorer


@dataclass(frozen=True)
class Stretch:
    """Steps that cost the same.

    Attributes:
        steps: How many are left.
        seconds: What one takes.
    """

    steps: int
    seconds: float


def estimate(config: TrainConfig, model: Restorer, batches: Batches, first: int) -> list[Stretch]:
    """Go forward and backward at the beginning of every stage that is left, twice; the second time is measured.

    The network, its settings and torch's random numbers are left as they were.

    Args:
        config: The training.
        model: On its device, without a wrapper for several processes.
        batches: What it will be given.
        first: The step it starts from.

    Raises:
        BadConfig: A step cannot be done: a setting that the network does not have, an image that it does not restore
            in its size.
    """
    network = model.network
    settings = {name: getattr(network, name, None) for stage in config.stages for name in stage.set}
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    found, begin = [], 0
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    network.train()
    with torch.random.fork_rng(devices):
        for stage in config.stages:
            start, begin = max(first, begin), stage.until
            if start >= stage.until:
                continue
            apply_stage(network, stage)
            _step(config, model, batches, start)
            clock = time.monotonic()
            _step(config, model, batches, start)
            found.append(Stretch(stage.until - start, time.monotonic() - clock))
    for name, value in settings.items():
        setattr(network, name, value)
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            buffer.copy_(buffers[name])
    return found


def _step(config: TrainConfig, model: Restorer, batches: Batches, step: int) -> None:
    batch = batches[step]
    try:
        terms = model(batch["rainy"], batch["clean"], batch.get("others"))
        torch.stack(list(terms.values())).sum().backward()
    except BenchError:
        raise
    except ANYTHING as error:  # the network may be anyone's
        patch = batch["rainy"].shape[-1]
        raise BadConfig(
            f"network {config.network}: a step on patches of {patch} pixels raised {said(error)}; "
            f"stages.patch sets their size"
        ) from error
    model.zero_grad(set_to_none=True)
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def in_words(stretches: list[Stretch]) -> str:
    """One line for the terminal."""
    whole = sum(stretch.steps * stretch.seconds for stretch in stretches)
    parts = ", ".join(f"{s.steps:,} steps of {s.seconds:.2g} s" for s in stretches)
    return f"about {span(whole)}: {parts}; validation comes on top"
