"""The loop that trains the shipped models: resumable, averaged, and its batches depend on the seed and the step alone.

Plain PyTorch: hooks for resuming and averaging would take ten times the code.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.files import ensure_folder, write_atomic


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Images a step.
        rate: Peak learning rate; warmed up over 150 steps, then a cosine to a fiftieth.
        decay: Weight decay of AdamW (Loshchilov and Hutter 2019).
        averaging: Time constant of the weights' running average, in steps.
    """

    steps: int
    batch: int
    rate: float
    decay: float = 0.02
    averaging: float = 150.0


def learn(
    model: Any,
    losses: Callable[[int], Mapping[str, torch.Tensor]],
    recipe: Recipe,
    work: Path,
    save: Callable[[dict[str, torch.Tensor]], None],
) -> None:
    """Train a model, or go on where ``work`` left off.

    Args:
        model: The network; parameters that need no gradient stay as they are.
        losses: The losses of the batch of a step, by name; those with ``loss`` in their name are summed.
        recipe: The schedule.
        work: Folder for the resume point.
        save: Writes weights (the running average); called every two minutes and at the end.
    """
    ensure_folder(work)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate)
    average = copy.deepcopy(model.state_dict())
    resume = work / "resume.pth"
    first = 0
    if resume.exists():
        saved = torch.load(resume, map_location="cpu", weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, first = saved["average"], saved["step"]
    print(f"from step {first}", flush=True)
    model.train()
    started = saved_at = time.monotonic()
    for step in range(first, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, step)
        parts = losses(step)
        total = torch.stack([value.sum() for name, value in parts.items() if "loss" in name]).sum()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(trained, 20.0)
        optimiser.step()
        keep = min(1 - 1 / recipe.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    average[name].lerp_(value, 1 - keep)
                else:
                    average[name].copy_(value)
        if step % 20 == 0:
            shown = " ".join(f"{name} {float(value.detach()):.3f}" for name, value in parts.items())
            pace = (time.monotonic() - started) / (step - first + 1)
            print(f"{step}/{recipe.steps} {shown} {pace:.2f} s/step", flush=True)
        if step + 1 == recipe.steps or time.monotonic() - saved_at > 120:
            state = {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average,
                "step": step + 1,
            }
            torch.save(state, resume.with_suffix(".tmp"))
            resume.with_suffix(".tmp").replace(resume)
            save(average)
            saved_at = time.monotonic()


def _rate(recipe: Recipe, step: int) -> float:
    warm = min(1.0, (step + 1) / 150)
    return recipe.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps)))


def halved(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights as half floats: half the size, and no score changes in its third digit."""
    return {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state.items()
    }


def save_weights(state: Mapping[str, torch.Tensor], classes: tuple[str, ...], path: Path) -> None:
    """Write weights as half floats in the shape of an OpenMMLab checkpoint: plain data, safe to load."""
    temporary = path.with_suffix(".tmp")
    torch.save({"meta": {"dataset_meta": {"classes": list(classes)}}, "state_dict": halved(state)}, temporary)
    temporary.replace(path)


def save_difference(state: Mapping[str, torch.Tensor], base: Path, path: Path) -> None:
    """Write the weights that are not those of ``base``, as half floats; see :func:`downstream.models.checkpoints.fill`.

    Args:
        state: All weights of the model.
        base: The weights file of the model that it began from; it must be put beside ``path`` to load it.
        path: A ``.safetensors`` file.
    """
    from safetensors.torch import save

    from bench.hashing import sha256_file
    from bench.weights import load_state

    before = load_state(base)
    kept = {
        name: value
        for name, value in halved(state).items()
        if value.is_floating_point() and not torch.equal(value, before[name].half())
    }
    metadata = {"base": base.name, "base_sha256": sha256_file(base)}
    write_atomic(path, save(kept, metadata=metadata))
