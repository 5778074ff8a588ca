"""Progress on the terminal: a bar with images/s and time left; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

from bench.api import Watcher
from reports.tables.renderers.escape import visible

#: Seconds between two plain lines.
_EVERY = 15.0


class TerminalWatcher(Watcher):
    """Writes to standard error, so that standard output holds the result alone."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._total = self._done = 0
        self._started = self._told = 0.0

    def stage(self, text: str) -> None:
        """Say what comes next."""
        print(f"{text} ...", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Say what is odd."""
        print(f"note: {visible(text)}", file=sys.stderr, flush=True)

    def begin(self, images: int) -> None:
        """Start the bar."""
        self._total, self._done = images, 0
        self._started = self._told = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("images"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task("images", total=images, rate="")
        else:
            print(f"{images} images to look at", file=sys.stderr, flush=True)

    def advance(self, images: int) -> None:
        """Move the bar, or write a line every few seconds."""
        self._done += images
        now = time.monotonic()
        rate = self._done / max(1e-9, now - self._started)
        if self._bar is not None:
            self._bar.update(self._task, advance=images, rate=f"{rate:.1f}/s")
        elif now - self._told >= _EVERY or self._done >= self._total:
            self._told = now
            left = (self._total - self._done) / max(1e-9, rate)
            print(
                f"{self._done}/{self._total} images, {rate:.1f} images/s, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def end(self) -> None:
        """Stop the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
