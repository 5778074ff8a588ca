"""The Ray engine gives the local engine's records. Needs Ray (the extra `ray`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.api import run_suite
from bench.errors import MissingDependency
from bench.records import identity, read_records
from bench.suite import suite_of
from bench.worker import Settings


def test_without_ray_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.cluster import RayEngine

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"pip install 'derain-bench\[ray\]'"):
        RayEngine(Settings())


@pytest.mark.slow
def test_a_local_cluster_gives_the_same_records(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'derain-bench[ray]'")
    from bench.cluster import RayEngine

    suite = suite_of({"derainer": "median", "task": "restoration", "limit": 8})
    run_suite(suite, tmp_path / "ray", engine=RayEngine)
    run_suite(suite, tmp_path / "local", workers=1)
    ours = {record.filename(): identity(record) for record in read_records(tmp_path / "ray")}
    assert ours == {record.filename(): identity(record) for record in read_records(tmp_path / "local")}
