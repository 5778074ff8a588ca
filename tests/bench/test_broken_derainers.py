"""Derainers that cannot be loaded: one line each, nothing of a file runs, and the others run all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.api import Watcher, run_suite
from bench.cli.plan import describe
from bench.engine import worker
from bench.engine.blame import load_blaming
from bench.engine.outline import Outline, outline
from bench.engine.plan import Component, Components, make_plan
from bench.engine.pool import Died
from bench.engine.scheduler import Stopped
from bench.engine.suite import Suite, suite_of
from bench.engine.work import Settings
from bench.engine.worker import load_components
from bench.errors import BenchError
from bench.keep.records import Record, identity, read_records
from bench.keep.store import Store

torch = pytest.importorskip("torch")


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.target}",)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs", count=2)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are broken, each in its own way."""
    folder = tmp_path_factory.mktemp("files")
    torch.save({"conv0.0.weight": Touch(folder / "ran")}, folder / "evil.pth")
    torch.save({"layer.weight": torch.zeros(3)}, folder / "other.pth")
    torch.jit.trace(torch.nn.Conv2d(3, 3, 1), torch.rand(1, 3, 4, 4)).save(str(folder / "whole.pt"))
    (folder / "cut.pt").write_bytes((folder / "whole.pt").read_bytes()[:500])
    (folder / "cut.onnx").write_bytes(b"\x08\x08\x3a\xff\x01")
    (folder / "raises.py").write_text("import math\n\nmath.sqrt(-1)\n")
    (folder / "script.py").write_text("import sys\nsys.exit(0)\n")
    (folder / "kills.py").write_text("import os\nos._exit(3)\n")
    (folder / "unmakeable.py").write_text(
        "class Net:\n    def __init__(self):\n        raise RuntimeError('no licence')\n\nnumber = 3\n"
    )
    return folder


@cache
def onnx_runtime_runs() -> bool:
    """Looked at in a process of its own, which a broken one may end."""
    return subprocess.run([sys.executable, "-c", "import onnxruntime"], capture_output=True).returncode == 0


def specs(files: Path) -> dict[str, tuple[str, str]]:
    """Label to spec, and what is said of it."""
    found = {
        "evil": (f"prenet:{files}/evil.pth", "not plain weights: it names posix.system"),
        "other": (f"prenet:{files}/other.pth", "weights of another architecture: the file lacks 32 of 32"),
        "cut": (f"torchscript:{files}/cut.pt", "damaged one; copy or export it again"),
        "raises": (f"{files}/raises.py:fn", "could not be imported: ValueError: math domain error (line 3)"),
        "script": (f"{files}/script.py:fn", "could not be imported: SystemExit: 0 (line 2)"),
        "net": (f"{files}/unmakeable.py:Net", "making it raised RuntimeError: no licence"),
        "number": (f"{files}/unmakeable.py:number", "is a int: it must be a function"),
    }
    if onnx_runtime_runs():
        found["onnx"] = (f"onnx:{files}/cut.onnx", "not an ONNX file that can be loaded")
    return found


def suite_with(pairs: Path, *derainers: str) -> Suite:
    return suite_of({"derainer": derainers, "task": "restoration", "data": f"pairs:{pairs}"})


def by_label(records: Any) -> dict[str, Record]:
    return {record.derainer.label: record for record in records}


class Listening(Watcher):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_broken_derainer_is_one_line_and_the_others_run(
    pairs: Path, files: Path, tmp_path: Path, inline: Any
) -> None:
    broken = specs(files) | {"kills": (f"{files}/kills.py:fn", "the worker that loaded it died")}
    named = [f"{label}={spec}" for label, (spec, _) in broken.items()]
    watcher = Listening()
    result = run_suite(suite_with(pairs, *named, "median"), tmp_path / "o", workers=2, watcher=watcher)
    alone = run_suite(suite_with(pairs, "median"), tmp_path / "alone", place=inline)
    records = by_label(result.records)
    for label, record in by_label(alone.records).items():
        assert identity(records[label]) == identity(record)
    for label, (_, words) in broken.items():
        assert records[label].status == "failed"
        assert words in (records[label].reason or "")
        assert records[label].scores == ()
        (note,) = [note for note in watcher.notes if note.startswith(f"{label} is left out")]
        assert words in note
    assert len(result.problems) == len(broken)
    assert all("\n" not in line for line in [*watcher.notes, *result.problems])
    assert not (files / "ran").exists()
    assert by_label(read_records(tmp_path / "o")) == records
    rows = [row for row in result.rows() if row["derainer"] in broken]
    assert all(row["value"] is None and row["status"] == "failed" for row in rows)
    assert {row["derainer"] for row in rows} == set(broken)


def test_where_none_is_left_it_is_the_users_mistake(
    pairs: Path, files: Path, tmp_path: Path, inline: Any
) -> None:
    out = tmp_path / "o"
    for spec, words in specs(files).values():
        with pytest.raises(BenchError) as caught:
            run_suite(suite_with(pairs, f"x={spec}", "none"), out, place=inline)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2
    two = [spec for spec, _ in specs(files).values()][:2]
    with pytest.raises(BenchError, match=r"evil\.pth.*; derainer b: .*other\.pth"):
        run_suite(suite_with(pairs, f"a={two[0]}", f"b={two[1]}"), out, place=inline)
    assert not out.exists()


