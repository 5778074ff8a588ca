"""The network in training: what MMEngine's runner steps through."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn

from bench.train.config import TrainConfig
from bench.train.losses import RestorationLoss


def gate_parameters(network: nn.Module) -> list[nn.Parameter]:
    """The architecture parameters of a network that has some (``architecture_parameters()``), else none."""
    ask = getattr(network, "architecture_parameters", None)
    return list(ask()) if ask else []


def to_float(pixels: Tensor, device: torch.device, channels_last: bool) -> Tensor:
    """uint8 NCHW to float32 in [0, 1] on the device."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return pixels.to(device, non_blocking=True).to(torch.float32).div_(255.0).contiguous(memory_format=layout)


class Restorer(BaseModel):
    """A network, its loss, and the gates' own optimiser where they are learnt on held-out images.

    Args:
        network: NCHW float in [0, 1] to the same.
        loss: Of restored, clean and rainy images.
        config: The training.
    """

    def __init__(self, network: nn.Module, loss: RestorationLoss, config: TrainConfig) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.config = config
        self.gates = gate_parameters(network)
        self.gate_optimiser: torch.optim.Optimizer | None = None
        if config.gates.learn == "held_out" and self.gates:
            self.gate_optimiser = torch.optim.Adam(
                self.gates, lr=config.gates.lr, betas=(0.5, 0.999), weight_decay=1e-3
            )

    def forward(  # type: ignore[override]
        self, rainy: Tensor, clean: Tensor, others: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The loss terms of a batch of uint8 NCHW images; ``others`` as in `RestorationLoss`."""
        device = next(self.network.parameters()).device
        x = to_float(rainy, device, self.config.channels_last)
        y = to_float(clean, device, self.config.channels_last)
        negatives = None if others is None else to_float(others, device, self.config.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            restored = self.network(x)
        return self.loss(restored.float(), y, x, negatives)

    def train_step(  # type: ignore[override]
        self, data: dict[str, Any], optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        """One step of the weights, after one of the gates where the batch has held-out images for it."""
        return _step(self, self, data, optim_wrapper)


@MODEL_WRAPPERS.register_module()
class SpreadRestorer(MMDistributedDataParallel):
    """A `Restorer` in several processes, their gradients averaged."""

    def train_step(  # type: ignore[override]
        self, data: dict[str, Any], optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        """As `Restorer.train_step`."""
        return _step(self, self.module, data, optim_wrapper)


def _step(
    whole: nn.Module, inner: Restorer, data: dict[str, Any], optim_wrapper: OptimWrapper
) -> dict[str, Tensor]:
    if inner.gate_optimiser is not None and "gate_rainy" in data:
        _step_gates(inner, data["gate_rainy"], data["gate_clean"])
    terms = whole(data["rainy"], data["clean"], data.get("others"))
    total = torch.stack(list(terms.values())).sum()
    optim_wrapper.update_params(total)
    return {"loss": total.detach(), **{name: value.detach() for name, value in terms.items()}}


def _step_gates(inner: Restorer, rainy: Tensor, clean: Tensor) -> None:
    """First-order step of the gates; the weights get no gradient from the held-out images."""
    assert inner.gate_optimiser is not None
    total = torch.stack(list(inner(rainy, clean).values())).sum()
    gradients = torch.autograd.grad(total, inner.gates, allow_unused=True)
    for gate, gradient in zip(inner.gates, gradients, strict=True):
        gate.grad = gradient
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for gate in inner.gates:
            if gate.grad is not None:
                torch.distributed.all_reduce(gate.grad)
                gate.grad /= torch.distributed.get_world_size()
    inner.gate_optimiser.step()
    inner.gate_optimiser.zero_grad(set_to_none=True)
