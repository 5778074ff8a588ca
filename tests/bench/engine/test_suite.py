from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.engine.suite import Suite, make_suite, override_suite, read_suite, shipped_suites, suite_of
from bench.errors import BadConfig, UnknownName


@pytest.mark.parametrize("name", shipped_suites())
def test_every_shipped_suite_is_valid(name: str) -> None:
    suite = read_suite(name)
    assert suite.name == name
    assert suite.derainers


def test_every_mistake_is_named_at_once_with_what_is_allowed() -> None:
    with pytest.raises(BadConfig) as caught:
        make_suite(
            {"derainer": ["x"], "variants": [{"dta": "x", "limit": 0}], "tasks": ["detect"], "seed": "many"},
            "suite s",
        )
    text = str(caught.value)
    assert "\n" not in text
    for part in (
        "unknown key derainer: did you mean derainers?",
        "unknown key variants.0.dta: did you mean data?",
        "variants.0.limit is 0: input should be greater than 0",
        "tasks.0 is 'detect': did you mean detection?",
        "seed is 'many'",
    ):
        assert part in text


def test_a_file_is_read_and_environment_variables_stand_for_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCO", "/data/coco")
    path = tmp_path / "mine.yaml"
    path.write_text("variants: [{data: 'coco:${COCO}', rain: [none]}]\nderainers: [guided]\n")
    suite = read_suite(str(path))
    assert suite.name == "mine"
    assert suite.variants[0].data == "coco:/data/coco"


def test_a_task_and_a_model_are_named_once() -> None:
    with pytest.raises(BadConfig, match=r"--task .*: restoration is named twice: leave one of them out"):
        suite_of({"task": "restoration,detection,restoration"})
    with pytest.raises(BadConfig, match=r"--model .*: street_yolox is named twice: leave one of them out"):
        suite_of({"model": "street_yolox,street_yolox"})
    again = suite_of({"task": "restoration", "measure": "psnr,psnr"})
    assert again.tasks == ("restoration",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "line 1 is not YAML|line 2 is not YAML"),
        ("- a", "a suite is a mapping"),
        ("x: 1", "unknown key x"),
    ],
)
def test_a_file_that_is_no_suite_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=words):
        read_suite(str(path))


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="did you mean street"):
        read_suite("stret")
    with pytest.raises(BadConfig, match=r"suite no/such\.yaml does not exist"):
        read_suite("no/such.yaml")


def test_the_command_line_overrides_a_suite() -> None:
    suite = override_suite(
        read_suite("street"), {"derainer": "median", "rain": "none", "limit": 3, "seed": 7}
    )
    assert suite.derainers == ("median",)
    assert suite.variants[0].rain == ("none",)
    assert suite.variants[0].limit == 3
    assert suite.seed == 7
    assert suite.tasks == read_suite("street").tasks


def test_no_choice_is_the_default_run() -> None:
    assert suite_of({}) == Suite()


def test_models_are_matched_with_tasks() -> None:
    one = suite_of({"task": "detection", "model": "a", "checkpoint": "a.pth"})
    assert [(m.task, m.name, m.checkpoint) for m in one.models] == [("detection", "a", "a.pth")]
    two = suite_of({"task": "detection,segmentation", "model": ["segmentation=b", "detection=a"]})
    assert {m.task: m.name for m in two.models} == {"detection": "a", "segmentation": "b"}


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"task": "detection,segmentation", "model": "a"}, "write TASK=a"),
        ({"task": "restoration", "model": "a"}, "none that takes a model"),
        ({"task": "detection", "checkpoint": "a.pth"}, "without --model"),
        ({"task": "detection", "model": "a=m,b=n", "checkpoint": "a.pth"}, "several models could be meant"),
        ({"task": "detection", "model": "a", "checkpoint": "a.pth,b.pth"}, "has a.pth already"),
    ],
)
def test_a_model_that_fits_no_task_is_refused(choices: dict[str, str], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        suite_of(choices)


def test_a_list_given_as_text_is_told_in_plain_words() -> None:
    with pytest.raises(BadConfig) as caught:
        make_suite(
            {"derainers": "guided", "tile": "big", "variants": [{"rain": []}], "seed": "one"}, "suite s"
        )
    text = str(caught.value)
    for part in (
        "derainers is 'guided': must be a list",
        "tile is 'big': choose auto, off or SIZE[+OVERLAP]",
        "variants.0.rain is empty: give one at least",
        "seed is 'one': must be a whole number",
    ):
        assert part in text


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("variants:\n  - data: street\n    limit: 2\n    limit: 3\n")
    with pytest.raises(BadConfig, match="line 4 has the key limit for the second time"):
        read_suite(str(path))


def test_a_variable_may_hold_what_yaml_would_read_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", "/data/a: b #1")
    path = tmp_path / "mine.yaml"
    path.write_text("variants:\n  - data: coco:${WHERE}\n")
    assert read_suite(str(path)).variants[0].data == "coco:/data/a: b #1"


def test_commas_part_models_as_they_part_derainers() -> None:
    suite = suite_of({"task": "detection,segmentation", "model": "detection=a,segmentation=b"})
    assert {m.task: m.name for m in suite.models} == {"detection": "a", "segmentation": "b"}


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"limit": 0}, "--limit is 0: input should be greater than 0"),
        ({"rain": ""}, "--rain is empty: give one at least"),
        ({"task": ""}, "--task is empty: give one at least"),
        ({"task": "foo"}, "--task is 'foo': known: "),
        ({"tile": "x"}, "--tile is 'x': choose auto, off or SIZE[+OVERLAP]"),
        ({"seed": -1}, "--seed is -1"),
    ],
)
def test_a_wrong_choice_is_called_by_its_option(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConfig) as error:
        suite_of(choices)
    assert words in str(error.value)


def test_several_models_of_a_task_have_labels_and_checkpoints_of_their_own() -> None:
    suite = suite_of(
        {
            "task": "detection,segmentation",
            "model": [
                "detection=before=old.py",
                'detection="after (ours)"=new.py',
                "segmentation=seg.py:Net?width=8",
            ],
            "checkpoint": ["before=old.pth", "segmentation=seg.pth"],
        }
    )
    assert [(m.task, m.label, m.name, m.checkpoint) for m in suite.models] == [
        ("detection", "before", "old.py", "old.pth"),
        ("detection", "after (ours)", "new.py", None),
        ("segmentation", None, "seg.py:Net?width=8", "seg.pth"),
    ]