def test_fail_fast_ends_the_run_at_once(pairs: Path, files: Path, tmp_path: Path, inline: Any) -> None:
    suite = suite_with(pairs, "median", f"prenet:{files}/evil.pth")
    with pytest.raises(Stopped, match=r"evil\.pth: not plain weights.* \(stopped by --fail-fast\)"):
        run_suite(suite, tmp_path / "o", place=inline, fail_fast=True)
    assert not (tmp_path / "o").exists()


def test_what_can_be_seen_without_loading_ends_the_run(pairs: Path, tmp_path: Path, inline: Any) -> None:
    for spec in (
        "giuded",
        "prenet",
        f"prenet:{tmp_path}/no.pth",
        f"{tmp_path}/no.py:fn",
        f"folder:{tmp_path}/no",
    ):
        with pytest.raises(BenchError):
            run_suite(suite_with(pairs, "median", spec), tmp_path / "o", place=inline)
        assert not (tmp_path / "o").exists()


def test_a_plan_says_it_and_counts_it_apart(pairs: Path, files: Path, tmp_path: Path) -> None:
    found = outline(suite_with(pairs, f"prenet:{files}/evil.pth", "median"))
    plan = make_plan(found, load_components(found, Settings()), Store(tmp_path))
    lines = describe(plan).splitlines()
    assert "  prenet   cannot be loaded" in lines
    assert "1 without a derainer, 3 to do" in lines[-1]
    assert plan.images == 3 * 2


def test_what_is_mended_runs_the_next_time(pairs: Path, files: Path, tmp_path: Path, inline: Any) -> None:
    from derainers.nets.prenet import PReNet

    path = tmp_path / "net.pth"
    path.write_bytes((files / "other.pth").read_bytes())
    suite = suite_with(pairs, f"prenet:{path}", "median")
    first = run_suite(suite, tmp_path / "o", place=inline)
    assert by_label(first.records)["prenet"].status == "failed"
    torch.manual_seed(0)
    torch.save(PReNet().state_dict(), path)
    second = run_suite(suite, tmp_path / "o", place=inline)
    assert not second.problems
    kept = by_label(read_records(tmp_path / "o"))
    assert kept == by_label(second.records)
    # Later the file is damaged: what it gave when it was whole stays, and the run says that it has nothing new.
    path.write_bytes(path.read_bytes()[:1000])
    worker._derainer.cache_clear()  # the next run's workers are new ones, but not those of this test
    third = run_suite(suite, tmp_path / "o", place=inline)
    assert by_label(third.records)["prenet"].status == "failed"
    assert len(third.problems) == 1
    assert by_label(read_records(tmp_path / "o")) == kept


def test_cells_of_one_reason_share_a_line(files: Path, tmp_path: Path, inline: Any) -> None:
    suite = suite_of(
        {
            "derainer": f"prenet:{files}/evil.pth,median",
            "task": "restoration",
            "rain": "streaks:light,streaks:heavy,none",
            "limit": 1,
        }
    )
    (line,) = run_suite(suite, tmp_path, place=inline).problems
    assert line.startswith("prenet on street/test[:1]@streaks:light, restoration and 2 further cells: ")


def loads(outline: Outline, deadly: set[str]) -> Components | Died:
    labels = {spec.label for spec in outline.derainers}
    if labels & deadly or len(labels) > 3:
        return Died("", certain=False)
    return Components({label: Component(label, {}) for label in labels}, ())


def test_only_what_kills_its_worker_alone_is_blamed(pairs: Path) -> None:
    found = outline(suite_with(pairs, "median", "guided", "bilateral"))
    faults = load_blaming(found, lambda part: loads(part, {"guided"}), 60).faults
    assert list(faults) == ["guided"]
    assert not load_blaming(found, lambda part: loads(part, set()), 60).faults
    more = replace(found, derainers=tuple(replace(found.derainers[0], label=str(i)) for i in range(4)))
    with pytest.raises(BenchError, match="out of memory"):  # together they are too many, and none is to blame
        load_blaming(more, lambda part: loads(part, set()), 60)


def test_the_command_line_says_each_once(
    pairs: Path,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    no_workers: Any,
) -> None:
    def bench(*arguments: object) -> tuple[object, str, str]:
        from bench.cli import main

        common = ("--task", "restoration", "--data", f"pairs:{pairs}", "--out", tmp_path / "o")
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, (*arguments, *common))])
        capfd.readouterr()  # of the workers too
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capfd.readouterr()

    bad = f"prenet:{files}/evil.pth"
    with no_workers():
        code, planned, said = bench("plan", "--derainer", f"{bad},median")
    assert code == 0
    assert "prenet   cannot be loaded" in planned
    code, _, done = bench("run", "--derainer", f"{bad},median", "--workers", 2)
    assert code == 1, done
    for lines in (said.splitlines(), done.splitlines()):
        assert len([line for line in lines if line.startswith("note: prenet is left out")]) == 1
    assert len([line for line in done.splitlines() if line.startswith("not complete: ")]) == 1
    assert "Traceback" not in done
    with no_workers():
        code, _, alone = bench("run", "--derainer", bad)
        assert code == 2
        (line,) = [line for line in alone.splitlines() if line.startswith("bench: ")]
        assert "--trust-checkpoint" in line
        code, *_ = bench("run", "--derainer", bad, "--trust-checkpoint", line.split()[-1])
    assert code == 2  # it may run now, and still is no network
    assert (files / "ran").exists()
    (files / "ran").unlink()
