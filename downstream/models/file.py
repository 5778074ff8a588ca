"""Models from a Python file of the user's own, ``my.py:NAME[?OPTIONS][:ARG]``.

The object is a function, or a class that is made with the options, ARG before them if there is one; it has an attribute
``classes`` and is called with an image, uint8 RGB HxWx3. For detection it returns boxes (n, 4) as left, top, right,
bottom in pixels, scores (n,) and labels (n,), indices into ``classes``; for instances masks (n, H, W) behind them; for
segmentation HxW indices.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, BenchError, said
from downstream.models.answers import READ, RETURNED, Answering, tried
from downstream.models.base import Listed, Model


class FileSource:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the file exists; nothing is run."""
        plug_in = _plug_in(name)
        if task not in READ:
            raise BadConfig(f"model {name}: a file's model looks for {' or '.join(READ)}, not for {task}")
        if checkpoint is not None:
            raise BadWeights(
                f"model {name} takes no --checkpoint: write {dataclasses.replace(plug_in, arg=str(checkpoint))}"
            )
        plugins.check(plug_in, "model")
        return plug_in.name

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Run the file, make the object and try it on a grey image."""
        plug_in = _plug_in(name)
        made = plugins.make(plug_in, *([] if plug_in.arg is None else [plug_in.arg]), says=("classes",))
        try:
            named = plug_in.options.attributes.get("classes")
            classes = tuple(str(each) for each in (made.object.classes if named is None else named))
        except ANYTHING as error:
            if isinstance(error, BenchError):
                raise
            raise BadConfig(f"model {name}: asking for its classes raised {said(error)}") from error
        key: dict[str, Any] = {"name": plug_in.name, "argument": _argument(plug_in.arg), "code": made.key}
        if made.given:
            key["arguments"] = made.given
        return tried(Answering(plug_in.name, task, classes, key, made.object))

    def listed(self, task: str | None) -> list[Listed]:
        """Say how they are named, and what they return."""
        return [
            Listed("my.py:NAME[?OPTIONS][:ARG]", each, f"your code: an image in, {RETURNED[each]} out")
            for each in READ
            if task in (None, each)
        ]

    def is_data(self, name: str) -> bool:
        """A file is code."""
        return False


def _argument(arg: str | None) -> str | None:
    """An argument as the key holds it: of a file its hash."""
    from bench.hashing import sha256_file

    if arg is None:
        return None
    path = Path(arg).expanduser()
    return sha256_file(path) if path.is_file() else arg


def _plug_in(name: str | None) -> plugins.PlugIn:
    plug_in = plugins.parse(name or "")
    assert plug_in is not None  # whoever asks has looked
    return plug_in


SOURCE = FileSource()
