"""The exceptions a user can cause.

Each carries one line that says what is wrong, where, and what to do about it. The command line prints that line
and exits with :attr:`BenchError.exit_code`; a traceback is shown only for faults of the program itself.
"""

from __future__ import annotations

import difflib
import dis
import itertools
import re
from collections.abc import Iterable

#: What code of others may raise: anything, and a script that was not meant to be imported ends its program.
ANYTHING: tuple[type[BaseException], ...] = (Exception, SystemExit)

#: How a traceback that a message quotes begins, and how a line does that names its exception's class itself.
_QUOTED = re.compile(r"\s*Traceback\b")
_CLASS = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt): ")


class BenchError(Exception):
    """A mistake that the user can mend."""

    exit_code = 2


class UnknownName(BenchError):
    """A name (derainer, rain, model, task, ...) that nothing is registered under."""


class BadData(BenchError):
    """A data set, image, mask or annotation file that cannot be used as it is."""


class BadWeights(BenchError):
    """A weights file that is missing, of another architecture, or not plain weights."""


class BadConfig(BenchError):
    """A suite, training or model configuration with a wrong key or value."""


class BadRecord(BenchError):
    """A record or evidence file that does not follow the schema or contradicts itself."""


class MissingDependency(BenchError):
    """A package that the asked-for work needs and this environment lacks."""


class Interrupted(BenchError):
    """Ctrl-C: what was finished is kept, and the same command goes on from there."""

    exit_code = 130


class OutputError(BenchError):
    """A folder or file that cannot be written."""


def unknown(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UnknownName:
    """Build the error for an unknown name, with the closest known ones as a suggestion.

    Args:
        kind: What the name should have named, e.g. ``"derainer"``.
        name: The name as given.
        known: Every name there is.
        hint: What to do when no close name exists; by default the known names are listed.

    Returns:
        The error, to be raised by the caller.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        advice = f"did you mean {' or '.join(close)}?"
    elif hint:
        advice = hint
    elif len(names) > 24:
        advice = f"there are {len(names)}, such as {', '.join(names[:8])}"
    else:
        advice = f"known: {', '.join(names) or 'none'}"
    return UnknownName(f"unknown {kind} {name!r}: {advice}")


def some(names: Iterable[object], count: int = 6) -> str:
    """Return ``a, b, c and 12 more``, for an error's single line."""
    listed = [str(name) for name in names]
    text = ", ".join(listed[:count]) or "nothing"
    return text if len(listed) <= count else f"{text} and {len(listed) - count} more"


def said(error: BaseException) -> str:
    """What an exception says, in one line; of those that are no :class:`BenchError`, the class comes first."""
    text = str(error)
    if isinstance(error, BenchError):
        return (text.splitlines() or [""])[0]
    text = cause(text)
    if not text:
        return type(error).__name__
    return text if _CLASS.match(text) else f"{type(error).__name__}: {text}"


def cause(text: str) -> str:
    """Return the part of a message of several lines that says what went wrong, in one line of at most 300 letters.

    Where a traceback is quoted, as TorchScript's and Ray's messages do, it is the last line; else the first, with what
    is indented below it.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if any(_QUOTED.match(line) for line in lines):
        lines = lines[-1:]
    below = itertools.takewhile(lambda line: line[0].isspace(), lines[1:])
    return " ".join(" ".join([*lines[:1], *below]).split())[:300]


def is_ctrl_c(error: BaseException) -> bool:
    """Whether an exception comes of Ctrl-C, and not of code that raises it itself."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not isinstance(error, KeyboardInterrupt):
        return isinstance(error, KeyboardInterrupt)
    # A signal comes between two instructions; code that raises is at the one that does.
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] != dis.opmap["RAISE_VARARGS"]


def blame(label: str, error: BaseException) -> str:
    """What a derainer's code or files raised, in one line that names the derainer."""
    text = said(error)
    return text if text.startswith("derainer ") else f"derainer {label}: {text}"
