"""Measures by name: doors, tasks, keys, and one run with them through store, report and scoring again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.api import run_suite
from bench.engine.suite import suite_of
from bench.engine.verify import verify
from bench.errors import BadConfig, BadWeights, UnknownName
from bench.keep.records import read_records
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream import measures, tasks
from downstream.measures import Measure, Metric, find_measure, measure_names
from downstream.tasks import find_task
from downstream.tasks.measured import Measured
from reports import render

SHARP = """
import cv2
from downstream.measures import Measure, Metric

def laplacian(image, clean):
    assert clean is None or clean.shape == image.shape
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())

metric = Metric("sharp", "sharpness", "laplacian@grey", "", 1.0, 1, bounds=(0, None))
sharp = Measure(metric, laplacian, needs_clean=False)
"""


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process, which has made no task yet."""
    for name in ("_made", "_plug_ins", "_registered"):
        monkeypatch.setattr(tasks, name, {})


def test_every_name_is_its_measures_and_no_tasks() -> None:
    for name in measures.measures:
        assert find_measure(name).name == name
        assert name not in tasks.tasks
        task = find_task(name)
        assert task.about.headline.protocol == find_measure(name).metric.protocol
    assert {"psnr", "ssim"} <= set(measure_names())


def test_measures_join_the_tasks_or_stand_alone() -> None:
    assert suite_of({"measure": "psnr,ssim,fsim"}).tasks == ("restoration", "fsim")
    assert suite_of({"measure": "vif", "task": "detection"}).tasks == ("detection", "vif")
    assert suite_of({}).tasks == ("detection",)
    with pytest.raises(UnknownName, match="unknown measure 'fsin': did you mean fsim"):
        suite_of({"measure": "fsin"})
    with pytest.raises(BadConfig, match="unknown task|fsim"):
        suite_of({"task": "fsimm"})


def test_a_run_adds_measures_to_what_is_there(tmp_path: Path, inline: Any) -> None:
    out = tmp_path / "run"

    def go(measure: str) -> bench.Run:
        suite = suite_of({"derainer": "median", "measure": measure, "limit": 2})
        return run_suite(suite, out, device="cpu", place=inline)

    first = {record.filename(): record for record in go("gmsd").records}
    go("haarpsi")
    both = {record.filename(): record for record in read_records(out)}
    assert first.items() <= both.items()
    assert {record.task for record in both.values()} == {"restoration", "gmsd", "haarpsi"}
    text = render(read_records(out), "md", "summary")
    assert "GMSD" in text
    assert "HaarPSI" in text
    assert "gmsd@y" in text
    assert [changed for _, changed in rescore(Store(out))] == [False] * len(both)


def test_a_measure_of_a_file_goes_through_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inline: Any
) -> None:
    forget(monkeypatch)
    (tmp_path / "own.py").write_text(SHARP)
    spec, out = f"{tmp_path / 'own.py'}:sharp", tmp_path / "run"
    suite = suite_of({"derainer": "median", "measure": spec, "limit": 2})
    run = run_suite(suite, out, device="cpu", place=inline)
    scores = {r.derainer.label: r.score("sharp").value for r in run.records if r.task == "sharp"}  # type: ignore[union-attr]
    assert scores["median"] < scores["none"]  # type: ignore[operator]
    (path,) = (out / "records").glob("*--sharp--*median*")
    assert [v.problem for v in verify(path, 1, device="cpu", workers=1, choices={"task": spec})] == [None]
    forget(monkeypatch)
    assert "sharpness" in render(read_records(out), "md", "summary")  # the record describes it


def test_an_installed_measure_must_be_one_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(measures.measures._entries, "mine", find_measure("vif"))
    monkeypatch.setitem(measures.measures._origins, "mine", "package other")
    with pytest.raises(
        BadConfig, match=r"measure 'mine' from package other is no downstream\.measures\.Measure"
    ):
        find_measure("mine")


def test_what_a_measure_uses_is_in_the_key_and_missed_before_the_first_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> dict[str, str]:
        raise BadWeights("measure deep needs net.pth, which is not here")

    metric = Metric("deep", "Deep", "deep@net")

    def made(identity: object) -> Measured:
        return Measured(Measure(metric, lambda image, clean: 1.0, identity=identity))  # type: ignore[arg-type]

    assert made(None).key(None) == {}  # type: ignore[arg-type]
    assert made(lambda: {"net": "abc"}).key(None) == {"measure": {"net": "abc"}}  # type: ignore[arg-type]
    assert made(None).measure(np.zeros((2, 2, 3), np.uint8), None) == {"deep": 1.0}
    monkeypatch.setitem(measures.measures._entries, "deep", Measure(metric, "nowhere:none", identity=lost))
    monkeypatch.setitem(measures.measures._origins, "deep", "here")
    forget(monkeypatch)
    with pytest.raises(BadWeights, match=r"net\.pth, which is not here"):
        bench.run(measure="deep", limit=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
