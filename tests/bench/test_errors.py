from __future__ import annotations

import pytest

from bench.errors import BadConfig, cause, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The following operation failed in the TorchScript interpreter.\n"
            "Traceback of TorchScript (most recent call last):\n  File net.py, line 6, in forward\n"
            "    return self.c(x)\n           ~~~ <--- HERE\n"
            "RuntimeError: Given groups=1, expected input[1, 3, 8, 8] to have 1 channels\n",
            "RuntimeError: Given groups=1, expected input[1, 3, 8, 8] to have 1 channels",
        ),
        (
            "Got invalid dimensions for input: rain for the following indices\n index: 1 Got: 3 Expected: 1\n"
            "Please fix either the inputs/outputs or the model.",
            "Got invalid dimensions for input: rain for the following indices index: 1 Got: 3 Expected: 1",
        ),
        (
            "CUDA error: out of memory\nCUDA kernel errors might be reported later.",
            "CUDA error: out of memory",
        ),
        ("\n\nfirst\nsecond", "first"),
        ("x" * 400, "x" * 300),
        ("", ""),
    ],
)
def test_the_cause_is_kept_in_one_line(text: str, expected: str) -> None:
    assert cause(text) == expected


def test_a_class_is_named_once() -> None:
    assert said(ValueError("no\nmore")) == "ValueError: no"
    assert said(RuntimeError("Traceback (most recent call last):\n  File\nKeyError: 'a'")) == "KeyError: 'a'"
    assert said(KeyError()) == "KeyError"
    assert said(BadConfig("one: two\nthree")) == "one: two"
