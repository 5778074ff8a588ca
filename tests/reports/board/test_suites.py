"""The suites that the board's records on real data are made with."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports.board
from bench.data import readers
from bench.engine.suite import read_suite
from bench.plugins import cut
from bench.rain import rains
from derainers import parse_derainers, registry
from downstream.tasks import find_task

SUITES = sorted((Path(reports.board.__file__).parent / "suites").glob("*.yaml"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_a_suite_names_what_there_is(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.setenv("WEIGHTS", str(tmp_path))
    suite = read_suite(str(path))
    assert suite.name == path.stem
    assert all(find_task(task) for task in suite.tasks)
    derainers = [spec for text in suite.derainers for spec in parse_derainers(text)]
    assert {"guided", "rdmc", "prenet", "dfn"} <= {spec.label for spec in derainers}
    assert {spec.name for spec in derainers} <= set(registry.names())
    assert all(spec.arg is None or spec.arg.startswith(str(tmp_path)) for spec in derainers)
    for variant in suite.variants:
        assert cut(variant.data)[0].partition(":")[0] in readers.names()
        assert all(rain.partition(":")[0] in rains.names() for rain in variant.rain)


def test_they_cover_six_data_sets_of_photos() -> None:
    assert {path.stem for path in SUITES} == {
        *("rain100l", "rain100h", "nturain", "real_rain", "cityscapes", "coco", "camvid")
    }
