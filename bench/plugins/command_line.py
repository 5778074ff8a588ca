"""The command line is the program's: what a plug-in reads of it would be another's options, and in no key."""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from bench.errors import BadConfig
from bench.plugins.importing import root_of
from bench.plugins.opened import is_recording


class ReadsCommandLine(BadConfig):
    """A plug-in's code asks argparse for the command line while it is imported or made."""


@functools.cache
def keep_command_line() -> None:
    """Have argparse refuse the command line to plug-ins that are imported or made; others get it as ever.

    It would print its usage, which is none of ours, and end the program; or take what is meant for us.
    """
    original = argparse.ArgumentParser.parse_known_args

    @functools.wraps(original)
    def parse_known_args(self: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
        if args is None and is_recording():
            _refuse(sys._getframe(1))
        return original(self, args, namespace)

    # For good, as threads may import at the same time, and it does next to nothing.
    argparse.ArgumentParser.parse_known_args = parse_known_args  # type: ignore[method-assign]


def _refuse(frame: FrameType | None) -> None:
    """Say which line of a plug-in asks for the command line, if one does.

    Raises:
        ReadsCommandLine: If so.
    """
    own = []
    while frame is not None:
        if root_of(frame.f_globals.get("__name__") or ""):
            own.append(frame)
        frame = frame.f_back
    if own:
        when = "imported" if any(each.f_code.co_name == "<module>" for each in own) else "made"
        raise ReadsCommandLine(
            f"{Path(own[0].f_code.co_filename).name} reads the command line when {when} (parse_args at line "
            f"{own[0].f_lineno}): put that under if __name__ == '__main__'"
        )
