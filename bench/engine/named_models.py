"""Reads the models of the command line: which task each is for, what it is called, and which files belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadConfig
from bench.listing import label_before
from bench.plugins import cut, joined, read_options
from bench.vocabulary import EXPORTED

if TYPE_CHECKING:
    from downstream.tasks.base import Task


def read_models(
    tasks: Sequence[Task], models: Sequence[str], parts: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Read models, and match them with the tasks that need them, and files with the models that they belong to.

    Args:
        tasks: What is asked.
        models: ``[TASK=][LABEL=]MODEL`` each.
        parts: Option (``checkpoint``, ``classes``) to ``[LABEL=|TASK=]FILE`` each.

    Returns:
        The values of one :class:`bench.engine.suite.ModelChoice` each.

    Raises:
        BadConfig: If a model or a file fits several tasks or models, or none.
    """
    needing = [task.about.name for task in tasks if task.about.looks == "model"]
    chosen = [_model_choice(text, needing) for text in models]
    for option, texts in parts.items():
        for text in texts:
            owner, file = _owner(option, text, chosen)
            if owner[option] is not None:
                raise BadConfig(f"--{option} {text}: its model has {owner[option]} already; name another")
            owner[option] = file
    return [{key: value for key, value in each.items() if value is not None} for each in chosen]


def _model_choice(text: str, needing: Sequence[str]) -> dict[str, Any]:
    """Read ``[TASK=][LABEL=]MODEL``."""
    from downstream.tasks import is_registered

    task = label = None
    rest = text
    while (found := label_before(rest)) and not Path(rest).is_file():  # a folder may be called lr=0.1
        word, after = found
        if task is None and label is None and (is_registered(word) or word in needing):
            task = word
        elif label is None:
            label = word
        else:
            break
        rest = after
    if task is None:
        if len(needing) != 1:
            what = " and ".join(needing) or "none that takes a model"
            raise BadConfig(f"--model {text}: the tasks asked for are {what}; write TASK={text}")
        task = needing[0]
    return {"task": task, "name": rest, "label": label, "checkpoint": None, "classes": None}


def laid_out(models: Sequence[dict[str, Any]], layouts: Sequence[str]) -> list[dict[str, Any]]:
    """Return models with what the outputs of exported networks among them are.

    Args:
        models: As :func:`read_models` returns them.
        layouts: ``[LABEL=|TASK=]LAYOUT`` each; without a label it is that of every export that does not say its own.

    Raises:
        BadConfig: If a layout belongs to no export, or to one that has another already.
    """
    named = list(models)
    for text in layouts:
        word, layout = label_before(text) or (None, text)
        chosen = [m for m in named if word in (None, m.get("label"))] or [
            m for m in named if m["task"] == word
        ]
        exports = [m for m in chosen if _is_exported(m["name"])]
        silent = [m for m in exports if "layout" not in read_options(cut(m["name"])[1]).arguments]
        if exports and not silent:
            raise BadConfig(f"--layout {text}: {exports[0]['name']} says its own already; leave one out")
        if not silent:
            forms = " or ".join(f"{each}:FILE" for each in EXPORTED)
            whom = ", ".join(m["name"] for m in chosen) or (
                f"{word}: no model is called so" if word else "none"
            )
            raise BadConfig(f"--layout {text} goes with {forms}, not with {whom}")
        named = [{**m, "name": _with_layout(m["name"], layout)} if m in silent else m for m in named]
    return named


def _is_exported(name: str) -> bool:
    kind, _, file = cut(name)
    return file is not None and kind in EXPORTED


def _with_layout(name: str, layout: str) -> str:
    kind, query, file = cut(name)
    return joined(kind, f"{query}&layout={layout}" if query else f"layout={layout}", file)


def _owner(option: str, text: str, models: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Return the model that ``[LABEL=|TASK=]FILE`` of an option belongs to, and the file."""
    if not models:
        raise BadConfig(f"--{option} {text} without --model: name the model that it belongs to")
    owners, file = models, text
    if found := label_before(text):
        word, after = found
        named = [m for m in models if m["label"] == word] or [m for m in models if m["task"] == word]
        if named:
            owners, file = named, after
    if len(owners) > 1:
        raise BadConfig(
            f"--{option} {text}: several models could be meant; label them, --model a=..., "
            f"and write --{option} a={file}"
        )
    return owners[0], file
