from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.seeds import rng_from, same_draws, seed_from


def test_the_seed_is_the_same_in_every_process() -> None:
    code = "from bench.seeds import seed_from; print(seed_from('rain', 'streaks:heavy', '000139', 0))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == seed_from("rain", "streaks:heavy", "000139", 0)


@given(st.lists(st.text(max_size=6), min_size=2, max_size=4))
def test_parts_do_not_run_into_each_other(parts: list[str]) -> None:
    merged = [parts[0] + parts[1], *parts[2:]]
    assert seed_from(*parts) != seed_from(*merged)


def test_generators_of_equal_parts_draw_equal_numbers() -> None:
    assert (rng_from("a", 1).random(4) == rng_from("a", 1).random(4)).all()
    assert not (rng_from("a", 1).random(4) == rng_from("a", 2).random(4)).any()


def test_pytorch_draws_the_same_and_goes_on_as_before() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    drawn = []
    for _ in range(2):
        with same_draws():
            drawn.append(torch.rand(2))
    assert (drawn[0] == drawn[1]).all()
    assert (torch.rand(2) == expected).all()
