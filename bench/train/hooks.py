"""What happens around the steps: learning rate, moving average, validation, log, checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from bench.errors import BadConfig, Interrupted
from bench.files import write_atomic
from bench.train import checkpoints
from bench.train.config import Optimiser, Stage, TrainConfig
from bench.train.interrupt import Asked
from bench.train.validate import ValidationSet, score


def bare(model: nn.Module) -> Any:
    """The `Restorer` inside a wrapper for several processes, or itself."""
    return model.module if hasattr(model, "module") else model


def rate_at(step: int, steps: int, optimiser: Optimiser) -> float:
    """Learning rate of a step: linear warm-up, a constant stretch, half a cosine down to the floor (Loshchilov and
    Hutter 2017)."""
    if step < optimiser.warmup:
        return optimiser.lr * (step + 1) / optimiser.warmup
    falls = (steps - optimiser.warmup) * optimiser.decay
    progress = min(1.0, max(0.0, 1 - (steps - step) / max(1.0, falls)))
    return optimiser.floor + (optimiser.lr - optimiser.floor) * 0.5 * (1 + math.cos(math.pi * progress))


def apply_stage(network: nn.Module, stage: Stage) -> None:
    """Set the network's attributes of a stage.

    Raises:
        BadConfig: The network has no such attribute.
    """
    for name, value in stage.set.items():
        if not isinstance(getattr(network, name, None), (bool, int, float)):
            raise BadConfig(f"stages.set: {type(network).__name__} has no setting {name!r}")
        setattr(network, name, value)


class Schedule(Hook):
    """Sets what depends on the step alone: learning rate and the stage's settings."""

    priority = "VERY_HIGH"

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Prepare a step."""
        rate = rate_at(runner.iter, self.config.steps, self.config.optimiser)
        for group in runner.optim_wrapper.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        apply_stage(bare(runner.model).network, self.config.stage_at(runner.iter))


class Average(Hook):
    """Exponential moving average of the weights; early on the plain mean, so that the start is forgotten
    soon."""

    priority = "NORMAL"

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.values: dict[str, Tensor] = {}

    def before_train(self, runner: Any) -> None:
        """Start from the current weights unless a checkpoint brought an average."""
        state = bare(runner.model).network.state_dict()
        self.values = {k: self.values.get(k, v).detach().to(v.device, copy=True) for k, v in state.items()}

    @torch.no_grad()
    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Take in the weights of a step."""
        share = 1 - min(self.decay, (1 + runner.iter) / (10 + runner.iter))
        state = bare(runner.model).network.state_dict()
        floats = [k for k, v in state.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.values[k] for k in floats], [state[k] for k in floats], share)
        for name in state.keys() - set(floats):
            self.values[name].copy_(state[name])


