"""The examples of docs/models.md, a door after the other, run as written and held to what they claim."""

from __future__ import annotations

import runpy
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.keep.records import read_records

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "models.md"


@pytest.mark.usefixtures("here")
def test_the_page_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("transformers", "onnxruntime", "mmseg"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    commands = runpy.run_path(str(ROOT / "docs" / "site" / "commands.py"))
    fences = commands["fences"](PAGE)
    for fence in fences:
        if fence.file is not None:
            (tmp_path / fence.file).write_text(fence.code)
    for fence in (each for each in fences if each.kind == "bash"):
        for line in fence.code.strip().splitlines():
            program, *words = shlex.split(line)
            if program == "python":
                runpy.run_path(words[0], run_name="__main__")
                continue
            assert program == "bench"
            done = CliRunner().invoke(app, [*words, "--device", "cpu", "--workers", "1"])
            assert done.exit_code == 0, f"{line}\n{done.output}"
    seen: dict[str, set[tuple[str, str]]] = {}
    scores: dict[str, dict[str, float | None]] = {}
    for record in (each for run in (tmp_path / "runs").iterdir() for each in read_records(run)):
        assert record.status == "ok"
        if record.model:
            seen.setdefault(record.model.name, set()).add((record.task, record.derainer.label))
            if record.derainer.label == "clean":
                scores[record.model.name] = {score.metric: score.value for score in record.scores}
    sys.modules.pop("mine", None)
    rows = {"clean", "none", "median"}
    assert set(seen) == {"Bright", "mine", "lower", "segformer", "street_seg", "found"}
    for name, cells in seen.items():
        assert {row for _, row in cells} == rows, name
    assert scores["Bright"] == scores["mine"]  # in a file or as an object, it is the same
    assert scores["found"]["iou/sky"]  # label maps that were made elsewhere have come to be scored
