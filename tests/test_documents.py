"""The commands of the documents are spelled as the program takes them; those that can be run here are marked so.

``docs/site/commands.py`` runs what is marked ``bash``; here every command is parsed, also those that want a cluster
or a data set that nobody has at hand.
"""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer

from bench.cli.app import app
from bench.errors import BenchError

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
fences = runpy.run_path(str(ROOT / "docs" / "site" / "commands.py"))["fences"]
#: What stands before a command that another one starts.
_BENCH = re.compile(r"(?:^|\s)(?:\S*/)?bench (?P<rest>.*)")


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """The kind of its fence and the words of every ``bench`` command in the fences of a page that hold commands."""
    found = []
    for fence in fences(page):
        if fence.kind not in ("", "bash", "sh"):
            continue
        for line in fence.code.replace("\\\n", " ").splitlines():
            for part in line.split(" && "):
                command = _BENCH.search(part)
                if command and not part.lstrip().startswith("#"):
                    found.append((fence.kind, shlex.split(command["rest"], comments=True)))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_spelled_as_the_program_takes_it(page: Path) -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for kind, (verb, *words) in commands(page):
        written = f"{page.name}: bench {verb} {shlex.join(words)}"
        assert kind or page.parent == ROOT, (
            f"{written} is in a fence without a kind: bash, or sh if it cannot be run"
        )
        assert verb in verbs, written
        command = verbs[verb]
        while hasattr(command, "commands"):
            verb, *words = words
            assert verb in command.commands, written
            command = command.commands[verb]
        try:
            command.make_context(verb, words)
        except BenchError:
            continue  # of a folder that the page has and the test has not
        except Exception as wrong:  # Typer brings a Click of its own
            pytest.fail(f"{written}: {wrong}")
