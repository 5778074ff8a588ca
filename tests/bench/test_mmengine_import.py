from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mmengine", reason="MMEngine is not installed")

SCRIPT = "from bench.mmengine_import import import_mmengine; import_mmengine(); import mmengine; print(mmengine.Config)"
SAYS_THAT_IT_WAITS = """
import sys, time
from pathlib import Path
sleep = time.sleep
time.sleep = lambda seconds: (Path(sys.argv[1]).touch(), sleep(seconds))
"""


def test_an_unfinished_cache_of_yapf_is_waited_for(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True)
    caches = list(tmp_path.rglob("*.pickle"))
    if not caches:
        pytest.skip("yapf keeps its cache elsewhere on this system")
    whole = {path: path.read_bytes() for path in caches}
    for path in caches:
        path.write_bytes(b"")
    waits = tmp_path / "waits"
    command = [sys.executable, "-c", SAYS_THAT_IT_WAITS + SCRIPT, str(waits)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not waits.exists():
        assert process.poll() is None, "it took no notice of the unfinished file"
        time.sleep(0.01)
    for path, content in whole.items():
        path.write_bytes(content)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
