"""An entry of the registry: a derainer's card and where its code is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derainers.base import Card

#: Larger images are tiled where the user leaves it to the bench. Networks whose features at full resolution
#: are wide would take tens of gigabytes for a Cityscapes frame.
HEAVY_PIXELS = 768 * 1024

#: Licence of a filter.
OURS = "Apache-2.0 (code); no weights"
#: Licence of a network whose weights the user brings; what their owners say follows.
YOURS = "Apache-2.0 (this implementation); weights: "


@dataclass(frozen=True)
class Entry:
    """A registered derainer.

    Attributes:
        card: What one should know of it.
        build: ``module:attribute``. For a network, called with ``config``, it gives the ``nn.Module``; for a
            function, the image function.
        network: Whether ``build`` gives a network or a function of a uint8 image.
        version: Raised whenever the same weights and configuration give another output.
        config: Arguments for ``build``; a configuration in a weights file's metadata takes its place.
        weights: Name of the weights file that is shipped in ``derainers/weights``; ``None`` where the user
            brings one.
        bears_bf16: Whether it was measured to stay within 0.02 dB in bfloat16.
        lighten: ``module:attribute`` of what makes a copy of the network that computes the same faster, called with the
            network and the type it computes in.
        whole_pixels: The largest image done whole under ``tile="auto"``; ``None`` for the harness's own
            limit.
    """

    card: Card
    build: str
    network: bool = True
    version: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    bears_bf16: bool = False
    lighten: str | None = None
    whole_pixels: int | None = None
