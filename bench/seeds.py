"""Seeds made from names, so that no result depends on order, batch, worker or a global generator."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def seed_from(*parts: str | int) -> int:
    """Return a 63-bit seed that depends on nothing but ``parts`` and their order.

    Example:
        >>> seed_from("rain", "streaks:medium", "000000000139", 0) == seed_from(
        ...     "rain", "streaks:medium", "000000000139", 0)
        True
    """
    # The length prefix keeps ("ab", "c") and ("a", "bc") apart.
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def rng_from(*parts: str | int) -> np.random.Generator:
    """Return a numpy generator seeded by :func:`seed_from`."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(seed_from(*parts)))


@contextlib.contextmanager
def same_draws() -> Iterator[None]:
    """Let PyTorch draw the same numbers in every process, such as first weights, and leave its generator as it was."""
    torch = sys.modules.get("torch")  # who has not imported it draws nothing
    if torch is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_from("first weights"))
        yield
