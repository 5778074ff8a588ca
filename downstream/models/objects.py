"""Models that a script hands to :func:`bench.run` as they are: functions, or objects that can be called.

They are to an image what those of a Python file are; see :mod:`downstream.models.file`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, said
from bench.objects import given_of, open_given
from downstream.models.answers import READ, RETURNED, Answering, tried
from downstream.models.base import Listed, Model


class ObjectSource:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the object is being worked with in this process."""
        given_of(_digest(name))
        if task not in READ:
            raise BadConfig(f"an object looks for {' or '.join(READ)}, not for {task}")
        if checkpoint is not None:
            raise BadWeights("a model that is an object takes no checkpoint: it has its weights")
        return "object"

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Take the object, or read it in a process that was started, and try it on an image."""
        given = given_of(_digest(name))
        found: Any = open_given(given)
        what = type(found).__name__
        try:
            classes = tuple(map(str, found.classes))
        except ANYTHING as error:  # anyone's object
            raise BadConfig(
                f"model {what}: asking for its classes raised {said(error)}: give it an attribute classes, their names "
                f"in the order of its labels"
            ) from error
        if not callable(found):
            raise BadConfig(f"model {what} cannot be called with an image")
        return tried(Answering(what, task, classes, {"object": given.digest}, found))

    def listed(self, task: str | None) -> list[Listed]:
        """Say how they are handed over, and what they return."""
        return [
            Listed('bench.run(model={"mine": OBJECT})', each, f"in Python: an image in, {RETURNED[each]} out")
            for each in READ
            if task in (None, each)
        ]

    def is_data(self, name: str) -> bool:
        """An object is code."""
        return False


def _digest(name: str | None) -> str:
    return plugins.cut(name or "")[2] or ""


SOURCE = ObjectSource()
