from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.data import open_data
from bench.engine.views import View, draw, keep_samples, make_panels, restore_scenes
from bench.errors import BadConfig, BadData, UnknownName
from bench.hashing import content_key
from bench.images import read_image, write_image
from bench.keep.records import Record, variant_name, write_record


def test_a_scene_is_shown_clean_rainy_and_restored(tmp_path: Path) -> None:
    panels = make_panels(View(derainers="median"), count=1)
    assert [panel.label for panel in panels[0]] == ["clean", "none", "median"]
    clean, rainy, restored = (panel.image for panel in panels[0])
    assert (clean != rainy).any()
    assert (restored != rainy).any()
    draw(panels, tmp_path / "out" / "panel.png", crops=True)
    picture = cv2.imread(str(tmp_path / "out" / "panel.png"))
    assert picture.std() > 20


def test_photos_without_ground_truth_have_no_clean_panel(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8))
    panels = make_panels(View(data=f"images:{tmp_path}", derainers="median"))
    assert [panel.label for panel in panels[0]] == ["none", "median"]


def test_photos_of_real_rain_have_none_either_and_rendered_scenes_have(tmp_path: Path) -> None:
    scene = open_data("street").scenes[0]
    photo = read_image(scene.image)  # type: ignore[arg-type]
    (versions,) = restore_scenes(View(rain="own", derainers="median"), count=1).values()
    assert list(versions) == ["none", "median"]
    assert (versions["none"] == photo).all()
    write_image(tmp_path / f"{scene.id}.png", 255 - photo)  # of the scene that is shown alone
    (versions,) = restore_scenes(View(rain=f"rendered:{tmp_path}"), count=1).values()
    assert list(versions) == ["clean", "none"]
    assert (versions["clean"] == photo).all()
    assert (versions["none"] == 255 - photo).all()


def test_a_scene_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="unknown scene of street/test 'nowhere'"):
        make_panels(View(), ["nowhere"])
    with pytest.raises(BadConfig, match="name one with --derainer"):
        make_panels(View(), run=Path("runs"))


def test_scenes_are_chosen_by_the_records_of_the_rain_shown(tmp_path: Path) -> None:
    """A run holds several rains, and `--limit` runs over the first scenes only."""
    gains = {"streaks:light": [5.0, 0.0, 1.0], "streaks:heavy": [0.0, 5.0, 1.0]}
    ids = [scene.id for scene in open_data("street").scenes[:3]]
    for rain, gain in gains.items():
        for label in ("none", "median"):
            values = [20.0 + g * (label == "median") for g in gain]
            write_record(tmp_path, restoration_record(label, rain, ids, values))
    for rain, first in (("streaks:light", ids[0]), ("streaks:heavy", ids[1])):
        view = View(rain=rain, derainers="median")
        assert list(restore_scenes(view, count=1, run=tmp_path)) == [first]
    with pytest.raises(BadData, match="of none on street/test@streaks:medium: run it first"):
        restore_scenes(View(derainers="median"), run=tmp_path)


def restoration_record(label: str, rain: str, scenes: list[str], psnr: list[float]) -> Record:
    name = "street/test[:3]"
    return Record(
        cell=content_key([label, rain]),
        evidence=content_key(["evidence", label, rain]),
        references={},
        derainer={"label": label, "name": label, "card": {}, "key": {"name": label}},
        data={
            "name": name,
            "kind": "street",
            "split": "test",
            "scenes": 3,
            "fingerprint": content_key(name),
        },
        rain={"name": rain, "version": "1", "seed": 0},
        variant=variant_name(name, rain, 0),
        task="restoration",
        model=None,
        status="ok",
        images=3,
        coverage=1.0,
        scores=(),
        breakdown={"scenes": scenes, "images": {"psnr_y": psnr}},
        run={},
    )


def test_scenes_are_kept_for_the_slider(tmp_path: Path) -> None:
    from reports.board.samples import read_samples

    view = View(derainers="median")
    keep_samples(view, restore_scenes(view, count=1), tmp_path)
    (sample,) = read_samples(tmp_path)
    assert sample.variant == "street/test@streaks:medium"
    assert [image.label for image in sample.images] == ["clean", "none", "median"]
