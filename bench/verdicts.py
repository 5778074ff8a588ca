"""What ``bench check`` says of a plug-in: one verdict per property, each with what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bench.deadline import unit
from bench.errors import ANYTHING, said


class Outcome(str, Enum):
    """What became of a check."""

    PASS = "pass"
    NOTE = "note"  # allowed, but worth knowing
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Verdict:
    """One property's verdict and what it rests on."""

    name: str
    outcome: Outcome
    detail: str


def attempt(name: str, check: Callable[[], Verdict]) -> Verdict:
    """Return the verdict of a check; a plug-in is anyone's code, and what it raises is a failure."""
    try:
        with unit(f"check {name!r}", "end"):
            return check()
    except ANYTHING as error:
        return Verdict(name, Outcome.FAIL, said(error))
