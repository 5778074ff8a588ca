"""Gives up what takes too long: the process that does it ends itself, whatever it is stuck in.

Code of others may never return: a loop in a config, an ONNX graph that repeats without end, a pickle whose hashes
collide. Nothing inside a process can stop such code and go on, so the process ends, and whoever started it goes on
without. What may take long is wrapped in :func:`unit`; nothing is limited before :func:`arm` is called, as workers and
the command line do, so a program that imports this package is never ended by it.

A thread looks about once a second whether the unit at hand has taken longer than the limit. Code that never lets go of
the interpreter keeps that thread from running as well: `faulthandler`'s timer, which needs no interpreter and which the
thread winds up each time, ends the process then.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

#: Seconds that loading a network or looking at one image may take, where nothing else is said. Large networks take
#: minutes for a large image on a CPU.
DEFAULT = 1800.0
#: Seconds between two looks at the clock, at most.
_PAUSE = 1.0
#: Seconds beyond the limit after which the thread counts as kept from running; importing PyTorch keeps it for some.
_SLACK = 5.0


@dataclass(frozen=True)
class Unit:
    """Something that may take long.

    Attributes:
        who: What is to blame if it does: ``derainer NAME``, ``model NAME``, ``scene ID``.
        doing: What it does, as in "takes too long to load".
        variant: The place of its variant in the outline, where it is work of a run.
        keys: Of the cells that lose something by it.
        scenes: Ids of the scenes that are done together.
    """

    who: str
    doing: str
    variant: int = -1
    keys: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()

    def given_up(self, seconds: float) -> str:
        """Say that it was given up."""
        return f"{self.who} took longer than {seconds:g} s to {self.doing} (--timeout)"


@dataclass
class _Armed:
    """The limit of this process, and the file that says what it is at."""

    seconds: float
    word: int | None


_armed: _Armed | None = None
#: The outermost unit at hand, and when it has to be done.
_current: tuple[Unit, float] | None = None


def arm(seconds: float, words: Path | None = None) -> None:
    """Limit the units of this process from now on.

    Args:
        seconds: What one may take; 0 for no limit.
        words: Folder in which this process, a worker, leaves word of the unit it is at, for :func:`overdue`. None for
            the command line, which says itself what is given up and ends with exit code 2.
    """
    global _armed
    if seconds <= 0:
        _armed = None
        return
    word = None
    if words is not None:
        word = os.open(words / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _armed = _Armed(seconds, word)
    _wind_up(_armed)  # before the thread has run for the first time
    threading.Thread(target=_watch, args=(_armed,), daemon=True).start()


@contextlib.contextmanager
def unit(
    who: str, doing: str, variant: int = -1, keys: Sequence[str] = (), scenes: Sequence[str] = ()
) -> Iterator[None]:
    """Limit what is done inside; see :class:`Unit`. Of units within one another the outermost counts."""
    global _current
    if _armed is None or _current is not None:
        yield
        return
    at = Unit(who, doing, variant, tuple(keys), tuple(scenes))
    deadline = time.monotonic() + _armed.seconds
    _write(_armed, {"deadline": deadline, **asdict(at)})
    _current = at, deadline
    try:
        yield
    finally:
        _current = None
        _write(_armed, None)


@contextlib.contextmanager
def untimed() -> Iterator[None]:
    """Do something whose time does not count, such as a download, within a unit or outside of any."""
    global _current
    at, began = _current, time.monotonic()
    if at is None:
        yield
        return
    _current = None
    _write(_armed, None)
    try:
        yield
    finally:
        deadline = at[1] + time.monotonic() - began
        _write(_armed, {"deadline": deadline, **asdict(at[0])})
        _current = at[0], deadline


def overdue(words: Path) -> list[Unit]:
    """Return the units that workers were at when they took too long."""
    found = []
    for path in sorted(words.iterdir()):
        with contextlib.suppress(ValueError, OSError):  # empty between units
            word = json.loads(path.read_bytes())
            # Those that began together are given up together, whoever of them was first to look at the clock.
            if time.monotonic() >= word.pop("deadline") - 2 * _PAUSE:
                found.append(Unit(**{**word, "keys": tuple(word["keys"]), "scenes": tuple(word["scenes"])}))
    return found


def _write(armed: _Armed | None, word: dict[str, object] | None) -> None:
    if armed is None or armed.word is None:
        return
    with contextlib.suppress(OSError):  # a full disk makes a death unexplained, no more
        os.ftruncate(armed.word, 0)
        if word is not None:
            os.pwrite(armed.word, json.dumps(word).encode(), 0)


def _wind_up(armed: _Armed) -> None:
    # The traceback that the timer writes says where the command line is stuck; nobody reads a worker's.
    sink = 2 if armed.word is None else _nowhere()
    faulthandler.dump_traceback_later(armed.seconds + _SLACK, exit=True, file=sink)


@functools.cache
def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


def _watch(armed: _Armed) -> None:
    while _armed is armed:
        _wind_up(armed)
        time.sleep(min(_PAUSE, armed.seconds / 4))
        at = _current
        if at is not None and time.monotonic() > at[1]:
            if armed.word is None:
                print(f"bench: {at[0].given_up(armed.seconds)}", file=sys.stderr, flush=True)
            os._exit(1 if armed.word is not None else 2)
    faulthandler.cancel_dump_traceback_later()
