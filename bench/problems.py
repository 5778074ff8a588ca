"""Gathers mistakes, so that a user hears of all of them at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.errors import BadConfig, BenchError


class Problems:
    """The mistakes found so far.

    Args:
        where: The suite file that they are in, which then are told with the path of their key; None where the choices
            come from the command line, whose messages name the option themselves.
    """

    def __init__(self, where: str | None) -> None:
        self._where = where
        self._found: list[tuple[str, BenchError]] = []

    @contextlib.contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Keep a mistake that is raised inside instead of passing it on.

        Args:
            path: Path of the key that is looked at, e.g. ``variants.0.rain.1``.
        """
        try:
            yield
        except BenchError as error:
            self._found.append((path, error))

    def settle(self) -> None:
        """Raise what was found, if anything was, as one line.

        Raises:
            BenchError: The mistake itself if it is the only one and no path is to be told with it.
            BadConfig: All of them.
        """
        if not self._found:
            return
        if self._where is None and len(self._found) == 1:
            raise self._found[0][1]
        clauses = [str(error) if self._where is None else f"{path}: {error}" for path, error in self._found]
        text = "; ".join(dict.fromkeys(clauses))
        raise BadConfig(text if self._where is None else f"{self._where}: {text}")
