"""The one loader of users' Python files: what meets, what is left behind, what is in the key."""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.errors import BadConfig
from bench.plugins import PlugIn, code_key, load, make, parse


def write(folder: Path, **files: str) -> Path:
    """Write ``name__inner`` as ``name/inner.py`` and return the folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def called(folder: Path, spec: str = "my.py:f") -> object:
    plugin = parse(f"{folder}/{spec}")
    assert plugin is not None
    return load(plugin)()


def key(folder: Path, spec: str = "my.py:f") -> dict[str, str]:
    plugin = parse(f"{folder}/{spec}")
    assert plugin is not None
    return code_key(plugin)


def test_neighbours_of_one_name_do_not_meet_and_nothing_is_left(tmp_path: Path) -> None:
    def helpers() -> set[str]:
        return {name for name in sys.modules if "helper" in name and not name.startswith("bench.")}

    before, modules = list(sys.path), helpers()
    for number in (1, 2):
        write(tmp_path / str(number), my="import helper\ndef f(): return helper.N", helper=f"N = {number}\n")
    assert [called(tmp_path / "1"), called(tmp_path / "2"), called(tmp_path / "1")] == [1, 2, 1]
    assert sys.path == before
    assert helpers() == modules
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize(
    "source",
    [
        "import pkg.net\ndef f(): return pkg.net.width()",
        "import pkg.net as n\ndef f(): return n.width()",
        "from pkg import net\ndef f(): return net.width()",
        "from pkg.net import width as f",
        "from pkg.net import *\ndef f(): return width()",
        "from .pkg.net import width as f",
        "from . import pkg\nfrom pkg import net\ndef f(): return pkg.net.width()",
        "def f():\n    from pkg.net import width\n    return width()",
        "def f():\n    import pkg.net\n    return pkg.net.width()",
    ],
)
def test_every_form_of_import_finds_the_neighbours(tmp_path: Path, source: str) -> None:
    write(
        tmp_path,
        my=source,
        pkg____init__="",
        pkg__net="from .sizes import SIDE\nimport top\ndef width(): return SIDE + top.MORE",
        pkg__sizes="SIDE = 3",
        top="MORE = 4",
    )
    (tmp_path / "pkg" / "__init__.py").touch()
    assert called(tmp_path) == 7
    assert set(key(tmp_path)) == {"my.py", "pkg", "top"}


def test_threads_that_import_late_get_their_own_neighbours(tmp_path: Path) -> None:
    loaded = []
    for number in range(4):
        folder = write(
            tmp_path / str(number),
            my="def f():\n    import helper\n    return helper.N",
            helper=f"N = {number}",
        )
        loaded.append(load(PlugIn(folder / "my.py", "f")))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda f: f(), loaded * 8)) == [0, 1, 2, 3] * 8


def test_neighbours_come_before_installed_packages_but_not_before_ours_or_the_standard_library(
    tmp_path: Path,
) -> None:
    names = "bench.__name__, json.dumps(1), yaml.__name__[-4:], numpy.pi"
    source = f"import bench, json, yaml, numpy\ndef f(): return {names}"
    write(tmp_path, my=source, bench="", json="", yaml="def load(): pass")
    (tmp_path / "numpy").mkdir()  # a folder of data
    assert called(tmp_path)[:3] == ("bench", "1", "yaml")  # type: ignore[index]
    assert set(key(tmp_path)) == {"my.py", "yaml"}


def test_the_key_changes_with_every_file_that_is_imported_and_with_no_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        my="from a import x\ndef f():\n    import late\n    return x, late.y",
        a="from b import x",
        b="x = 1",
        late="y = 2",
        other="z = 3",
    )
    first = key(tmp_path)
    assert set(first) == {"my.py", "a", "b", "late"}
    write(tmp_path, other="z = 4")
    assert key(tmp_path) == first
    for name in ("a", "b", "late", "my"):
        text = (tmp_path / f"{name}.py").read_text()
        write(tmp_path, **{name: text + "\n# changed"})
        assert key(tmp_path) != first
        write(tmp_path, **{name: text})
    (tmp_path / "moved").mkdir()
    for path in tmp_path.glob("*.py"):
        path.rename(tmp_path / "moved" / path.name)
    assert key(tmp_path / "moved") == first
    assert called(tmp_path / "moved") == (1, 2)


def test_an_edited_neighbour_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, my="import helper\ndef f(): return helper.N", helper="N = 1")
    old = load(PlugIn(tmp_path / "my.py", "f"))
    write(tmp_path, helper="N = 2")
    assert called(tmp_path) == 2
    assert old() == 1


def test_a_package_on_the_path_that_nothing_installed_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path / "src", research__net="import deeper\nN = deeper.N", research____init__="", deeper="N = 1"
    )
    (tmp_path / "src/research/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "src")
    write(
        tmp_path / "mine", my="import research.net, numpy, typing_extensions\ndef f(): return research.net.N"
    )
    first = key(tmp_path / "mine")
    assert set(first) == {"my.py", "research", "deeper"}
    assert called(tmp_path / "mine") == 1
    write(tmp_path / "src", deeper="N = 2")
    assert key(tmp_path / "mine") != first
    (tmp_path / "src" / "research-1.dist-info").mkdir()  # now it is as pip --target leaves it
    assert set(key(tmp_path / "mine")) == {"my.py"}


def test_what_is_pickled_is_found_again_in_another_process_unless_its_code_has_changed(
    tmp_path: Path,
) -> None:
    cloudpickle = pytest.importorskip("loky.backend.reduction")
    folder = write(
        tmp_path / "with.dots @and spaces",
        my="from helper import N\nclass Thing:\n    def f(self): return N\ndef f(): return Thing()",
        helper="N = 5",
    )
    thing = called(folder)
    code = (
        "import pickle, sys; thing = pickle.load(sys.stdin.buffer); print(thing.f(), type(thing).__module__)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def unpickled(data: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", code], input=data, capture_output=True, env=environment, check=False
        )

    for data in (pickle.dumps(thing), bytes(cloudpickle.dumps(thing))):
        done = unpickled(data)
        assert done.stdout.startswith(b"5 bench.plugins."), done.stderr
    write(folder, helper="N = 6")
    assert b"has changed since" in unpickled(data).stderr


@pytest.mark.parametrize(
    ("files", "spec", "words"),
    [
        ({}, "my.py:f", "no file"),
        ({"my": "def fog(): pass"}, "my.py:fig", r"has no 'fig': did you mean fog\?"),
        ({"my": "def fog(): pass\nx = 1"}, "my.py:Net", "has no 'Net'; it has fog$"),
        ({"my": "x = 1"}, "my.py:Net", "nothing that can be called"),
        ({"my": "import nothing_of_this_name"}, "my.py:f", "ModuleNotFoundError: .*nothing_of_this_name.*line 1"),
        ({"my": "import a", "a": "import a.b"}, "my.py:f", "ModuleNotFoundError: No module named 'a.b'"),
        ({"my": "\n1 / 0"}, "my.py:f", r"ZeroDivisionError: division by zero \(line 2\)"),
        ({"my": "def f(:"}, "my.py:f", "SyntaxError"),
        ({"my": "import sys\nsys.exit(3)"}, "my.py:f", "SystemExit: 3 .*__main__"),
        ({"my": "raise KeyError('N is already registered')"}, "my.py:f", "a run of its own"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line(tmp_path: Path, files: dict[str, str], spec: str, words: str) -> None:
    write(tmp_path, **files)
    for _ in range(2):  # a failed import leaves nothing half made
        with pytest.raises(BadConfig, match=words) as caught:
            called(tmp_path, spec)
        assert "\n" not in str(caught.value)
        assert "bench.plugins" not in str(caught.value)


def test_the_command_line_is_none_of_a_plug_ins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--lr", "3"])
    asking = "import argparse\nparser = argparse.ArgumentParser()\nopt = parser.parse_args({})\n"
    write(tmp_path, my="import options\ndef f(): return 3", options=asking.format(""))
    write(tmp_path, fine=f"{asking.format('[]')}def f(): return 3")
    write(
        tmp_path,
        made="import argparse\nclass f:\n def __init__(self):\n  argparse.ArgumentParser().parse_args()",
    )
    words = r"^options\.py reads the command line when imported \(parse_args at line 3\): put that under if __name__"
    for _ in range(2):
        with pytest.raises(BadConfig, match=words):
            called(tmp_path, "my.py:f")
    with pytest.raises(
        BadConfig, match=r"^made\.py reads the command line when made \(parse_args at line 4\)"
    ):
        make(PlugIn(tmp_path / "made.py", "f"))
    assert called(tmp_path, "fine.py:f") == 3
    assert capfd.readouterr() == ("", "")
    with pytest.raises(SystemExit):  # everybody else's is as it was
        argparse.ArgumentParser().parse_args()


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\ndef f(): return importlib.import_module('helper').N",
        "from importlib import import_module as get\ndef f(): return get('.helper', __package__).N",
        "import importlib\ndef f(): return importlib.import_module('hel' + 'per').N",
        "import importlib.util, importlib as i\ndef f(name='helper'): return i.import_module(name).N",
        "def f(): return __import__('helper').N",
    ],
)
def test_modules_imported_by_a_text_are_found_and_counted(tmp_path: Path, source: str) -> None:
    for number in (1, 2):
        write(tmp_path, my=source, helper=f"N = {number}\n")
        assert called(tmp_path) == number
        assert "helper" in key(tmp_path)
    assert "helper" not in sys.modules
    import importlib

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("helper")  # not for anybody else


def test_a_package_that_looks_for_its_own_modules_finds_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        my="from archs import NETS\ndef f(): return NETS",
        archs="",
        archs__a="N = 1",
        archs__b="N = 2",
    )
    (tmp_path / "archs.py").unlink()
    (tmp_path / "archs" / "__init__.py").write_text(
        "import importlib, pkgutil\nNETS = [importlib.import_module(f'archs.{m.name}').N for m in "
        "pkgutil.iter_modules(__path__)]\nNETS += [importlib.import_module(f'{__name__}.a').N]"
    )
    assert called(tmp_path) == [1, 2, 1]
    assert set(key(tmp_path)) == {"my.py", "archs"}


def test_a_file_in_a_package_is_a_module_of_it(tmp_path: Path) -> None:
    def repository(name: str, value: int) -> Path:
        folder = tmp_path / name
        (folder / "src" / "lib").mkdir(parents=True)
        (folder / "repo" / "models").mkdir(parents=True)
        (folder / "pyproject.toml").touch()
        for path, text in {
            "repo/__init__.py": "",
            "repo/models/__init__.py": "from .net import f",
            "repo/models/net.py": "from ..parts import P\nfrom repo.parts import P as Q\nfrom lib.more import M\n"
            "import beside\ndef f(): return P, Q, M, beside.B",
            "repo/models/beside.py": "B = 4",
            "repo/parts.py": f"P = {value}",
            "src/lib/more.py": "M = 3",
        }.items():
            (folder / path).write_text(text)
        return folder

    one, two = repository("one", 1), repository("two", 2)
    assert called(one, "repo/models/net.py:f") == (1, 1, 3, 4)
    assert called(two, "repo/models/net.py:f") == (2, 2, 3, 4)
    first = key(one, "repo/models/net.py:f")
    assert set(first) == {"repo", "lib", "beside"}
    for path in ("repo/parts.py", "src/lib/more.py", "repo/models/__init__.py"):
        before = (one / path).read_text()
        (one / path).write_text(before + "\n# changed")
        assert key(one, "repo/models/net.py:f") != first
        (one / path).write_text(before)
    assert not {"repo", "lib"} & set(sys.modules)


def test_installed_packages_come_before_what_lies_at_the_root_of_the_repository(tmp_path: Path) -> None:
    write(
        tmp_path,
        tools__my="import yaml, common\ndef f(): return yaml.__name__, common.N",
        yaml="",
        common="N = 1",
    )
    (tmp_path / "setup.py").touch()
    assert called(tmp_path, "tools/my.py:f") == ("yaml", 1)
    assert set(key(tmp_path, "tools/my.py:f")) == {"my.py", "common"}


def test_dots_lead_out_of_folders_that_no_file_makes_packages(tmp_path: Path) -> None:
    write(
        tmp_path,
        repo__models__net="from .near import f",
        repo__models__near="from ..parts import f",
        repo__parts="def f(): return 1",
    )
    assert called(tmp_path, "repo/models/net.py:f") == 1
    first = key(tmp_path, "repo/models/net.py:f")
    write(tmp_path, repo__parts="def f(): return 2")
    assert called(tmp_path, "repo/models/net.py:f") == 2
    assert key(tmp_path, "repo/models/net.py:f") != first


DATA = {
    "named beside": "from pathlib import Path\ndef f(): return Path(__file__).with_name('mean.txt').read_text()",
    "opened on import": "import os\nhere = os.path.dirname(__file__)\nTEXT = open(here + '/me' + 'an.txt').read()\n"
    "def f(): return TEXT",
    "opened when made": "import os\nclass f:\n    def __new__(cls):\n"
    "        return open(os.path.dirname(__file__) + '/me' + 'an.txt').read()",
    "run by its path": "import runpy\nfrom pathlib import Path\n"
    "def f(): return runpy.run_path(Path(__file__).parent / 'mean.py')['N']",
    "code run by a path that is put together": "import runpy, os\nhere = os.path.dirname(__file__)\n"
    "N = runpy.run_path(os.path.join(here, 'me' + 'an.py'))['N']\ndef f(): return N",
    "code loaded from a path that is put together": "import importlib.util as u, os\n"
    "s = u.spec_from_file_location('mean', os.path.join(os.path.dirname(__file__), 'me' + 'an.py'))\n"
    "m = u.module_from_spec(s)\ns.loader.exec_module(m)\ndef f(): return m.N",
    "opened before a neighbour that opens nothing": "import os\n"
    "TEXT = open(os.path.join(os.path.dirname(__file__), 'me' + 'an.txt')).read()\n"
    "import empty\ndef f(): return TEXT",
    "opened behind a neighbour that opens nothing": "import os, empty\n"
    "TEXT = open(os.path.join(os.path.dirname(__file__), 'me' + 'an.txt')).read()\ndef f(): return TEXT",
    "kept from the first time": "import functools, os\n@functools.lru_cache\ndef text():\n"
    "    return open(os.path.join(os.path.dirname(__file__), 'me' + 'an.txt')).read()\n"
    "class f:\n    def __new__(cls): return text()",
}


@pytest.mark.parametrize("source", DATA.values(), ids=DATA.keys())
def test_data_that_the_code_names_or_opens_is_in_the_key(tmp_path: Path, source: str) -> None:
    found = []
    for number in ("1", "2"):
        write(tmp_path, my=source, empty="")
        (tmp_path / "mean.txt").write_text(number)
        (tmp_path / "mean.py").write_text(f"N = '{number}'")
        plugin = parse(f"{tmp_path}/my.py:f")
        assert plugin is not None
        made = make(plugin)
        found.append((made.object, made.key))
    assert [text for text, _ in found] == ["1", "2"]
    assert found[0][1] != found[1][1]
    (tmp_path / "other.txt").write_text("3")
    assert make(plugin).key == found[1][1]


@pytest.mark.parametrize(
    "source",
    [
        "from importlib import resources\nN = resources.files('lab').joinpath('n.txt').read_text()",
        "import importlib.resources\nN = importlib.resources.read_text('lab', 'n.txt')",
        "from importlib.resources import files\nN = files(__package__).joinpath('n.txt').read_text()",
        "import pkgutil\nN = pkgutil.get_data('lab', 'n.txt').decode()",
    ],
)
def test_a_package_finds_its_own_data_by_its_plain_name(tmp_path: Path, source: str) -> None:
    found = []
    for number in ("1", "2"):
        write(tmp_path, lab__net=f"{source}\ndef f(): return N")
        (tmp_path / "lab/__init__.py").touch()
        (tmp_path / "lab/n.txt").write_text(number)
        found.append((called(tmp_path, "lab/net.py:f"), key(tmp_path, "lab/net.py:f")))
    assert [text for text, _ in found] == ["1", "2"]
    assert found[0][1] != found[1][1]
    assert "lab" not in sys.modules


@pytest.mark.parametrize("how", ["insert(0, ", "append("])
def test_what_a_file_puts_on_the_path_serves_it_alone(tmp_path: Path, how: str) -> None:
    path, found = list(sys.path), []
    source = f"import os, sys\nsys.path.{how}os.path.join(os.path.dirname(__file__), '..', 'further'))\n"
    for number in (1, 2):
        write(
            tmp_path / "further", workbench="from vice import N", vice=f"N = {number}", bought=f"N = {number}"
        )
        write(
            tmp_path / "mine",
            my=f"{source}from workbench import N\ndef f():\n    from bought import N as M\n    return N + M",
        )
        found.append((called(tmp_path / "mine"), key(tmp_path / "mine")))
        assert sys.path == path
    assert [value for value, _ in found] == [2, 4]
    assert {"workbench", "vice", "bought"} <= set(found[0][1])
    assert all(found[0][1][name] != found[1][1][name] for name in ("vice", "bought"))
    assert not {"workbench", "vice", "bought"} & set(sys.modules)


def test_files_that_arguments_name_are_in_the_key_wherever_they_lie(tmp_path: Path) -> None:
    write(
        tmp_path,
        my="class f:\n    def __init__(self, prior, n=1):\n        self.x = open(prior).read() * n\n",
    )
    keys = []
    for folder, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "prior.txt").write_text(text)
        plugin = parse(f"{tmp_path}/my.py:f?prior={tmp_path}/{folder}/prior.txt&n=2")
        assert plugin is not None
        made = make(plugin)
        assert made.object.x == 2 * text
        keys.append(made.given)
    assert keys[0] == keys[1] != keys[2]
    assert keys[0]["n"] == 2


def test_a_package_installed_for_development_is_read_again_when_it_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "src", lab__net="from lab.deep import N\nclass Net:\n    n = N")
    (tmp_path / "src/lab/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "src")  # as the .pth file of `pip install -e` does
    write(tmp_path / "mine", my="from lab.net import Net\ndef f(): return Net.n")
    found = []
    for number in (1, 2):
        write(tmp_path / "src", lab__deep=f"N = {number}")
        plugin = parse("lab.net:Net")
        assert plugin is not None
        found.append((called(tmp_path / "mine"), load(plugin).n, code_key(plugin)["lab"]))
    assert [values[:2] for values in found] == [(1, 1), (2, 2)]
    assert found[0][2] != found[1][2]
    assert "lab" not in sys.modules


def test_what_a_package_registers_is_read_again_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    from bench.registry import Registry

    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    group = "derain_bench.things"
    points = [
        metadata.EntryPoint("own", "lab.net:N", group),
        metadata.EntryPoint("theirs", "numpy:pi", group),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    registry: Registry[float] = Registry("thing", group)
    for number in (1, 2):
        write(tmp_path, lab__net=f"N = {number}")
        assert registry.get("own") == number
    own, theirs = registry.plugin("own"), registry.plugin("theirs")
    assert own is not None
    assert theirs is not None
    assert set(code_key(own)) == {"lab"}
    assert set(code_key(theirs)) == {"numpy"}
    assert registry.get("theirs") > 3


def test_a_module_that_only_the_running_program_names_is_counted_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "src")
    write(
        tmp_path / "mine",
        my="import importlib\nclass f:\n    def __init__(self, name=None):\n"
        "        self.n = importlib.import_module(name).N if name else 0\n"
        "    def later(self, name): return importlib.import_module(name).N",
    )
    found = []
    for number in (1, 2):
        write(tmp_path / "src", workshop=f"N = {number}", annex="N = 3")
        plugin = parse(f"{tmp_path}/mine/my.py:f?name=workshop")
        assert plugin is not None
        made = make(plugin)
        found.append((made.object.n, made.key["workshop"]))
        assert made.object.later("workshop") == number
        with pytest.raises(ImportError, match="annex is imported while work goes on"):
            made.object.later("annex")
    assert [number for number, _ in found] == [1, 2]
    assert found[0][1] != found[1][1]


def test_what_two_of_one_file_keep_between_them_is_in_the_key_of_both(tmp_path: Path) -> None:
    write(
        tmp_path,
        my="import functools, os\n@functools.lru_cache\ndef text():\n"
        "    return open(os.path.join(os.path.dirname(__file__), 'me' + 'an.txt')).read()\n"
        "class f:\n    def __init__(self, n=1): self.x = text() * n\n"
        "class g:\n    def __init__(self): self.x = text()\n",
    )
    found = []
    for number in ("1", "2"):
        (tmp_path / "mean.txt").write_text(number)
        for spec in ("f", "f?n=2", "g", "f"):
            plugin = parse(f"{tmp_path}/my.py:{spec}")
            assert plugin is not None
            made = make(plugin)
            assert pickle.loads(pickle.dumps(made.object)).x == made.object.x
            found.append((made.object.x, made.key))
    assert [text for text, _ in found] == ["1", "11", "1", "1", "2", "22", "2", "2"]
    # What was made before makes no difference to the key.
    assert [key == found[0][1] for _, key in found] == [True] * 4 + [False] * 4
    assert [key == found[4][1] for _, key in found] == [False] * 4 + [True] * 4


@pytest.mark.parametrize("name", ["bench", "code", "reports"])
def test_a_package_may_be_called_as_one_of_ours_or_of_pythons(tmp_path: Path, name: str) -> None:
    source = f"from {name}.inner import N\nfrom . import inner\n"
    write(tmp_path, **{f"{name}__inner": "N = 1", f"{name}__my": f"{source}def f(): return N"})
    (tmp_path / name / "__init__.py").touch()
    first = key(tmp_path, f"{name}/my.py:f")
    assert called(tmp_path, f"{name}/my.py:f") == 1
    write(tmp_path, **{f"{name}__inner": "N = 2"})
    assert key(tmp_path, f"{name}/my.py:f") != first
    assert called(tmp_path, f"{name}/my.py:f") == 2


def test_a_file_may_be_called_as_a_module_of_pythons(tmp_path: Path) -> None:
    write(
        tmp_path,
        random="import random\nimport helper\ndef f(): return helper.N, random.choice",
        helper="N = 1",
    )
    assert called(tmp_path, "random.py:f")[0] == 1  # type: ignore[index]


def test_an_unpacked_repository_begins_where_it_is_described(tmp_path: Path) -> None:
    write(tmp_path, models__my="from utils.misc import N\ndef f(): return N", utils__misc="N = 3")
    with pytest.raises(BadConfig, match="No module named 'utils'"):
        called(tmp_path, "models/my.py:f")
    (tmp_path / "README.md").touch()
    assert called(tmp_path, "models/my.py:f") == 3


def test_a_file_with_a_dot_in_its_name_is_to_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "my.final.py").write_text("def f(): return 1")
    with pytest.raises(BadConfig, match="has no dot in it: rename the file"):
        called(tmp_path, "my.final.py:f")
