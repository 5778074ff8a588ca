"""Ctrl-C while training: the running step is finished and saved first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

Asked = Callable[[], bool]
"""Whether the user has asked for an end."""


@contextlib.contextmanager
def noted() -> Iterator[Asked]:
    """Note the first Ctrl-C instead of raising; the second one raises as ever.

    Only the main thread hears signals: elsewhere, and where SIGINT is ignored (in a background job), nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    asked = False

    def note(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
