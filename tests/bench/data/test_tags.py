"""Tags: read from the data, picked by, and held against what a run takes for granted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.data import open_data
from bench.data.tags import parse_where, pick
from bench.engine.outline import outline
from bench.engine.suite import suite_of
from bench.errors import BadConfig, BadData
from bench.keep.manifest import make_manifest

Edit = Callable[[Callable[[dict[str, Any]], object]], Path]


@pytest.fixture
def tagged(edit_coco: Edit) -> str:
    def change(coco: dict[str, Any]) -> None:
        coco["images"][0]["tags"] = {"weather": "rainy", "timeofday": "night"}
        coco["images"][1]["tags"] = {"weather": "clear", "timeofday": "night"}

    return f"coco:{edit_coco(change)}"


def test_where_picks_scenes_and_names_them(tagged: str) -> None:
    data = open_data(tagged)
    found = pick(data, "weather=rainy, timeofday=night")
    assert [scene.id for scene in found.scenes] == ["a"]
    assert found.name == "coco/val2017[weather=rainy,timeofday=night]"
    assert found.detection is not None
    assert {box["image_id"] for box in found.detection.coco["annotations"]} == {9}
    assert len(pick(data, "weather=rainy,weather=clear").scenes) == 2
    assert parse_where("a=b=c,a=d") == {"a": ("b=c", "d")}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "weather=rayny",
            r"no scene of coco/val2017 is tagged so: did you mean rainy\? rainy \(1\), clear \(1\)|clear",
        ),
        ("wether=rainy", "has a tag wether: its tags are weather, timeofday"),
        ("timeofday=dawn", r"is tagged so: there are night \(2\)"),
    ],
)
def test_a_tag_nobody_has(tagged: str, where: str, said: str) -> None:
    with pytest.raises(BadData, match=said) as caught:
        outline(suite_of({"data": tagged, "where": where, "task": "restoration"}))
    assert "\n" not in str(caught.value)


def test_what_cannot_be_picked_by(tagged: str, coco_root: Path) -> None:
    with pytest.raises(BadConfig, match="--where rainy: write KEY=VALUE"):
        pick(open_data(tagged), "rainy")
    with pytest.raises(BadData, match="street/test has a tag weather: its scenes have no tags"):
        pick(open_data("street"), "weather=rainy")


def test_no_scene_has_them_all(edit_coco: Edit) -> None:
    def change(coco: dict[str, Any]) -> None:
        coco["images"][0]["tags"] = {"weather": "rainy", "timeofday": "day"}
        coco["images"][1]["tags"] = {"weather": "clear", "timeofday": "night"}

    data = open_data(f"coco:{edit_coco(change)}")
    with pytest.raises(BadData, match="no scene has all: drop one"):
        pick(data, "weather=rainy,timeofday=night")


def test_tags_that_are_none_are_refused(edit_coco: Edit) -> None:
    with pytest.raises(BadData, match=r"image 9 \(a.jpg\) has tags \['rainy'\]: expected names and texts"):
        open_data(f"coco:{edit_coco(lambda coco: coco['images'][0].update(tags=['rainy']))}")


def test_a_run_says_where_tags_contradict_it(tagged: str) -> None:
    def notes(rain: str, where: str | None = None) -> str:
        choices = {"data": tagged, "rain": rain, "task": "detection"} | ({"where": where} if where else {})
        pytest.importorskip("mmdet")
        return "\n".join(outline(suite_of(choices)).notes)

    assert "scenes tagged weather=rainy (1) are taken to be clean under none; --where picks" in notes("none")
    assert "--rain own takes them as they are" in notes("streaks:light")
    assert "scenes tagged weather=clear (1) are taken to be in real rain all the same" in notes("own")
    assert "tagged" not in notes("streaks:light", "weather=clear")
    assert "tagged" not in notes("own", "weather=rainy")


def test_tags_are_part_of_the_manifest_where_there_are_any(tagged: str) -> None:
    data = open_data(tagged)
    manifest = make_manifest(data, {scene.id: "" for scene in data.scenes})
    assert manifest["tags"]["a"] == {"weather": "rainy", "timeofday": "night"}
    street = open_data("street")
    assert "tags" not in make_manifest(street, {scene.id: "" for scene in street.scenes})
