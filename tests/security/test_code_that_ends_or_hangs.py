"""Code that the user named, and that ends its process, raises what nobody expects, or never returns."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench import plugins
from bench.engine.local import LocalPool
from bench.engine.work import Settings
from bench.errors import BadConfig, BenchError
from bench.images import write_image
from downstream import models

ENDINGS = {
    "exit()": "SystemExit",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise BaseException('odd')": "BaseException: odd",
    "import asyncio; raise asyncio.CancelledError": "CancelledError",
}


@pytest.mark.parametrize("code", ENDINGS)
def test_a_file_that_ends_its_program_is_one_line(tmp_path: Path, code: str) -> None:
    (tmp_path / "x.py").write_text(f"{code}\n", encoding="utf-8")
    (tmp_path / "y.py").write_text(f"class Net:\n    def __init__(self):\n        {code}\n", encoding="utf-8")
    for name, act in (("x.py:Net", plugins.load), ("y.py:Net", plugins.make)):
        plugin = plugins.parse(f"{tmp_path}/{name}")
        assert plugin is not None
        with pytest.raises(BadConfig, match=ENDINGS[code]) as caught:
            act(plugin)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ENDINGS)
def test_a_model_that_ends_its_program_is_one_line(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As configs of OpenMMLab's do, which are run while the model is loaded."""

    class Source:
        def load(self, *_: Any) -> Any:
            exec(code)

    monkeypatch.setattr(models, "source_of", lambda name: Source())
    with pytest.raises((BadConfig, SystemExit), match=ENDINGS[code]):
        models.load_model("detection", "m.py", "w.pth")


def test_ctrl_c_is_heard_while_a_file_is_imported(tmp_path: Path) -> None:
    code = "import signal\nsignal.raise_signal(signal.SIGINT)\n"
    (tmp_path / "x.py").write_text(code, encoding="utf-8")
    plugin = plugins.parse(f"{tmp_path}/x.py:x")
    assert plugin is not None
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored where the tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            plugins.load(plugin)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_worker_of_another_pool_is_told_that_it_may_start_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    with pytest.raises(BenchError, match="daemonic"):
        LocalPool(Settings())


def _write_colliding(path: Path) -> None:
    """A pickled dictionary of numbers that all have the hash 0: a multiple of the prime that Python takes them by."""
    keys = ((number * ((1 << 61) - 1)).to_bytes(12, "little") for number in range(1, 100_000))
    path.write_bytes(b"\x80\x02}(" + b"".join(b"\x8a\x0c%bK\x01" % key for key in keys) + b"u.")


def test_a_training_gives_up_weights_that_never_end(tmp_path: Path) -> None:
    _write_colliding(tmp_path / "w.pth")
    (tmp_path / "clean").mkdir()
    write_image(tmp_path / "clean" / "a.png", np.zeros((32, 32, 3), np.uint8))
    words = f"train --derainer prenet --init {tmp_path}/w.pth --clean {tmp_path}/clean --out {tmp_path}/out --timeout 3"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench", *words.split()], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1]
        == f"bench: weights {tmp_path}/w.pth took longer than 3 s to load (--timeout)"
    )


def test_what_never_returns_is_given_up_and_the_rest_is_done(pairs: Path, tmp_path: Path) -> None:
    """Weights whose keys' hashes collide, and a derainer that waits for ever."""
    _write_colliding(tmp_path / "w.pth")
    (tmp_path / "loop.py").write_text(
        "import time\ndef never(image):\n    while True: time.sleep(1)\n", encoding="utf-8"
    )
    run = bench.run(
        derainer=[f"prenet:{tmp_path}/w.pth", f"{tmp_path}/loop.py:never"],
        task="restoration",
        data=f"pairs:{pairs}",
        limit=1,
        out=tmp_path / "out",
        workers=1,
        timeout=4,
    )
    reasons = {record.derainer.label: record.reason for record in run.records}
    assert "derainer prenet took longer than 4 s to load (--timeout)" in str(reasons["prenet"])
    assert "derainer never took longer than 4 s to restore an image (--timeout)" in str(reasons["never"])
    assert reasons["clean"] is None
    assert reasons["none"] is None
