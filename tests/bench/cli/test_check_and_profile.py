"""``bench check`` and ``bench profile``, as a process."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest


class Said(NamedTuple):
    """What the command line wrote."""

    stdout: str
    stderr: str


class Bench(Protocol):
    """Calls the command line in this process."""

    def __call__(self, *arguments: object, code: int) -> Said: ...


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Bench:
    """The command line, in this process, so that torch is not imported for each."""

    def run(*arguments: object, code: int) -> Said:
        from bench.cli import main

        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = Said(*capfd.readouterr())
        assert (ended.value.code or 0) == code, said
        return said

    return run


def test_check_names_what_fails_and_checks_the_others(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("def swapped(image):\n    return image[..., ::-1]\n")
    done = bench("check", f"{tmp_path}/my.py:swapped,median", code=1)
    assert "swapped: colour" in done.stdout
    assert "median" in done.stdout
    assert "channels come out as BGR" in done.stdout


BROKEN = """
import numpy as np
import torch

def shifting(image):
    return np.roll(image, 1, 1)

def swapping(image):
    return image[..., ::-1]

class Leaking(torch.nn.Module):
    def forward(self, rainy):
        return rainy + 0.2 * (rainy.mean(0, keepdim=True) - rainy)

class Dividing(torch.nn.Module):
    def forward(self, rainy):
        most = rainy.amax((1, 2, 3), keepdim=True)
        return rainy / most * most

class Cutting(torch.nn.Module):
    def forward(self, rainy):
        return rainy[:, :, : rainy.shape[2] // 8 * 8]
"""


def test_check_names_the_property_that_each_of_five_lacks(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(BROKEN)
    names = ("shifting", "swapping", "Leaking", "Dividing", "Cutting")
    done = bench("check", ",".join(f"{tmp_path}/my.py:{name}" for name in names), code=1)
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("failed: ")]
    for words in (
        "shifting: place",
        "swapping: colour",
        "Leaking: batch",
        "Dividing: finite",
        "Cutting: size",
    ):
        assert words in said
    for words in ("shifted by 0 rows and 1 columns", "on black: ", "the size must stay"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("command", "left_out"), [(("check",), "not checked"), (("profile", "--derainer"), "not measured")]
)
def test_one_that_cannot_be_loaded_does_not_stop_the_others(
    bench: Bench, tmp_path: Path, command: tuple[str, ...], left_out: str
) -> None:
    (tmp_path / "raises.py").write_text("import math\n\nmath.sqrt(-1)\n")
    bad = f"{tmp_path}/raises.py:fn"
    done = bench(*command, f"{bad},median", code=1)
    (said,) = [line for line in done.stderr.splitlines() if line.startswith(left_out)]
    assert "could not be imported: ValueError: math domain error (line 3)" in said
    assert "median" in done.stdout
    alone = bench(*command, bad, code=2)
    assert "math domain error" in alone.stderr.splitlines()[-1]
    assert "Traceback" not in alone.stderr


def test_check_refuses_what_cannot_be_checked(bench: Bench, tmp_path: Path) -> None:
    for spec, words in ((f"folder:{tmp_path}", "nothing to run"), ("mediann", "did you mean median")):
        done = bench("check", spec, code=2)
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_profile_shows_cost_and_gain(bench: Bench, tmp_path: Path) -> None:
    plot = tmp_path / "cost.png"
    chosen = ("--derainer", "median,guided,rom,rdmc-s", "--scenes", 1, "--sizes", "96x64,64x64")
    done = bench("profile", *chosen, "--plot", plot, code=0)
    assert re.search(
        r"^measured rdmc-s: \d+ ms at 64x64, \d+ ms at 96x64, \d+ MiB$", done.stderr, re.MULTILINE
    )
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    (header,) = [line for line in done.stdout.splitlines() if "parameters" in line]
    assert header.index("ms at 64x64") < header.index("ms at 96x64")
    assert "MiB at 64x64" in header
    assert rows["guided"][-1].startswith(("+", "-"))
    assert rows["rom"][1:4] == ["random", "55,046", "3.4"]
    assert rows["rom"][-1] == "—"
    assert rows["rdmc-s"][1:3] == ["its", "own"]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_derainer_is_given_out_before_the_next_is_begun() -> None:
    from bench.engine.cost import Row, profile_derainers
    from derainers import parse_derainers

    begun: list[str] = []
    results = profile_derainers(parse_derainers("median,guided"), "cpu", "fp32", 0, [(16, 16)], begun.append)
    first = next(results)
    assert isinstance(first, Row)
    assert (first.label, begun) == ("median", ["median"])


@pytest.mark.parametrize("text", ["256", "0x4", "axb", "64x64,", "64x64x3"])
def test_sizes_that_are_none_are_one_line(text: str) -> None:
    from bench.engine.cost import parse_sizes
    from bench.errors import BadConfig

    with pytest.raises(BadConfig, match="WIDTHxHEIGHT"):
        parse_sizes(text)