class Validate(Hook):
    """Scores the averaged weights on held-out scenes, in one process where there are several."""

    priority = "LOW"

    def __init__(self, config: TrainConfig, scenes: ValidationSet, average: Average | None) -> None:
        self.config, self.scenes, self.average = config, scenes, average
        self.last: dict[str, Any] = {}

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Validate where it is time for it."""
        step, every = runner.iter + 1, self.config.validation.every
        if runner.rank != 0 or not every or (step % every and step != self.config.steps):
            return
        network = bare(runner.model).network
        own = {k: v.clone() for k, v in network.state_dict().items()}
        if self.average is not None:
            network.load_state_dict(self.average.values)
        network.eval()
        self.last = {"step": step, **score(network, self.scenes, self.config.channels_last)}
        network.load_state_dict(own)
        network.train()


class Log(Hook):
    """One line per so many steps, on the terminal and as JSON in ``log.jsonl``."""

    priority = "VERY_LOW"

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        validate: Validate | None,
        say: Callable[[str], None] = print,
        picture: Callable[[Path], object] | None = None,
    ) -> None:
        self.config, self.path, self.validate, self.say = config, folder / "log.jsonl", validate, say
        self.picture = picture
        self.sums: dict[str, float] = {}
        self.count = 0
        self.spent = 0.0

    def before_train(self, runner: Any) -> None:
        """Drop lines of steps that will be repeated, and start the clock."""
        if self.path.exists() and runner.rank == 0:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= runner.iter]
            write_atomic(self.path, "".join(f"{line}\n" for line in kept).encode())
        self.clock = time.monotonic()
        self.began, self.first = self.clock, runner.iter

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Count a step, and write the line where it is time for it."""
        for name, value in outputs.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += 1
        step = runner.iter + 1
        validated = self.validate is not None and self.validate.last.get("step") == step
        if step % self.config.log_every and step != self.config.steps and not validated:
            return
        if runner.rank != 0:
            self.sums, self.count = {}, 0
            return
        now = time.monotonic()
        self.spent += now - self.clock
        row: dict[str, Any] = {"step": step, **{k: v / self.count for k, v in self.sums.items()}}
        row["lr"] = runner.optim_wrapper.optimizer.param_groups[0]["lr"]
        row["seconds_per_step"] = (now - self.clock) / self.count
        row["hours"] = self.spent / 3600
        self.sums, self.count, self.clock = {}, 0, now
        if validated and self.validate is not None:
            row["validation"] = {k: v for k, v in self.validate.last.items() if k != "step"}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        left = (self.config.steps - step) * (now - self.began) / (step - self.first)
        self.say(_line(row, self.config.steps, left))
        if validated and self.picture is not None:
            self.picture(self.path.parent)
        if self.config.stage_at(step) is not self.config.stage_at(self.first):
            self.began, self.first = now, step  # steps of another stage take another time


def _line(row: dict[str, Any], steps: int, left: float) -> str:
    terms = " ".join(f"{k.removeprefix('loss_')} {v:.4f}" for k, v in row.items() if k.startswith("loss"))
    text = f"step {row['step']}/{steps}  {terms}  {row['seconds_per_step']:.2f} s/step  left {span(left)}"
    for rain, scores in row.get("validation", {}).items():
        rainy, psnr, ssim = (scores[k] for k in ("rainy_psnr_y", "psnr_y", "ssim_y"))
        text += f"\n  {rain:16} psnr_y {psnr:.2f} (rainy {rainy:.2f})  ssim_y {ssim:.4f}"
    return text


def span(seconds: float) -> str:
    """Hours and minutes."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


class Checkpoints(Hook):
    """Saves all that a resumed training needs.

    Args:
        config: The training.
        folder: Where to.
        average: Of the weights, where there is one.
        log: Counts the time.
        about: What is kept for the card: ``command``, ``hardware``, ``history``.
        asked: Whether Ctrl-C was pressed: then the step is saved, and nothing comes after it.
    """

    priority = "LOWEST"

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        average: Average | None,
        log: Log,
        about: dict[str, Any],
        asked: Asked,
    ) -> None:
        self.config, self.folder, self.average, self.log, self.about = config, folder, average, log, about
        self.asked = asked

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Save where it is time for it.

        Raises:
            Interrupted: After Ctrl-C.
        """
        step = runner.iter + 1
        asked = self.asked()
        if asked or step % self.config.checkpoint_every == 0 or step == self.config.steps:
            self.save(runner, step)
        if asked and step < self.config.steps:
            raise Interrupted(f"interrupted after step {step}; the same command goes on from there")

    def save(self, runner: Any, step: int) -> None:
        """Write the checkpoint of ``step`` finished steps."""
        if runner.rank != 0:
            return
        restorer = bare(runner.model)
        content = {
            "step": step,
            "network": restorer.network.state_dict(),
            "average": self.average.values if self.average else None,
            "optimiser": runner.optim_wrapper.optimizer.state_dict(),
            "gate_optimiser": restorer.gate_optimiser.state_dict() if restorer.gate_optimiser else None,
            "log": {
                "sums": self.log.sums,
                "count": self.log.count,
                "spent": self.log.spent + time.monotonic() - self.log.clock,
            },
            "config": self.config.model_dump(mode="json"),
            **self.about,
        }
        checkpoints.save(self.folder, step, content, self.config.keep)
