"""Rainy images that somebody rendered: small trees in the layouts of the published sets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.api import run_suite
from bench.data import open_data
from bench.engine.outline import outline
from bench.engine.suite import make_suite, suite_of
from bench.engine.versions import read_variant
from bench.errors import BadConfig, BadData
from bench.images import write_image
from bench.rain import BroughtRain, parse_rain, situation_of
from bench.situations import RENDERED

SCENES = ("lindau_000003_000019", "munster_000000_000019")
#: RainCityscapes: alpha (rain), beta (fog), dropsize, and a pattern of streaks in the name; the README of the download.
RAIN = "rain_alpha_{}_beta_{}_dropsize_{}_pattern_{}"
PARAMETERS = (("0.01", "0.005", "0.01"), ("0.02", "0.01", "0.005"), ("0.03", "0.015", "0.002"))


def flat(value: int, size: tuple[int, int] = (6, 8)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def put(path: Path, value: int, size: tuple[int, int] = (6, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, flat(value, size))


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    root = tmp_path / "cityscapes"
    for number, scene in enumerate(SCENES):
        put(root / "leftImg8bit" / "val" / scene.split("_")[0] / f"{scene}_leftImg8bit.png", number)
    return root


@pytest.fixture
def rain_cityscapes(tmp_path: Path) -> Path:
    """leftImg8bit_rain/SPLIT/CITY, two patterns of each set of parameters; values 100 and up."""
    root = tmp_path / "leftImg8bit_rain"
    for number, scene in enumerate(SCENES):
        for i, parameters in enumerate(PARAMETERS):
            for pattern in (1, 11):
                name = f"{scene}_leftImg8bit_{RAIN.format(*parameters, pattern)}.png"
                put(root / "val" / scene.split("_")[0] / name, 100 + 10 * i + 2 * number + pattern % 10)
                put(root / "train" / "aachen" / name.replace(scene, f"aachen_00000{number}_000019"), 7)
    return root


def shown(data: str, rain: str) -> dict[str, int]:
    """The rainy images' levels by scene, as a run reads them."""
    opened, found = open_data(data), parse_rain(rain)
    assert isinstance(found, BroughtRain)
    bound = found.of(opened)
    levels = {}
    for scene in opened.scenes:
        clean, rainy = read_variant(opened, bound, 0, scene)
        assert clean is not None
        levels[scene.id] = int(rainy[0, 0, 0])
    return levels


def test_raincityscapes_by_the_words_of_its_names(cityscapes: Path, rain_cityscapes: Path) -> None:
    data = f"cityscapes:{cityscapes}"
    choice = RAIN.format(*PARAMETERS[1], 11)
    assert shown(data, f"rendered:{rain_cityscapes}:{choice}") == {SCENES[0]: 111, SCENES[1]: 113}
    # pattern_1 is not pattern_11, and alpha_0.01 no part of beta_0.01
    choice = "alpha_0.01_beta_0.005_dropsize_0.01_pattern_1"
    assert shown(data, f"rendered:{rain_cityscapes}:{choice}") == {SCENES[0]: 101, SCENES[1]: 103}


def test_two_patterns_and_none_chosen_are_refused(cityscapes: Path, rain_cityscapes: Path) -> None:
    with pytest.raises(
        BadData, match=r"6 images of scene lindau_000003_000019.*:CHOICE, such as alpha_0\.01_beta_0"
    ) as e:
        shown(f"cityscapes:{cityscapes}", f"rendered:{rain_cityscapes}")
    assert "\n" not in str(e.value)
    with pytest.raises(
        BadData,
        match=r"2 images of scene lindau.*such as alpha_0.02_beta_0.01_dropsize_0.005_pattern_1, alpha",
    ):
        shown(f"cityscapes:{cityscapes}", f"rendered:{rain_cityscapes}:alpha_0.02")
    with pytest.raises(BadData, match="none of 6 images of scene lindau_000003_000019 is called pattern_12"):
        shown(f"cityscapes:{cityscapes}", f"rendered:{rain_cityscapes}:pattern_12")


def test_a_part_of_the_set_that_lacks_a_pattern_is_named(cityscapes: Path, rain_cityscapes: Path) -> None:
    data, choice = f"cityscapes:{cityscapes}", RAIN.format(*PARAMETERS[0], 11)
    folder = rain_cityscapes / "val" / "munster"
    (folder / f"{SCENES[1]}_leftImg8bit_{choice}.png").unlink()
    with pytest.raises(
        BadData,
        match=rf"1 of 2 scenes have no image called {choice}, the first is {SCENES[1]}, which has alpha_0\.01_.*: name",
    ) as caught:
        shown(data, f"rendered:{rain_cityscapes}:{choice}")
    assert "\n" not in str(caught.value)
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()  # a scene that has one image alone is not asked which
    (left,) = folder.iterdir()
    with pytest.raises(BadData, match=f"{SCENES[1]}, which has val/munster/{left.stem}: name"):
        shown(data, f"rendered:{rain_cityscapes}:{choice}")


