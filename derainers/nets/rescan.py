"""RESCAN: Li et al., "Recurrent Squeeze-and-Excitation Context Aggregation Net for Single Image Deraining", ECCV
2018."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

#: Hidden units of the channel weights; the authors' "reduction" is their number, not a ratio.
SQUEEZED = 6
SLOPE = 0.2


class ChannelWeights(nn.Module):
    """Squeeze and excitation: weighs each channel by what the means of all say (Hu et al., CVPR 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(width, SQUEEZED), nn.ReLU(inplace=True), nn.Linear(SQUEEZED, width), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class ContextUnit(nn.Module):
    """A gated recurrent unit whose convolutions of the input are dilated and those of the state are not.

    Args:
        inputs: Channels of the input.
        width: Channels of the state.
        dilation: Of the input's convolutions.
        use_se: Whether the new state's channels are weighed.
    """

    def __init__(self, inputs: int, width: int, dilation: int, use_se: bool) -> None:
        super().__init__()
        self.dilation = dilation
        for gate in "zrn":
            self.add_module(f"conv_x{gate}", nn.Conv2d(inputs, width, 3, padding=dilation, dilation=dilation))
            self.add_module(f"conv_h{gate}", nn.Conv2d(width, width, 3, padding=1))
        self.se = ChannelWeights(width) if use_se else nn.Identity()

    def forward(self, x: torch.Tensor, state: torch.Tensor | None) -> torch.Tensor:
        """One step.

        Args:
            x: (N, inputs, H, W).
            state: (N, width, H, W), what this unit gave a stage ago; ``None`` in the first stage.

        Returns:
            The new state, which is also the unit's output.
        """
        if state is None:
            update, new = self._convolved("x", "zn", x)
            state = torch.sigmoid(update) * torch.tanh(new)
        else:
            update, reset, new = self._convolved("x", "zrn", x)
            seen = self._convolved("h", "zr", state)
            update, reset = torch.sigmoid(update + seen[0]), torch.sigmoid(reset + seen[1])
            new = torch.tanh(new + self.get_submodule("conv_hn")(reset * state))
            state = (1 - update) * state + update * new
        return F.leaky_relu(self.se(state), SLOPE)

    def _convolved(self, source: str, gates: str, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What several convolutions give for one input, run as one."""
        convs = [self.get_submodule(f"conv_{source}{gate}") for gate in gates]
        weight = torch.cat([conv.get_parameter("weight") for conv in convs])
        bias = torch.cat([conv.get_parameter("bias") for conv in convs])
        dilation = self.dilation if source == "x" else 1
        return F.conv2d(x, weight, bias, padding=dilation, dilation=dilation).chunk(len(gates), dim=1)


class RESCAN(nn.Module):
    """Finds the rain layer again in each stage, remembering what it saw before; defaults are the paper's best form.

    Args:
        channel: Of the features.
        stage_num: Stages.
        depth: Layers before the output; dilations double from the second on.
        use_se: Whether channels are weighed.
    """

    def __init__(self, channel: int = 24, stage_num: int = 4, depth: int = 7, use_se: bool = True) -> None:
        super().__init__()
        self.stage_num = stage_num
        dilations = [1, *(2**step for step in range(depth - 3))]
        self.rnns = nn.ModuleList(
            ContextUnit(channel if unit else 3, channel, dilation, use_se)
            for unit, dilation in enumerate(dilations)
        )
        self.dec = nn.Sequential(
            nn.Conv2d(channel, channel, 3, padding=1),
            ChannelWeights(channel) if use_se else nn.Identity(),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channel, 3, 1),
        )

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W), RGB in [0, 1]; not clamped. Trained weights know BGR, which is what runs inside."""
        image = rainy.flip(1)
        states: list[torch.Tensor | None] = [None] * len(self.rnns)
        restored = image
        for _ in range(self.stage_num):
            features = restored
            for index, unit in enumerate(self.rnns):
                features = states[index] = unit(features, states[index])
            restored = image - self.dec(features)
        return restored.flip(1)
