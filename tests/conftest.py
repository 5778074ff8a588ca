from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and weights that lies beside a checkout; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("DERAIN_BENCH_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder} (set DERAIN_BENCH_SHARED to where it lies)")
    return folder
