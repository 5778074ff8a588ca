"""A task from one file goes through everything that ours go through, without an edit anywhere else: what docs say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.engine.verify import verify
from bench.errors import BadConfig, BadRecord
from bench.images import read_image
from bench.keep.records import read_records
from bench.keep.store import Store
from bench.score.rescore import rescore
from downstream import tasks
from reports import render
from reports.board.files import render_leaderboard
from reports.figures import draw_figures

DOC = Path(__file__).resolve().parents[1] / "docs" / "tasks.md"


@pytest.fixture(scope="module")
def code() -> str:
    found = re.search(r"```python\n# colour\.py\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, code: str) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "colour.py").write_text(code)
    return folder


def go(folder: Path, out: str = "run", **choices: Any) -> bench.Run:
    values: dict[str, Any] = {
        "derainer": "median,guided",
        "task": f"{folder / 'colour.py'}:Colour",
        "limit": 3,
    }
    values |= {"rain": "streaks:light,streaks:heavy", "out": folder / out, "device": "cpu", "workers": 1}
    return bench.run(**values | choices)


@pytest.fixture(scope="module")
def finished(folder: Path) -> bench.Run:
    return go(folder, save_images=True)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process, which has not loaded the file."""
    monkeypatch.setattr(tasks, "_made", {})
    monkeypatch.setattr(tasks, "_registered", {})
    monkeypatch.setattr(tasks, "_plug_ins", {})


def test_its_numbers_are_what_the_class_computes(finished: bench.Run) -> None:
    (record,) = (
        r
        for r in finished.records
        if (r.task, r.derainer.label, r.rain.name) == ("colour", "median", "streaks:heavy")
    )
    seen = {path.stem: read_image(path) for path in finished.out.glob("images/*heavy*/median/*.png")}
    clean = {path.stem: read_image(path) for path in finished.out.glob("images/*light*/clean/*.png")}
    assert len(seen) == 3
    casts = [np.ptp((seen[name].astype(float) - clean[name]).mean(axis=(0, 1))) for name in seen]
    assert record.score("cast").value == pytest.approx(np.mean(casts), abs=1e-9)  # type: ignore[union-attr]
    assert record.about is not None
    assert record.about.headline.name == "cast"


def test_reports_and_board_need_no_file(finished: bench.Run, forgotten: None, tmp_path: Path) -> None:
    records = read_records(finished.out)
    for table in ("colour", "summary", "paper"):
        for form in ("md", "latex", "html", "text"):
            assert "colour cast" in render(records, form, table)
        assert ",cast," in render(records, "csv", table)
    assert '"metric": "cast"' in render(records, "json")
    drawn = draw_figures(records, tmp_path)
    assert any("severity-colour" in path.name for path in drawn)
    content, wrong = render_leaderboard(finished.out / "records", tmp_path / "site", tmp_path / "BOARD.md")
    assert wrong == []
    page = content[tmp_path / "BOARD.md"].decode()
    assert "Colour on street/test" in page
    assert "colour cast" in content[tmp_path / "site" / "index.html"].decode()


def test_scoring_again_and_verifying_run_its_code_only_if_it_is_named(
    finished: bench.Run, folder: Path, forgotten: None
) -> None:
    (path,) = (finished.out / "records").glob("*heavy*colour*median*")
    spec = f"{folder / 'colour.py'}:Colour"
    with pytest.raises(BadRecord, match=r"names code, which is not run .* add --task .*colour\.py:Colour"):
        verify(path, 2)
    with pytest.raises(BadRecord, match=r"of task colour, which comes from a file: name it with --task"):
        rescore(Store(finished.out))
    verdicts = verify(path, 2, device="cpu", workers=1, choices={"task": spec})
    assert [verdict.problem for verdict in verdicts] == [None, None]
    assert [changed for _, changed in rescore(Store(finished.out))] == [False] * len(finished.records)


def test_an_edit_makes_its_cells_again(folder: Path, code: str, tmp_path: Path) -> None:
    (tmp_path / "colour.py").write_text(code)
    first = go(tmp_path, rain="streaks:heavy", derainer="median")
    (tmp_path / "colour.py").write_text(code.replace('"cast": float(', '"cast": 2 * float('))
    second = go(tmp_path, out="again", rain="streaks:heavy", derainer="median")
    ours = [r.score("cast").value for r in first.records if r.task == "colour"]  # type: ignore[union-attr]
    doubled = [r.score("cast").value for r in second.records if r.task == "colour"]  # type: ignore[union-attr]
    assert doubled == pytest.approx([2 * value for value in ours])
    same = go(tmp_path, out="again", rain="streaks:heavy", derainer="median", strategy="only-cache")
    assert [r.evidence for r in same.records] == [r.evidence for r in second.records]
    (tmp_path / "colour.py").write_text(code)
    with pytest.raises(BadConfig, match="colour is computed by other code of yours: give another --out"):
        go(tmp_path, out="again", rain="streaks:heavy", derainer="median")


def test_two_tasks_of_one_name_are_refused(folder: Path, tmp_path: Path, code: str) -> None:
    (tmp_path / "other.py").write_text(code)
    both = [f"{folder / 'colour.py'}:Colour", f"{tmp_path / 'other.py'}:Colour"]
    with pytest.raises(BadConfig, match="are both called colour: rename one"):
        go(folder, task=both)


def test_a_file_that_an_argument_names_is_read_again_when_it_is_edited(tmp_path: Path, code: str) -> None:
    text = code.replace(
        "    def measure",
        "    def __init__(self, table):\n        self.by = float(open(table).read())\n\n    def measure",
    )
    (tmp_path / "toned.py").write_text(text.replace('name = "colour"', 'name = "toned"'))
    found = []
    for number in ("1", "2"):
        (tmp_path / "by.txt").write_text(number)
        task: Any = tasks.load_task(f"{tmp_path}/toned.py:Colour?table={tmp_path}/by.txt")
        found.append((task.by, tasks.code_of(task)))
        assert tasks.load_task(f"{tmp_path}/toned.py:Colour?table={tmp_path}/by.txt") is task
    assert [by for by, _ in found] == [1.0, 2.0]
    assert found[0][1] != found[1][1]


def test_a_measure_of_a_library_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def find(name: str) -> Any:
        made.append(name)
        return object()

    monkeypatch.setattr(tasks, "_made", {})
    monkeypatch.setattr(tasks, "is_measure", lambda name: True)
    monkeypatch.setattr(tasks, "find_measure", find)
    assert tasks.find_task("library:one") is tasks.find_task("library:one")
    assert made == ["library:one"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Colour: pass\n", r"is no task, it lacks about, .*: see docs/tasks\.md"),
        ("def Colour(image, clean): return 1.0\n", r"is a function, and no task yet: write Measure\("),
        ("def Colour(): raise ValueError('x')\n", "making it raised ValueError: x"),
        (
            "class Colour:\n    def __init__(self): raise ValueError('no way')\n",
            "making it raised ValueError: no way",
        ),
    ],
)
def test_what_is_no_task_is_said_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "colour.py").write_text(text)
    with pytest.raises(BadConfig, match=said):
        go(tmp_path)


def test_a_name_that_is_taken_is_refused(tmp_path: Path, code: str) -> None:
    (tmp_path / "colour.py").write_text(code.replace('name = "colour"', 'name = "detection"'))
    with pytest.raises(BadConfig, match="calls itself 'detection', as a registered task does"):
        go(tmp_path)
