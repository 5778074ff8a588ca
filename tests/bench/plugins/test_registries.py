"""Names that plug-ins enter into registries of installed packages: several of them, and edited ones, in a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BadConfig
from bench.plugins import load, make, parse

#: Ways in which packages keep names, each with what its users import: ``REG`` enters a class and ``build`` finds it.
REGISTRIES = {
    "an object": (
        "class Registry:\n"
        "    def __init__(self): self._obj_map = {}\n"
        "    def register(self, found):\n"
        "        assert found.__name__ not in self._obj_map, f'{found.__name__} was already registered'\n"
        "        self._obj_map[found.__name__] = found\n        return found\n"
        "ARCHS = Registry()\n"
        "def get(name): return ARCHS._obj_map[name]\n",
        "from {0}.parts import ARCHS, get\nREG, build = ARCHS.register, get\n",
    ),
    "a dictionary behind a function": (
        "_ALL = {'archs': {}}\n"
        "def register(found):\n"
        "    if found.__name__ in _ALL['archs']: raise KeyError(f'{found.__name__} is already registered')\n"
        "    _ALL['archs'][found.__name__] = found\n    return found\n"
        "def get(name): return _ALL['archs'][name]\n",
        "from {0} import register as REG, get as build\n",
    ),
    "a module": (
        "_ALL = {}\n"
        "def register(found):\n"
        "    if found.__name__ in _ALL: raise KeyError(f'{found.__name__} is already registered')\n"
        "    _ALL[found.__name__] = found\n    return found\n"
        "def get(name): return _ALL[name]\n",
        "import {0}.parts\nREG, build = {0}.parts.register, {0}.parts.get\n",
    ),
}
Write = Callable[..., Path]


@pytest.fixture(params=REGISTRIES)
def using(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The lines with which a plug-in imports from an installed package with a registry."""
    source, lines = REGISTRIES[request.param]
    name = f"bought_{abs(hash(tmp_path))}"
    package = tmp_path / "site" / name
    package.mkdir(parents=True)
    (package.parent / f"{name}-1.dist-info").mkdir()
    (package / "parts.py").write_text(source)
    (package / "__init__.py").write_text("from .parts import *\n")
    monkeypatch.syspath_prepend(package.parent)
    return lines.format(name)


def made(spec: str) -> Any:
    plugin = parse(spec)
    assert plugin is not None
    return make(plugin).object


BLOCK = "@REG\nclass Block:\n    n = {0}\n"
NET = """@REG
class Net{1}:
    def __init__(self): self.n = build('Block').n + {0}
    def later(self): return build('Block').n
"""


def test_two_files_that_share_what_registers_names(using: str, tmp_path: Path) -> None:
    (tmp_path / "common.py").write_text(using + BLOCK.format(1))
    for number in (1, 2):
        source = f"from common import *\n{NET.format(10 * number, number)}"
        (tmp_path / f"net{number}.py").write_text(source)
    for _ in range(2):
        first = made(f"{tmp_path}/net1.py:Net1")
        assert first.n == 11
        assert made(f"{tmp_path}/net2.py:Net2").n == 21
    # Whose it is while neither is at work, nobody can tell.
    with pytest.raises(KeyError):
        first.later()


def test_files_of_a_package_that_imports_them_all(using: str, tmp_path: Path) -> None:
    archs = tmp_path / "archs"
    archs.mkdir()
    (archs / "__init__.py").write_text("from . import block, one, two\n")
    (archs / "block.py").write_text(using + BLOCK.format(1))
    for number, name in enumerate(("one", "two"), 1):
        (archs / f"{name}.py").write_text(using + NET.format(10 * number, number))
    alone = made(f"{archs}/one.py:Net1")
    assert (alone.n, alone.later()) == (11, 1)
    assert made(f"{archs}/two.py:Net2").n == 21
    assert made(f"{archs}/one.py:Net1").n == 11


def test_an_edited_file_registers_its_names_anew(using: str, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    found = []
    for number in (1, 2):
        file.write_text(using + BLOCK.format(number) + NET.format(0, ""))
        found.append(made(f"{file}:Net"))
    assert [net.n for net in found] == [1, 2]
    with pytest.raises(KeyError):  # and not 2
        found[0].later()


def test_a_file_that_failed_after_it_had_registered_a_name_is_imported_again(
    using: str, tmp_path: Path
) -> None:
    file = tmp_path / "net.py"
    for source in ("open('absent' + '.txt')\n", "open('absent' + '.txt')\n", ""):
        file.write_text(using + BLOCK.format(3) + NET.format(0, "") + source)
        if source:
            with pytest.raises(BadConfig, match=r"FileNotFoundError.*\(line \d+\)$"):
                made(f"{file}:Net")
    assert made(f"{file}:Net").n == 3


def test_names_entered_with_what_was_in_a_file_are_entered_anew(using: str, tmp_path: Path) -> None:
    number = "int(open(__file__.replace('net.py', 'n' + '.txt')).read())"
    (tmp_path / "net.py").write_text(using + BLOCK.format(number) + NET.format(0, ""))
    for text in "12":
        (tmp_path / "n.txt").write_text(text)
        assert made(f"{tmp_path}/net.py:Net").n == int(text)


def test_two_files_with_parts_in_a_registry_of_mmengine(tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    using = "from mmengine.registry import MODELS\nREG = MODELS.register_module()\nbuild = MODELS.get\n"
    (tmp_path / "common.py").write_text(using + BLOCK.format(1))
    for number in (1, 2):
        (tmp_path / f"net{number}.py").write_text(f"from common import *\n{NET.format(number, number)}")
        assert made(f"{tmp_path}/net{number}.py:Net{number}").n == 1 + number
    plugin = parse(f"{tmp_path}/net1.py:Net1")
    assert plugin is not None
    assert load(plugin)
