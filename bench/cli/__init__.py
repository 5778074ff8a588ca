"""The command line: one module per verb, each thin. Nothing here may import torch or mm* before a verb runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.errors import BenchError

#: What typer returns after Ctrl-C.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; the console script ``bench``.

    A mistake of the user's is one line on standard error and exit code 2; Ctrl-C is exit code 130.
    """
    import typer

    from bench.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # A terminal or a pipe whose encoding lacks a letter gets a question mark, not a traceback after all work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # OpenCV's own lines about a bad file would stand beside ours; workers inherit the setting.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        with mistakes_said():
            code = app(standalone_mode=False)
    except _usage_error() as error:
        _say_usage(error)
        sys.exit(2)
    except typer.Abort:  # somebody's code asked a question, and nobody was there to answer
        print("bench: aborted", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # `bench report ... | head`: the reader has seen enough. Closing stderr keeps Python's exit quiet.
        sys.stderr.close()
        sys.exit(0)
    if code == _INTERRUPTED:
        print("bench: interrupted", file=sys.stderr)
    sys.exit(code or 0)


@contextmanager
def mistakes_said() -> Iterator[None]:
    """Say what a user can mend in one line on standard error, and exit with the error's code."""
    try:
        yield
    except BenchError as error:
        _say(str(error))
        sys.exit(error.exit_code)


def _usage_error() -> type[Exception]:
    """What a mistyped command raises. Typer has click within it or beside it, and names one kind of its own."""
    import typer

    return typer.BadParameter.__bases__[0]


def _say_usage(error: Any) -> None:
    """Say what is wrong with a command, and where its options are listed."""
    said = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":  # the command alone: the message is the help
        print(said, file=sys.stderr)
        return
    said = said.rstrip(".")
    where = f" (see {error.ctx.command_path} -h)" if error.ctx else ""
    _say(f"{said[:1].lower()}{said[1:]}{where}")


def _say(text: str) -> None:
    """One line on standard error."""
    from reports.tables.renderers.escape import visible  # names in it may come from a file of anyone's

    print(f"bench: {visible(' '.join(text.split()))}", file=sys.stderr)
