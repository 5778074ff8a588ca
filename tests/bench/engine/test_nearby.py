"""A suite's own models for a data set, and its paths from its own folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.engine.nearby import located
from bench.engine.outline import outline
from bench.engine.suite import code_in, override_suite, read_suite
from bench.errors import BadConfig

SUITE = """\
variants:
  - {data: street, limit: 2, rain: [streaks:light]}
  - data: street
    limit: 3
    rain: [streaks:light]
    models: [{task: segmentation, name: street_seg, label: other}]
tasks: [segmentation, detection]
derainers: [median, "w/o prior=my.py:dim"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.yaml").write_text(SUITE)
    (tmp_path / "suites" / "my.py").write_text("def dim(image):\n    return image // 2\n")
    return tmp_path


def test_a_variant_has_models_of_its_own(folder: Path) -> None:
    from bench.engine.outline import looks

    suite = read_suite(str(folder / "suites" / "mine.yaml"))
    found = outline(suite)
    by_variant = [
        {(task.about.name, None if i is None else found.models[i].label) for task, i in looks(found, variant)}
        for variant in found.variants
    ]
    assert by_variant == [
        {("segmentation", None), ("detection", None), ("restoration", None)},
        {("segmentation", "other"), ("detection", None), ("restoration", None)},
    ]
    # The command line's model takes the place of all.
    chosen = override_suite(suite, {"model": "segmentation=street_seg"})
    assert not any(variant.models for variant in chosen.variants)


def test_a_model_of_a_task_that_is_not_asked_is_refused(folder: Path) -> None:
    text = SUITE.replace("[segmentation, detection]", "[detection]")
    (folder / "suites" / "mine.yaml").write_text(text)
    with pytest.raises(BadConfig, match="street_seg is for segmentation, which is not among the tasks"):
        outline(read_suite(str(folder / "suites" / "mine.yaml")))


def test_paths_start_from_the_suites_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    suite = read_suite("suites/mine.yaml")
    assert suite.derainers[1] == f"w/o prior={Path('suites/my.py')}:dim"
    assert ("derainer", suite.derainers[1]) in code_in(suite)
    monkeypatch.chdir(folder / "suites")
    assert read_suite("mine.yaml").derainers[1] == "w/o prior=my.py:dim"


def test_what_is_a_path_and_what_a_name(tmp_path: Path) -> None:
    for name in ("street", "rain", "w.pth", "cfg.py", "heavy"):
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).write_text("")
    values = {
        "variants": [{"data": "street"}, {"data": "pairs:rain", "rain": ["rendered:rain", "streaks:light"]}],
        "derainers": ["a=prenet:w.pth", {"name": "cfg.py:Net", "weights": "w.pth"}, "folder:/abs", "rdmc"],
        "models": [{"task": "detection", "name": "cfg.py", "checkpoint": "w.pth"}],
        "tasks": ["detection"],
    }
    found = located(values, tmp_path)
    near = str(tmp_path) + os.sep
    assert found["variants"][0]["data"] == "street"
    assert found["variants"][1] == {
        "data": f"pairs:{near}rain",
        "rain": [f"rendered:{near}rain", "streaks:light"],
    }
    assert found["derainers"] == [
        f"a=prenet:{near}w.pth",
        {"name": f"{near}cfg.py:Net", "weights": f"{near}w.pth"},
        "folder:/abs",
        "rdmc",
    ]
    assert found["models"] == [{"task": "detection", "name": f"{near}cfg.py", "checkpoint": f"{near}w.pth"}]
    assert located(values, Path()) is values
