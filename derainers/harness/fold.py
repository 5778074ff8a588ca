"""Making a trained network cheaper to run without changing what it computes."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(module: nn.Module) -> None:
    """Fold batch normalisations into the convolutions before them, in place.

    In evaluation mode a batch normalisation is a scale and a shift per channel, which the convolution can do itself.
    A pair is found by its names: ``conv`` and ``norm``, ``conv1`` and ``norm1``, and so on, in one module.

    Args:
        module: In evaluation mode; its state dict has other keys afterwards.
    """
    for part in list(module.modules()):
        children = dict(part.named_children())
        for name, conv in children.items():
            norm_name = "norm" + name.removeprefix("conv")
            norm = children.get(norm_name)
            if name.startswith("conv") and isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(conv, norm))
                setattr(part, norm_name, nn.Identity())
