"""A remedy that a message names exists in every verb that prints it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_OPTION = re.compile(r"--[a-z][a-z-]+")
_RUN, _DATA = ("run", "plan"), ("run", "plan", "panel", "rain", "verify")
_MODELS = (*_RUN, "panel", "verify")
_DERAINERS = (*_RUN, "restore", "panel", "check", "profile", "verify")
#: Beginnings of modules, the longest first, and the verbs that print what they say.
_PRINTED = {
    "bench/data/": _DATA,
    "bench/data/tags": _RUN,
    "bench/device": _DERAINERS,
    "bench/api": ("run",),
    "bench/deadline": (*_RUN, "restore", "check", "profile", "verify"),
    "bench/engine/": _RUN,
    "bench/engine/cost": ("profile",),
    "bench/engine/finish": ("run",),
    "bench/engine/outline": _RUN,
    "bench/engine/plan": _RUN,
    "bench/engine/scheduler": ("run",),
    "bench/engine/session": ("run",),
    "bench/engine/verify": ("verify",),
    "bench/engine/views": ("panel",),
    "bench/keep/entry": ("submit",),
    "bench/keep/evidence": (*_RUN, "report", "rescore", "verify"),
    "bench/keep/store": _RUN,
    "bench/plugins/": (*_RUN, "restore", "check", "profile", "verify"),
    "bench/restoring": ("restore",),
    "bench/score/rescore": ("rescore",),
    "bench/templates": ("new",),
    "bench/train/": ("train",),
    "bench/video/": ("restore",),
    "bench/weights": _DERAINERS,
    "derainers/harness/remedy": _RUN,  # what `bench check` prints is to be written behind one of these
    "downstream/measures/": _RUN,
    "downstream/models/": _MODELS,
    "downstream/models/exported": _RUN,
    "downstream/models/renamed": _RUN,
    "downstream/tasks/": _RUN,
    "downstream/models/layouts": _RUN,
    "reports/arrangement": ("report",),
    "reports/board/entries": ("submit",),
    "reports/board/repeat": ("run",),
    "reports/combine": ("report",),
    "reports/figures/": ("panel",),
    "reports/tables/": ("report",),
    "reports/tables/gate": ("compare",),
}
#: Options of other programs, what speaks of a run's folder, and commands that a message quotes whole.
_OTHERS = re.compile(
    r"--(index-url|no-build-isolation|no-deps|no-python|fail-fast)|the --out folder|--fix prints|`[^`]*`"
    r"|bench (run|check) .*"
)


def messages() -> Iterator[tuple[str, str, set[str]]]:
    """Module, text and options of every text that names an option, but for documentation and the verbs themselves."""
    for folder in ("bench", "derainers", "downstream", "reports"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(("bench/cli/", "bench/tools/", "derainers/cards/")):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    node.value.value = ""
            for node in ast.walk(tree):
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and (found := set(_OPTION.findall(_OTHERS.sub("", text)))):
                    yield name, text, found


@cache
def options_of(verb: str) -> set[str]:
    import typer

    from bench.cli.app import app

    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


FOUND = list(messages())


@pytest.mark.parametrize("name", sorted({name for name, _, _ in FOUND}))
def test_named_options_are_there(name: str) -> None:
    (start,) = sorted((start for start in _PRINTED if name.startswith(start)), key=len)[-1:] or [None]
    assert start is not None, f"say in this test which verbs print what {name} says"
    for verb in _PRINTED[start]:
        for place, text, named in FOUND:
            if place == name:
                lacking = named - options_of(verb)
                assert not lacking, f"bench {verb} has no {', '.join(sorted(lacking))}, but prints {text!r}"
