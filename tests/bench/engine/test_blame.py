from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.data.base import DataSet, Scene
from bench.deadline import Unit
from bench.engine.blame import Blame, load_blaming
from bench.engine.outline import Networks
from bench.engine.plan import Component, Components
from bench.engine.pool import Died
from bench.engine.suite import ModelChoice
from bench.engine.work import CellWork, Settings, Work
from bench.errors import BenchError
from bench.rain.dry import NoRain
from derainers import DerainerSpec


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
    assert (
        "derainer median killed the worker or took too long on 3 scenes in a row" in lost.failures[0].reason
    )


def late(who: str, *scenes: str, keys: tuple[str, ...] = ("key median",), doing: str = "look") -> Unit:
    return Unit(who, doing, 3, keys, scenes)


def test_of_scenes_that_were_done_together_each_is_done_by_itself() -> None:
    work = work_of("clean", "median", scenes=("a", "b", "c"))
    parts, lost = Blame().late(work, late("derainer median", "a", "b"), 5)
    assert lost is None
    assert [(part.scenes, part.labels) for part in parts[:2]] == [(("a",), ["median"]), (("b",), ["median"])]
    assert {cell.label: cell.todo for cell in parts[2].cells} == {
        "clean": frozenset("abc"),
        "median": frozenset("c"),
    }


def test_a_scene_that_took_too_long_is_given_up_and_the_rest_done() -> None:
    (rest,), lost = Blame().late(work_of("clean", "median"), late("derainer median", "a"), 5)
    assert {cell.label: cell.todo for cell in rest.cells} == {
        "clean": frozenset("ab"),
        "median": frozenset("b"),
    }
    assert lost is not None
    (failure,) = lost.failures
    assert (failure.keys, failure.scene) == (("key median",), "a")
    assert failure.reason == "derainer median took longer than 5 s to look (--timeout)"


def test_a_network_that_does_not_load_is_given_up_for_all_scenes() -> None:
    (rest,), lost = Blame().late(
        work_of("clean", "median"), late("derainer median", "a", "b", doing="load"), 5
    )
    assert rest.labels == ["clean"]
    assert lost is not None
    assert [failure.scene for failure in lost.failures] == ["a", "b"]


def test_a_model_that_takes_too_long_is_dropped_whoever_restored_the_image() -> None:
    blame, model = Blame(), ModelChoice(task="restoration", name="m")
    work = work_of("clean", "median", scenes=("a", "b", "c"))
    work = replace(work, cells=tuple(replace(cell, model=model) for cell in work.cells))
    for scene in "abc":
        blame.late(work, late("model m", scene, keys=("key clean",)), 5)
    left, lost = blame.without_hopeless(work)
    assert not left.cells
    assert lost is not None
    assert len(lost.failures) == 3
    assert "not tried: model m " in lost.failures[0].reason


def test_work_holds_what_was_done_of_it_alone() -> None:
    work = work_of("median")
    assert work.holds(late("x", "a"))
    assert not work.holds(replace(late("x", "a"), variant=2))
    assert not work.holds(late("x", "c"))
    assert not work.holds(late("x", "a", keys=("key guided",)))


def test_networks_that_take_too_long_to_load_are_named() -> None:
    networks = Networks(tuple(DerainerSpec(label, label) for label in "abc"), ())

    def load(some: Networks) -> Components | Died:
        for spec in some.derainers:
            if spec.label in "ab":
                return Died("", certain=False, overdue=(Unit(f"derainer {spec.label}", "load"),))
        return Components({spec.label: Component(spec.label, {}) for spec in some.derainers}, ())

    found = load_blaming(networks, load, 7)
    assert list(found.derainers) == ["a", "b", "c"]
    assert found.faults == {
        label: f"derainer {label} took longer than 7 s to load (--timeout)" for label in "ab"
    }
    with pytest.raises(BenchError, match="model m took longer than 7 s to load"):
        load_blaming(networks, lambda some: Died("", False, (Unit("model m", "load"),)), 7)
