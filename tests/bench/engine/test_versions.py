"""What derainers are told of a variant that find their images by the scenes' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data.base import Scene
from bench.data.pairs import PairSet, SideBySideSet
from bench.engine.versions import setting_of
from bench.images import write_image
from bench.plugins import PlugIn
from bench.rain import parse_rain


def test_the_files_named_are_those_that_have_the_size_of_the_images(tmp_path: Path) -> None:
    for name in ("rainy/1.png", "clean/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_image(tmp_path / name, np.zeros((4, 6, 3), np.uint8))
    scene = Scene("1", tmp_path / "clean/1.png", tmp_path / "rainy/1.png")
    pairs = PairSet("pairs/a", "pairs", tmp_path, "", (scene,), own_rain=True)
    rain = parse_rain("own")
    assert setting_of(pairs, rain).images == {"1": scene.rainy}
    assert setting_of(replace(pairs, reader=PlugIn(Path("my.py"), "read")), rain).images == {}
    halves = SideBySideSet("pairs/a", "pairs", tmp_path, "", (replace(scene, rainy=None),), own_rain=True)
    assert setting_of(halves, rain).images == {}
