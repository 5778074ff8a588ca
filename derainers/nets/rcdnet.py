"""RCDNet: Wang et al., "A Model-Driven Deep Neural Network for Single Image Rain Removal", CVPR 2020."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

#: Side of a rain kernel, in pixels.
KERNEL = 9
#: The files hold kernels and step sizes ten times as large as they act.
SCALE = 10.0


class ProximalNet(nn.Module):
    """What takes the place of a proximal operator: four residual blocks.

    Args:
        width: Channels.
        name: The authors' prefix of the blocks' names.
        sparse: Whether a learnt threshold is taken off what comes out, as rain maps are mostly zero.
    """

    def __init__(self, width: int, name: str, sparse: bool = False) -> None:
        super().__init__()
        self.names = [f"{name}{index}" for index in range(1, 5)]
        for block in self.names:
            self.add_module(block, nn.Sequential(*_normed(width), nn.ReLU(inplace=True), *_normed(width)))
        self.tau = nn.Parameter(torch.full((1, width, 1, 1), 0.5)) if sparse else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same, none below 0."""
        for block in self.names:
            x = F.relu(x + self.get_submodule(block)(x))
        return x if self.tau is None else F.relu(x - self.tau)


class RCDNet(nn.Module):
    """A convolutional dictionary model of rain, its optimisation unrolled: rain is kernels convolved with maps of where
    it falls; maps and background are improved in turn by a gradient step and a :class:`ProximalNet`.

    The files hold the dictionary once for every step, of which only ``conv[1]`` (and ``weight0``, in the first step) is
    used; ``mnet`` and ``eta1`` are in them and never used. The authors' training starts from kernels of a file of
    theirs; here they are random and sum to 1.

    Args:
        stage: Steps.
        num_M: Rain maps and kernels.
        num_Z: Channels that the background's network carries beside the background.
        peak: What white is inside; released weights know images from 0 to 255.
    """

    def __init__(self, stage: int = 17, num_M: int = 32, num_Z: int = 32, peak: float = 255.0) -> None:
        if stage < 3:
            raise ValueError(
                f"stage is {stage}; it must be 3 or more: the second dictionary is the one in use"
            )
        super().__init__()
        self.peak = peak
        kernels = torch.rand(num_M, KERNEL, KERNEL)
        kernels = (kernels / kernels.sum((1, 2), keepdim=True)).expand(3, -1, -1, -1)
        self.weight0 = nn.Parameter(kernels.clone())
        self.conv = nn.Parameter(kernels.expand(stage - 1, -1, -1, -1, -1).clone())
        self.w_z_f = nn.Parameter(torch.full((num_Z, 3, 3, 3), 1 / 9))
        self.tau = nn.Parameter(torch.ones(1))
        self.eta1 = nn.Parameter(torch.ones(1))
        self.eta2 = nn.Parameter(torch.full((1,), 5.0))
        self.eta11 = nn.Parameter(torch.ones(stage - 1, 1))
        self.eta12 = nn.Parameter(torch.full((stage - 1, 1), 5.0))
        self.xnet = ProximalNet(num_Z + 3, "resx")
        self.mnet = ProximalNet(num_M, "resm", sparse=True)
        self.x_stage = nn.ModuleList(ProximalNet(num_Z + 3, "resx") for _ in range(stage))
        self.m_stage = nn.ModuleList(ProximalNet(num_M, "resm", sparse=True) for _ in range(stage))
        self.fxnet = ProximalNet(num_Z + 3, "resx")

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; none below 0, not clamped at 1."""
        image = rainy * self.peak
        kernels = self.conv[1] / SCALE
        state = self.xnet(torch.cat([image, F.conv2d(image, self.w_z_f, padding=1)], 1))
        layer = F.relu(image - state[:, :3] - self.tau)
        maps = self.m_stage[0](_spread(layer, self.weight0 / SCALE))
        sizes = torch.cat([self.eta2[None], self.eta12]) / SCALE
        for step, (x_net, size) in enumerate(zip(self.x_stage, sizes, strict=True)):
            rain = F.conv2d(maps, kernels, padding=KERNEL // 2)
            background, hidden = state[:, :3], state[:, 3:]
            background = background - size * (background - (image - rain))
            state = x_net(torch.cat([background, hidden], 1))
            if step + 1 < len(self.m_stage):
                excess = _spread(rain - (image - state[:, :3]), kernels)
                maps = self.m_stage[step + 1](maps - self.eta11[step] / SCALE * excess)
        return self.fxnet(state)[:, :3] / self.peak


def _normed(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)


def _spread(layer: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """The transpose of laying kernels where the maps say: (N, 3, H, W) to (N, maps, H, W)."""
    return F.conv_transpose2d(layer, kernels, padding=KERNEL // 2)
