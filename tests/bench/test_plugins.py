"""Code of the user's own: which of it a plug-in sees, and that its key holds all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import plugins
from bench.errors import BadConfig
from bench.plugins import PlugIn


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> object:
    path, modules = list(sys.path), set(sys.modules)
    yield
    assert sys.path == path
    left = {name for name in set(sys.modules) - modules if not name.startswith("derain_bench_plug_in_")}
    assert not {name for name in left if "helper" in name}


def write(folder: Path, **files: str) -> PlugIn:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return PlugIn(str(folder / "mine.py"), "fn")


#: Each way of importing a helper module that a plug-in has.
WAYS = {
    "absolute": "import helper\ndef fn(): return helper.VALUE\n",
    "from": "from helper import VALUE\ndef fn(): return VALUE\n",
    "late": "def fn():\n    import helper\n    return helper.VALUE\n",
    "late from": "def fn():\n    from helper import VALUE\n    return VALUE\n",
    "importlib": "import importlib\nhelper = importlib.import_module('helper')\ndef fn(): return helper.VALUE\n",
    "late importlib": "import importlib\ndef fn():\n    return importlib.import_module('helper').VALUE\n",
    "computed name": (
        "import importlib\nhelper = importlib.import_module('hel' + 'per')\ndef fn(): return helper.VALUE\n"
    ),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_helper_is_found_and_its_edit_changes_key_and_result(tmp_path: Path, way: str) -> None:
    plug_in = write(tmp_path, mine_py=WAYS[way], helper_py="VALUE = 1\n")
    assert plugins.load(plug_in, "rain")() == 1
    before = plugins.code_key(plug_in)
    assert set(before) == {"mine.py", "helper.py"}
    sys.modules.pop("helper", None)  # what a late import leaves
    (tmp_path / "helper.py").write_text("VALUE = 2  # edited\n")
    assert plugins.code_key(plug_in) != before
    if way != "computed name":  # in one process only what import statements name is looked at again
        assert plugins.load(plug_in, "rain")() == 2
    sys.modules.pop("helper", None)


def test_a_package_with_relative_imports(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("from .deep import VALUE\n")
    (tmp_path / "pkg" / "deep.py").write_text("from . import base\nVALUE = base.VALUE + 1\n")
    (tmp_path / "pkg" / "base.py").write_text("VALUE = 1\n")
    plug_in = write(tmp_path, mine_py="import pkg\ndef fn(): return pkg.VALUE\n")
    assert plugins.load(plug_in, "rain")() == 2
    assert set(plugins.code_key(plug_in)) == {"mine.py", "pkg/__init__.py", "pkg/deep.py", "pkg/base.py"}
    (tmp_path / "pkg" / "base.py").write_text("VALUE = 10\n")
    assert plugins.load(plug_in, "rain")() == 11


def test_two_plug_ins_with_helpers_of_one_name_do_not_meet(tmp_path: Path) -> None:
    code = "import helper\ndef fn():\n    import helper as late\n    return helper.VALUE, late.VALUE\n"
    one = write(tmp_path / "one", mine_py=code, helper_py="VALUE = 1\n")
    two = write(tmp_path / "two", mine_py=code, helper_py="VALUE = 2\n")
    first, second = plugins.load(one, "rain"), plugins.load(two, "rain")
    assert first()[0] == 1
    sys.modules.pop("helper", None)
    assert second() == (2, 2)
    sys.modules.pop("helper", None)
    assert first() == (1, 1)
    sys.modules.pop("helper", None)


def test_installed_modules_are_no_part_of_the_key(tmp_path: Path) -> None:
    plug_in = write(
        tmp_path, mine_py="import json, numpy, bench\nfrom bench import errors\ndef fn(): return 1\n"
    )
    plugins.load(plug_in, "rain")
    key = plugins.code_key(plug_in)
    assert isinstance(key, str)
    assert len(key) == 64


def test_an_editable_package_counts_as_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "checkout" / "theirpkg"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(source.parent))  # as an editable installation puts it there
    plug_in = write(tmp_path / "here", mine_py="import theirpkg\ndef fn(): return theirpkg.VALUE\n")
    assert plugins.load(plug_in, "rain")() == 1
    assert set(plugins.code_key(plug_in)) == {"mine.py", "__init__.py"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no\\nway')\n", r"could not be imported: ValueError: no.*\(line 1\)"),
        ("def other(): pass\n", r"has no 'fn'; it has other"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("exit(3)\n", r"SystemExit.*__main__"),
        ("def fn(:\n", "SyntaxError"),
    ],
)
def test_a_fault_is_one_line(tmp_path: Path, code: str, said: str) -> None:
    plug_in = write(tmp_path, mine_py=code)
    with pytest.raises(BadConfig, match=said) as caught:
        plugins.load(plug_in, "rain")
    assert "\n" not in str(caught.value)
    with pytest.raises(BadConfig, match=r"rain '.*gone.py:fn': no file"):
        plugins.load(PlugIn(str(tmp_path / "gone.py"), "fn"), "rain")


def test_a_file_that_breaks_and_is_mended(tmp_path: Path) -> None:
    plug_in = write(tmp_path, mine_py="def fn(): return 1\n")
    fn = plugins.load(plug_in, "rain")
    (tmp_path / "mine.py").write_text("def fn(: return\n")
    with pytest.raises(BadConfig):
        plugins.load(plug_in, "rain")
    assert fn() == 1
    (tmp_path / "mine.py").write_text("def fn(): return 3\n")
    assert plugins.load(plug_in, "rain")() == 3


def test_objects_of_a_plug_in_reach_another_process(tmp_path: Path) -> None:
    plug_in = write(tmp_path, mine_py="class fn:\n    class Inner:\n        pass\n")
    kind = plugins.load(plug_in, "reader")
    origin = plugins.origin_of(kind)
    assert origin is not None
    made = plugins.remade(origin, "fn.Inner", {"a": 1})
    assert (type(made), made.a) == (kind.Inner, 1)
    assert plugins.origin_of(Path) is None


def test_specs() -> None:
    assert plugins.parse("a.py:B") == PlugIn("a.py", "B")
    assert plugins.parse("dir/a.py:B:c:d") == PlugIn("dir/a.py", "B", "c:d")
    for other in ("rdmc", "prenet:w.pth", "coco:/data.py", "a.py", "a.py:"):
        assert plugins.parse(other) is None