def test_foggy_cityscapes_and_the_weather_augmentation(cityscapes: Path, tmp_path: Path) -> None:
    fog, weather = tmp_path / "leftImg8bit_foggy", tmp_path / "weather_cityscapes"
    for number, scene in enumerate(SCENES):
        city = scene.split("_")[0]
        for i, beta in enumerate(("0.005", "0.01", "0.02")):
            put(fog / "val" / city / f"{scene}_leftImg8bit_foggy_beta_{beta}.png", 50 + 10 * i + number)
        for i, rain in enumerate(("1mm", "100mm")):
            folder = weather / "leftImg8bit" / "val" / "rain" / rain
            put(folder / "rainy_image" / city / f"{scene}_leftImg8bit.png", 150 + 10 * i + number)
            put(folder / "rain_mask" / city / f"{scene}_leftImg8bit.png", 9)
    data = f"cityscapes:{cityscapes}"
    with pytest.raises(BadData, match="2 images of scene lindau.*such as 1mm, 100mm$"):
        shown(data, f"rendered:{weather}")
    assert shown(data, f"rendered:{fog}:beta_0.02") == {SCENES[0]: 70, SCENES[1]: 71}
    assert shown(data, f"rendered:{weather}:100mm") == {SCENES[0]: 160, SCENES[1]: 161}
    assert parse_rain(f"rendered:{weather}:100mm").name == "rendered:weather_cityscapes:100mm"


def test_plain_names_in_any_folder_and_ending(coco_like: Path, tmp_path: Path) -> None:
    put(tmp_path / "rainy" / "deep" / "a.png", 201)
    put(tmp_path / "rainy" / "b_streaks.bmp", 202)
    assert shown(f"coco:{coco_like}", f"rendered:{tmp_path / 'rainy'}") == {"a": 201, "b": 202}
    # the scenes' own images are not their rainy ones, wherever they lie
    shutil.move(tmp_path / "rainy", coco_like / "rainy")
    assert shown(f"coco:{coco_like}", f"rendered:{coco_like}") == {"a": 201, "b": 202}


@pytest.fixture
def coco_like(tmp_path: Path) -> Path:
    root = tmp_path / "coco"
    images = []
    for number, name in enumerate("ab", start=1):
        put(root / "val" / f"{name}.png", number)
        images.append({"id": number, "file_name": f"{name}.png", "height": 6, "width": 8})
    (root / "annotations").mkdir()
    coco = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "car"}]}
    (root / "annotations" / "instances_val.json").write_text(json.dumps(coco))
    return root


def test_what_does_not_fit_is_told_before_the_run(coco_like: Path, tmp_path: Path) -> None:
    data, folder = f"coco:{coco_like}", tmp_path / "rainy"
    put(folder / "a.png", 201)
    choices = {"data": data, "rain": f"rendered:{folder}", "task": "restoration"}
    with pytest.raises(
        BadData, match=r"1 of 2 scenes of coco/val have no image there, the first is b: add them, or"
    ):
        outline(suite_of(choices))
    put(folder / "b.png", 202, (8, 6))
    with pytest.raises(BadData, match=r"b.png is 6x8, scene b is 8x6"):
        outline(suite_of(choices))
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:40])
    with pytest.raises(BadData, match=r"b.png is truncated"):
        outline(suite_of(choices))
    with pytest.raises(BadConfig, match="folder .*nowhere does not exist"):
        parse_rain("rendered:nowhere")
    with pytest.raises(BadConfig, match="names no folder"):
        parse_rain("rendered")


def test_content_makes_the_version_and_the_clean_row_is_shared(coco_like: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rainy"
    for number, name in enumerate("ab"):
        put(folder / f"{name}.png", 200 + number)

    def key(rain: str) -> tuple[Any, Any]:
        choices = {"data": f"coco:{coco_like}", "rain": rain, "task": "restoration"}
        (variant,) = outline(suite_of(choices)).variants
        assert variant.rain.name == "rendered:rainy" or rain == "none"
        return variant.rain_key, variant.digests

    before, digests = key(f"rendered:{folder}")
    assert digests == key("none")[1]
    moved = tmp_path / "elsewhere" / "rainy"
    shutil.copytree(folder, moved)
    assert key(f"rendered:{moved}") == (before, digests)
    put(moved / "b.png", 99)
    assert key(f"rendered:{moved}")[0] != before
    rain = parse_rain(f"rendered:{folder}")
    assert situation_of(rain, open_data(f"coco:{coco_like}")) is RENDERED


def test_the_numbers_are_those_of_the_same_pairs(shared: Path, tmp_path: Path, inline: Any) -> None:
    weather = shared / "data" / "weather_cityscapes"
    if not weather.is_dir():
        pytest.skip(f"{weather} is absent")
    names = sorted(path.name for path in (weather / "rain").glob("*.png"))[:3]
    for name in names:
        city = tmp_path / "leftImg8bit" / "train" / name.split("_")[0]
        city.mkdir(parents=True, exist_ok=True)
        shutil.copy(weather / "norain" / name, city)
        for side in ("rain", "norain"):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            shutil.copy(weather / side / name, tmp_path / "pairs" / side)

    def scores(data: str, rain: str) -> dict[tuple[str, str], float | None]:
        choices = {
            "variants": [{"data": data, "rain": [rain]}],
            "derainers": ["guided"],
            "tasks": ["restoration"],
        }
        records = run_suite(make_suite(choices, "suite"), tmp_path / "out", place=inline).records
        return {(r.derainer.label, s.metric): s.value for r in records for s in r.scores}

    rendered = scores(f"cityscapes:{tmp_path}", f"rendered:{weather / 'rain'}")
    assert {label for label, _ in rendered} == {"clean", "none", "guided"}
    assert rendered == scores(f"pairs:{tmp_path / 'pairs'}", "own")
