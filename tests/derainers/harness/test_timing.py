"""What a derainer costs."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from derainers.harness import timing


def test_a_slow_network_passes_no_oftener_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    passes: Counter[tuple[int, ...]] = Counter()

    class Slow:
        card = SimpleNamespace(params=None, fixed=None)

        def __call__(self, image: np.ndarray) -> np.ndarray:
            passes[image.shape[:2]] += 1
            clock.now += 1.0
            return image

    cost = timing.measure(Slow(), [(8, 8), (16, 16)])  # type: ignore[arg-type]
    # The first size: one for the memory, one that is timed; the second: one that is not counted, one that is.
    assert passes == {(8, 8): 2, (16, 16): 2}
    assert cost.seconds == (1.0, 1.0)
