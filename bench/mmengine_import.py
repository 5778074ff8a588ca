"""The first import of MMEngine on a machine, where several processes may do it at once."""

from __future__ import annotations

import importlib
import pickle
import time

#: Writing the cache takes milliseconds; far longer means that the file is spoilt for good.
_PATIENCE_S = 10.0


def import_mmengine() -> None:
    """Import MMEngine, and wait where another process is at its first import.

    MMEngine imports yapf, which on a new machine writes a cache of its grammar to the user's folder and puts it in
    place before it is flushed. A process that reads the file at that moment finds it empty or cut short.

    Raises:
        ImportError: MMEngine is not installed.
    """
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        try:
            importlib.import_module("mmengine")
            return
        except (EOFError, pickle.UnpicklingError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
