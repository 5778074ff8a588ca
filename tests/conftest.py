from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Let yapf write its grammar's cache once, before there are test processes.

    MMEngine imports yapf, which on a new machine writes that cache to the user's folder and puts it in place before
    it is flushed: of two processes that import it at that moment, one may read an empty file and fail.
    """
    if not hasattr(config, "workerinput") and importlib.util.find_spec("yapf"):
        importlib.import_module("yapf")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and weights that lies beside a checkout; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("DERAIN_BENCH_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder} (set DERAIN_BENCH_SHARED to where it lies)")
    return folder
