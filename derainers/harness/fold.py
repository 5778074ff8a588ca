"""Making a trained network cheaper to run without changing what it computes."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(module: nn.Module) -> None:
    """Fold batch normalisations into the convolutions before them, in place.

    In evaluation mode a batch normalisation is a scale and a shift per channel, which the convolution can do itself.
    A pair is found by its names, ``conv`` and ``norm``, ``conv1`` and ``norm1``, and so on, in one module; and by its
    place, one after the other, in a ``Sequential``.

    Args:
        module: In evaluation mode; its state dict has other keys afterwards.
    """
    for part in list(module.modules()):
        children = dict(part.named_children())
        if isinstance(part, nn.Sequential):
            pairs = list(pairwise(children))
        else:
            pairs = [
                (name, "norm" + name.removeprefix("conv")) for name in children if name.startswith("conv")
            ]
        for name, norm_name in pairs:
            conv, norm = children[name], children.get(norm_name)
            # The type itself: a class of its own may take its statistics from elsewhere.
            if isinstance(conv, nn.Conv2d) and type(norm) is nn.BatchNorm2d:
                setattr(part, name, fuse_conv_bn_eval(conv, norm))
                setattr(part, norm_name, nn.Identity())
