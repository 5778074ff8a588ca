from __future__ import annotations

from pathlib import Path

from bench.data.base import DataSet, Scene
from bench.engine.blame import Blame
from bench.engine.work import CellWork, Settings, Work
from bench.rain.dry import NoRain


def work_of(*labels: str, scenes: tuple[str, ...] = ("a", "b")) -> Work:
    data = DataSet("x", "images", Path(), None, tuple(Scene(name, Path(name)) for name in scenes))
    cells = tuple(
        CellWork(f"key {label}", {}, label, "restoration", None, frozenset(scenes)) for label in labels
    )
    digests = dict.fromkeys(scenes, "")
    return Work(Path(), 3, "lock", data, NoRain(), 0, digests, (), cells, Settings())


def test_what_has_killed_its_worker_is_cut_by_derainer_then_by_scene() -> None:
    blame = Blame()
    parts, lost = blame.died(work_of("clean", "median"), "advice")
    assert lost is None
    assert [part.labels for part in parts] == [["clean"], ["median"]]
    parts, lost = blame.died(parts[1], "advice")
    assert lost is None
    assert [part.scenes for part in parts] == [("a",), ("b",)]
    assert [list(part.digests) for part in parts] == [["a"], ["b"]]
    assert {(part.variant, part.lock) for part in parts} == {(3, "lock")}
    parts, lost = blame.died(parts[0], "advice")
    assert parts == []
    assert lost is not None
    (failure,) = lost.failures
    assert (failure.keys, failure.scene) == (("key median",), "a")
    assert failure.reason == "the worker died while median restored it: advice"


def test_a_derainer_is_dropped_after_three_scenes_in_a_row() -> None:
    blame = Blame()
    one = work_of("median", scenes=("a",))
    for _ in range(2):
        blame.died(one, "advice")
    blame.survived(one)
    for _ in range(2):
        blame.died(one, "advice")
    whole = work_of("clean", "median")
    assert blame.without_hopeless(whole) == (whole, None)
    blame.died(one, "advice")
    left, lost = blame.without_hopeless(whole)
    assert [cell.label for cell in left.cells] == ["clean"]
    assert lost is not None
    assert [(failure.keys, failure.scene) for failure in lost.failures] == [
        (("key median",), "a"),
        (("key median",), "b"),
    ]
    assert "median killed the worker on 3 scenes in a row" in lost.failures[0].reason
