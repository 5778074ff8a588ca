from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench.engine.here import ThisProcess

ROOT = Path(__file__).resolve().parent.parent

# On small images PyTorch's threads wait for each other longer than they compute, on a busy machine a hundred times as
# long; the test processes fill the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

#: Scripts that measure; looking for examples in docstrings would import them.
collect_ignore = ["benchmarks"]


def pytest_configure(config: pytest.Config) -> None:
    """Let yapf write its grammar's cache once, before there are test processes.

    MMEngine imports yapf, which on a new machine writes that cache to the user's folder and puts it in place before
    it is flushed: of two processes that import it at that moment, one may read an empty file and fail.
    """
    if not hasattr(config, "workerinput") and importlib.util.find_spec("yapf"):
        importlib.import_module("yapf")


SHARED = Path(os.environ.get("DERAIN_BENCH_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and weights that lies beside a checkout; tests that need it skip where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real data at {SHARED} (set DERAIN_BENCH_SHARED to where it lies)")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Path]:
    """Find a network's golden numbers by its name: those kept here, else those that lie with the real data.

    The file (safetensors) holds, for a small configuration, seeded weights under the authors' own names
    (``weights.*``), one ``input`` and the authors' ``output``; tests of those that are not kept here skip where the
    real data is absent.
    """

    def find(name: str) -> Path:
        kept = ROOT / "tests" / "golden" / f"{name}.safetensors"
        if kept.is_file():
            return kept
        if not (SHARED / "golden").is_dir():
            pytest.skip(f"golden numbers of {name} are not kept here and there is no real data at {SHARED}")
        return SHARED / "golden" / kept.name

    return find


@pytest.fixture(scope="session")
def inline() -> ThisProcess:
    """The test's own process as a place of work: no worker has to start, and monkeypatches reach the work."""
    from bench.engine.here import ThisProcess

    return ThisProcess()


@contextlib.contextmanager
def _no_workers() -> Iterator[None]:
    from bench.engine.here import HerePool

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.engine.local.ThisMachine.open", lambda _, settings: HerePool(settings))
        yield


@pytest.fixture(scope="session")
def no_workers() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Make the doors that name no place of work, such as ``bench.run``, work in the test's own process meanwhile.

    For tests of anything but the workers: one that imports MMDetection costs six seconds.
    """
    return _no_workers


@pytest.fixture(scope="module")
def here() -> Iterator[None]:
    """:func:`no_workers` for all tests of a module, and the fixtures that ask for it."""
    with _no_workers():
        yield
