from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import deadline
from bench.deadline import Unit, overdue, unit, untimed

#: Code that never returns: such as lets others in between its steps, and such as does not.
ENDLESS = {"a loop": "while True: pass", "a match": "import re; re.match('(a|a)*$', 'a' * 60 + 'b')"}


def run(words: str, code: str) -> subprocess.CompletedProcess[str]:
    program = "from bench import deadline\ndeadline._SLACK = 0.4\n"
    program += f"deadline.arm(0.4, {words})\nwith deadline.unit('x', 'load', 3, 'k', 's'):\n"
    command = [sys.executable, "-c", program + "\n".join(f"    {line}" for line in code.split("; "))]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_a_worker_that_does_not_return_ends_and_leaves_word(tmp_path: Path, code: str) -> None:
    done = run(f"__import__('pathlib').Path({str(tmp_path)!r})", code)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert overdue(tmp_path) == [Unit("x", "load", 3, ("k",), ("s",))]


def test_the_command_line_says_what_was_given_up() -> None:
    done = run("None", ENDLESS["a loop"])
    assert (done.returncode, done.stderr) == (2, "bench: x took longer than 0.4 s to load (--timeout)\n")


def test_what_ends_in_time_leaves_no_word(tmp_path: Path) -> None:
    done = run(f"__import__('pathlib').Path({str(tmp_path)!r})", "pass")
    assert done.returncode == 0
    assert not overdue(tmp_path)


def test_nothing_is_limited_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_armed", None)
    deadline.arm(0)
    with unit("x", "load"):
        assert deadline._current is None


def test_of_units_within_one_another_the_outermost_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_armed", deadline._Armed(60.0, None))
    with unit("outer", "load"):
        with unit("inner", "load"):
            assert deadline._current is not None
            assert deadline._current[0].who == "outer"
        assert deadline._current is not None
    assert deadline._current is None


def test_a_download_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_armed", deadline._Armed(60.0, None))
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with unit("x", "load"):
        now[0] += 20
        with untimed():
            assert deadline._current is None
            now[0] += 500
        assert deadline._current is not None
        assert deadline._current[1] == now[0] + 40
    with untimed():
        assert deadline._current is None
