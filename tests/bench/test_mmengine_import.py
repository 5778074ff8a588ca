from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("mmengine", reason="MMEngine is not installed")

SCRIPT = "from bench.mmengine_import import import_mmengine; import_mmengine(); import mmengine; print(mmengine.Config)"


def test_an_unfinished_cache_of_yapf_is_waited_for(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True)
    caches = list(tmp_path.rglob("*.pickle"))
    if not caches:
        pytest.skip("yapf keeps its cache elsewhere on this system")
    whole = {path: path.read_bytes() for path in caches}
    for path in caches:
        path.write_bytes(b"")

    def finish() -> None:
        time.sleep(2)
        for path, content in whole.items():
            path.write_bytes(content)

    writer = threading.Thread(target=finish)
    writer.start()
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    writer.join()
    assert done.returncode == 0, done.stderr
