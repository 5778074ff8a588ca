from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BadConfig, UnknownName
from bench.images import write_image
from bench.panels import View, draw, keep_samples, make_panels, restore_scenes


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


def test_a_scene_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="unknown scene of street/test 'nowhere'"):
        make_panels(View(), ["nowhere"])
    with pytest.raises(BadConfig, match="name one with --derainer"):
        make_panels(View(), run=Path("runs"))


def test_scenes_are_kept_for_the_slider(tmp_path: Path) -> None:
    from reports.samples import read_samples

    view = View(derainers="median")
    keep_samples(view, restore_scenes(view, count=1), tmp_path)
    (sample,) = read_samples(tmp_path)
    assert sample.title.endswith(", street/test@streaks:medium")
    assert [image.label for image in sample.images] == ["clean", "none", "median"]
