"""A library of the user's as a source of measures: one of its kind, as its interface is documented."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.api import run_suite
from bench.engine.suite import suite_of
from bench.errors import MissingDependency, UnknownName
from bench.keep.records import read_records
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream.measures import pyiqa as adapter
from reports import render

LIBRARY = """
__version__ = "9.9"

def create_metric(name, device):
    assert (name, device) in (("dark", "cpu"), ("apart", "cpu"))
    if name == "dark":
        return lambda x: 1 - x.mean()
    return lambda x, y: (x - y).abs().mean()
"""
CONFIGS = """
DEFAULT_CONFIGS = {
    "dark": {"metric_mode": "NR", "lower_better": True},
    "apart": {"metric_mode": "FR", "lower_better": True},
}
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "pyiqa").mkdir()
    (tmp_path / "pyiqa" / "__init__.py").write_text(LIBRARY)
    (tmp_path / "pyiqa" / "default_model_configs.py").write_text(CONFIGS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyiqa"]:
        del sys.modules[name]
    adapter.measure.cache_clear()
    adapter._made.cache_clear()


@pytest.mark.usefixtures("library")
def test_its_metrics_go_through_a_run(tmp_path: Path, inline: Any) -> None:
    out = tmp_path / "run"
    suite = suite_of({"derainer": "median", "measure": "pyiqa:dark,pyiqa:apart", "limit": 2})
    run = run_suite(suite, out, device="cpu", place=inline)
    scores = {(r.task, r.derainer.label): r for r in run.records}
    apart = scores["pyiqa:apart", "clean"].score("pyiqa:apart")
    assert apart is not None
    assert (apart.value, apart.protocol) == (0, "apart@pyiqa-9.9")
    assert scores["pyiqa:dark", "none"].score("pyiqa:dark").value < 1  # type: ignore[operator, union-attr]
    assert "dark (pyiqa)" in render(read_records(out), "md", "summary")
    assert [changed for _, changed in rescore(Store(out))] == [False] * len(run.records)
    with pytest.raises(UnknownName, match="unknown measure 'pyiqa:darkk': did you mean pyiqa:dark"):
        bench.run(measure="pyiqa:darkk", limit=1, out=tmp_path / "other")


def test_without_it_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(
        MissingDependency, match=r"pyiqa:NAME need the library of that name .*: pip install pyiqa"
    ):
        bench.run(measure="pyiqa:musiq", limit=1, out=tmp_path / "run")
