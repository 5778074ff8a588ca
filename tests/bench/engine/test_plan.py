from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.engine.outline import outline
from bench.engine.plan import Plan, make_plan
from bench.engine.suite import make_suite, override_suite, read_suite, shipped_suites, suite_of
from bench.engine.work import Settings
from bench.engine.worker import load_components
from bench.errors import BadConfig, BadData, UnknownName
from bench.keep.store import Store


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs")


def test_every_wrong_name_of_a_suite_is_told_at_once_with_its_key() -> None:
    pytest.importorskip("mmdet")
    suite = make_suite(
        {
            "name": "mine",
            "variants": [{"rain": ["streaks:havy", "none"]}, {"data": "coco:/nowhere"}],
            "derainers": ["guided", "gided", "prenet:/no.pth"],
            "models": [{"task": "detection", "name": "street_yolo"}],
        },
        "suite mine",
    )
    with pytest.raises(BadConfig) as caught:
        outline(suite)
    text = str(caught.value)
    assert text.startswith("suite mine: ")
    assert "\n" not in text
    for part in (
        "derainers.1: unknown derainer 'gided': did you mean guided",
        "derainers.2: derainer 'prenet': no weights file",
        "models.0: unknown detection model 'street_yolo': did you mean street_yolox",
        "variants.0.rain.0: unknown rain 'streaks:havy': did you mean streaks:heavy",
        "variants.1: --data coco:/nowhere: folder /nowhere does not exist",
    ):
        assert part in text
    assert text.count("gided") == 1


def test_wrong_names_on_the_command_line_are_told_at_once() -> None:
    with pytest.raises(BadConfig, match=r"^unknown derainer 'gided'.*; unknown rain 'streaks:havy'.*"):
        outline(suite_of({"derainer": "gided", "task": "restoration", "rain": "streaks:havy"}))
    with pytest.raises(UnknownName, match=r"^unknown rain"):
        outline(suite_of({"task": "restoration", "rain": "streaks:havy"}))


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COCO", raising=False)
    suite = read_suite("coco-rain").model_copy(update={"models": (), "tasks": ("restoration",)})
    with pytest.raises(BadConfig, match="variants.0: .*the environment variable COCO is not set"):
        outline(suite)


def test_a_data_set_is_left_out_of_tasks_that_it_cannot_serve(pairs: Path, tmp_path: Path) -> None:
    """Boxes here and masks there: a suite of both tasks asks each of the data that has what it takes."""
    suite = make_suite(
        {
            "variants": [{"data": "street", "limit": 2}, {"data": f"pairs:{pairs}"}],
            "derainers": ["median"],
            "tasks": ["detection", "restoration"],
        },
        "suite",
    )
    pytest.importorskip("mmdet")
    found = outline(suite)
    (note,) = [note for note in found.notes if "needs boxes" in note]
    assert "it is scored for restoration" in note
    plan = make_plan(found, load_components(found.networks, Settings()), Store(tmp_path))
    tasks = {(cell.variant.data.kind, cell.task.about.name) for cell in plan.cells}
    assert tasks == {("street", "detection"), ("street", "restoration"), ("pairs", "restoration")}


def test_a_task_that_no_data_set_can_serve_is_refused(pairs: Path) -> None:
    with pytest.raises(BadData, match="task detection needs boxes.*its tasks are restoration"):
        outline(suite_of({"task": "detection,restoration", "data": f"pairs:{pairs}"}))
    both = {"variants": [{"data": "street"}, {"data": f"pairs:{pairs}"}], "tasks": ["detection"]}
    with pytest.raises(BadData, match="its tasks are restoration"):  # the pairs would be there for nothing
        outline(make_suite(both, "suite"))


@pytest.fixture
def planned(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Plan]:
    """Plans a shipped suite on the real data, with networks that need no download."""
    for package in ("mmdet", "mmseg"):
        pytest.importorskip(package)
    for name in ("coco_tiny", "cityscapes_sample"):
        if not (shared / "data" / name).is_dir():
            pytest.skip(f"{shared / 'data' / name} is absent")
    monkeypatch.setenv("COCO", str(shared / "data" / "coco_tiny"))
    monkeypatch.setenv("CITYSCAPES", str(shared / "data" / "cityscapes_sample"))
    models = {"detection": "street_yolox", "segmentation": "street_seg"}

    def plan(name: str) -> Plan:
        suite = read_suite(name)
        asked = [f"{task}={model}" for task, model in models.items() if task in suite.tasks]
        suite = override_suite(suite, {"model": asked, "limit": 1, "derainer": "guided"})
        found = outline(suite)
        return make_plan(found, load_components(found.networks, Settings()), Store(tmp_path))

    return plan


@pytest.mark.parametrize("name", shipped_suites())
def test_every_shipped_suite_can_be_planned(planned: Callable[[str], Plan], name: str) -> None:
    plan = planned(name)
    tasks = {variant: set() for variant in (v.name for v in plan.outline.variants)}
    for cell in plan.cells:
        tasks[cell.variant.name].add(cell.task.about.name)
    for variant, found in tasks.items():
        wanted = {"restoration", "detection"}
        if "coco" not in variant and name != "coco-rain":
            wanted.add("segmentation")
        assert found == wanted
    rains = {variant.rain.name for variant in plan.outline.variants}
    assert len(rains) == (4 if name == "street" else 7)
    assert plan.images == len({(c.variant.name, c.label, s) for c in plan.cells for s in c.todo})
