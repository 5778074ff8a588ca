"""How much each recruitment link gives: a learnt number, or a function of the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GateKind = Literal["static", "dynamic"]

HIDDEN = 32
"""Width of the layer that all dynamic gates share."""


class StaticGates(nn.ParameterDict):
    """One learnt number for each link, the same for every image, as in the authors' released code.

    Args:
        links: Names of the active links.
    """

    def __init__(self, links: Iterable[str]) -> None:
        super().__init__({name: nn.Parameter(torch.zeros(())) for name in links})

    def initialise(self) -> None:
        """As released: 1e-3 times a standard normal number, from which a link hardly learns at first."""
        for gate in self.parameters():
            nn.init.normal_(gate, std=1e-3)

    def of(self, deepest: Tensor) -> Mapping[str, Tensor]:
        """The gates by link, scalars."""
        return dict(self.items())

    def contributing(self, below: float) -> list[str]:
        """Links whose gate's magnitude is above ``below``."""
        return [name for name, gate in self.items() if abs(float(gate.detach())) > below]


class DynamicGates(nn.Module):
    """Gates in (0, 1) for every channel of every link, computed from the image in each recursion.

    What the deepest level of the encoders sees, averaged over the image, goes through one hidden layer that all
    links share and one linear layer of each link's own; a sigmoid ends it. The linear layers start at zero, so
    every gate starts half open, for every image.

    Args:
        context: Channels of the deepest level.
        channels: Channels of each active link.
    """

    def __init__(self, context: int, channels: Mapping[str, int]) -> None:
        super().__init__()
        self.hidden = nn.Linear(context, HIDDEN)
        self.heads = nn.ModuleDict({name: nn.Linear(HIDDEN, n) for name, n in channels.items()})

    def initialise(self) -> None:
        """Half open."""
        nn.init.kaiming_normal_(self.hidden.weight, nonlinearity="relu")
        nn.init.zeros_(self.hidden.bias)
        for head in self.heads.values():
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def of(self, deepest: Tensor) -> Mapping[str, Tensor]:
        """NCHW to the gates by link, float32 (N, channels, 1, 1)."""
        # In float32 also under autocast: an average over an image has more digits than bfloat16.
        kind = deepest.device.type
        # The meta device, on which costs are counted, has no autocast to switch off.
        exact = (
            torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
        )
        with exact:
            context = F.relu(self.hidden(deepest.mean((2, 3), dtype=torch.float32)))
            return {name: torch.sigmoid(head(context))[:, :, None, None] for name, head in self.heads.items()}

    def contributing(self, below: float) -> list[str]:
        """All links: no sigmoid is zero for every image."""
        return list(self.heads)
