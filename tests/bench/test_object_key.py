"""What an object depends on: the code that is in memory, and nothing that differs between processes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from bench.hashing import content_key
from bench.object_key import fingerprint


def printed(found: Any) -> str:
    return content_key(fingerprint(found))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An imported module of a user's, with a helper module; a second file of one of them as it may be edited to."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "own_helper.py").write_text("STEP = 2\ndef shift(image): return image + STEP\n")
    (tmp_path / "own_net.py").write_text(
        "import own_helper\nfrom own_helper import shift\nSIZES = {'a': 1}\nCACHE = {}\nseen = None\n"
        "class Tool:\n"
        "    def __call__(self, image):\n"
        "        global seen\n"
        "        seen = CACHE[len(CACHE)] = object()\n"
        "        return shift(image) * own_helper.STEP * SIZES['a']\n"
    )
    yield importlib.import_module("own_net")
    for name in ("own_net", "own_helper"):
        sys.modules.pop(name, None)


def test_code_counts_as_it_is_in_memory(own: Any, tmp_path: Path) -> None:
    old = own.Tool()
    first = printed(old)
    file = tmp_path / "own_net.py"
    file.write_text(file.read_text().replace("SIZES['a']", "3 * SIZES['a']"))
    kept = printed(old)  # still runs the old code
    fresh = printed(importlib.reload(own).Tool())
    assert len({first, kept, fresh}) == 3


def test_settings_of_imported_modules_count(own: Any) -> None:
    helper = sys.modules["own_helper"]
    prints = [printed(own.Tool())]
    for module, name, value in ((helper, "STEP", 3), (own, "SIZES", {"a": 2}), (own, "shift", lambda x: x)):
        setattr(module, name, value)
        prints.append(printed(own.Tool()))
    assert len(set(prints)) == 4


def test_what_running_leaves_behind_does_not_count(own: Any) -> None:
    import numpy as np

    tool = own.Tool()
    before = printed(tool)
    tool(np.zeros((2, 2, 3), np.uint8))
    assert own.CACHE
    assert printed(tool) == before


SCRIPT = """
import logging, threading
from bench.hashing import content_key
from bench.object_key import fingerprint
log, lock = logging.getLogger(__name__), threading.RLock()
logging.basicConfig()
def spoken(image):
    log.info("image")
    return image
def locked(image):
    with lock: return image
def chosen(image, kind="a"): return image if kind in {"a", "b", "c", "d"} else -image
print(*(content_key(fingerprint(each)) for each in (spoken, locked, chosen)))
"""


def test_a_print_is_the_same_in_every_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    prints = set()
    for seed in ("1", "2"):
        names = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=names)
        prints.add(done.stdout)
    assert len(prints) == 1
    assert len(set(prints.pop().split())) == 3


def test_a_compiled_network_is_known_by_what_was_compiled() -> None:
    torch = pytest.importorskip("torch")

    def made(bias: float) -> Any:
        layer = torch.nn.Conv2d(3, 3, 1)
        torch.nn.init.constant_(layer.weight, 0.5)
        torch.nn.init.constant_(layer.bias, bias)
        return layer

    def traced(bias: float) -> Any:
        return torch.jit.trace(made(bias), torch.rand(1, 3, 8, 8))

    def scripted(bias: float) -> Any:
        return torch.jit.script(made(bias))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for make in (traced, scripted, lambda bias: torch.compile(made(bias))):
            assert printed(make(0.0)) == printed(make(0.0)) != printed(make(1.0))
