"""What a frame costs from end to end: who is timed, what is held, and when the machine is too busy to tell."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bench.engine import endtoend
from bench.engine.endtoend import Frame, Timing, busy, measure_frame


def test_each_part_is_timed_and_the_model_sees_what_was_restored() -> None:
    seen: list[np.ndarray] = []

    def restore(image: np.ndarray) -> np.ndarray:
        time.sleep(0.002)
        return 255 - image

    def look(image: np.ndarray) -> None:
        seen.append(image)
        time.sleep(0.004)

    frame = measure_frame("own", "model", restore, look, (32, 48), least=0.0, passes=(5, 9))
    assert len(seen) == 6  # the first is not timed
    assert seen[0].shape == (32, 48, 3)
    for timing, slept in ((frame.derainer, 0.002), (frame.look, 0.004), (frame.total, 0.006)):
        assert slept <= timing.low <= timing.median <= timing.high
    assert frame.memory is None or frame.memory > 20 << 20


def test_a_rate_is_held_by_three_frames_of_four() -> None:
    frame = Frame("own", "model", Timing(0, 0, 0), Timing(0, 0, 0), Timing(0.03, 0.02, 0.04), None)
    assert frame.holds(25)
    assert not frame.holds(26)


@pytest.mark.parametrize(("load", "said"), [(0.2, False), (3.0, True)])
def test_a_busy_machine_is_said(monkeypatch: pytest.MonkeyPatch, load: float, said: bool) -> None:
    monkeypatch.setattr(endtoend.os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(endtoend.os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    assert (busy() is not None) == said
