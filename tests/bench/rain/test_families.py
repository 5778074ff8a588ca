"""The registry of rains: families of installed packages, faults in them, and what training draws."""

from __future__ import annotations

import importlib.metadata as metadata
import sys
from pathlib import Path

import numpy as np
import pytest

import bench.rain
from bench.errors import BadConfig, BenchError, UnknownName
from bench.rain import RainFamily, add_rain, drawn_rain, parse_rain, rain_entries
from bench.registry import Registry
from bench.seeds import rng_from
from bench.train.config import Data
from bench.train.data import Pool, draw_sample

PACKAGE = """
from dataclasses import dataclass
from bench.rain import Drawn, RainEntry, RainFamily

@dataclass(frozen=True)
class Fog:
    level: int
    version: str = "1"
    needs_depth: bool = False
    @property
    def name(self):
        return f"fog:{self.level}"
    def __call__(self, image, rng, depth=None):
        return image // self.level

FOG = RainFamily("fog", (RainEntry("fog:N", "divides"),), lambda text: Fog(int(text)),
                 Drawn(9.0, lambda image, strength, rng: image // 2))
SNOW = RainFamily("snow", (RainEntry("snow", "fixed"),), lambda text: Fog(1))
NUMBER = 3
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with two families, and entry points that are none or clash."""
    (tmp_path / "package_with_rains.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    targets = {"fog": "FOG", "snow": "SNOW", "number": "NUMBER", "absent": "NOTHING", "streaks": "FOG"}
    group = "derain_bench.rains"
    points = [
        metadata.EntryPoint(name, f"package_with_rains:{target}", group) for name, target in targets.items()
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    fresh: Registry[RainFamily] = Registry("rain", group)
    for name, module in (("none", "dry"), ("streaks", "streaks"), ("rainfall", "rainfall")):
        fresh.register(name, f"bench.rain.{module}:FAMILY")
    monkeypatch.setattr(bench.rain, "rains", fresh)
    yield
    sys.modules.pop("package_with_rains", None)


@pytest.mark.usefixtures("packages")
def test_a_package_adds_a_family() -> None:
    image = np.full((4, 4, 3), 90, np.uint8)
    assert (add_rain(parse_rain("fog:3"), image, "x", 0) == 30).all()
    listed = {entry.name: entry.title for entry in rain_entries()}
    assert listed["fog:N"] == "divides"
    assert "no bench.rain.RainFamily" in listed["number"]
    assert "could not be loaded" in listed["absent"]
    with pytest.raises(BadConfig, match="rain 'fog:much': ValueError: invalid literal"):
        parse_rain("fog:much")
    with pytest.raises(BadConfig, match=r"rain 'number' from package .* is no bench\.rain\.RainFamily"):
        parse_rain("number")
    with pytest.raises(BenchError, match="two rains are called 'streaks'"):
        parse_rain("streaks:light")
    with pytest.raises(UnknownName, match="did you mean fog:N"):
        parse_rain("fogg:3")
    assert parse_rain("rainfall:5").name == "rainfall:5"


@pytest.mark.usefixtures("packages")
def test_training_draws_every_family_that_says_how() -> None:
    data = Data.model_validate({"clean": [{"images": "x"}], "rain": [{"kind": "fog", "low": 1, "high": 9}]})
    rainy, clean = draw_sample([Pool(1.0, (np.full((32, 32, 3), 90, np.uint8),))], data, 32, rng_from(0))
    assert (rainy == 45).all()
    assert (clean == 90).all()
    for kind, words in (("snow", "not drawn by strength"), ("drizzle", "unknown rain 'drizzle'")):
        with pytest.raises(ValueError, match=words):
            Data.model_validate({"clean": [{"images": "x"}], "rain": [{"kind": kind}]})
    with pytest.raises(ValueError, match="within 0 and 9"):
        Data.model_validate({"clean": [{"images": "x"}], "rain": [{"kind": "fog", "low": 1, "high": 10}]})


@pytest.mark.parametrize(("kind", "most"), [("streaks", 1.0), ("rainfall", 500.0), ("none", 1e9)])
def test_a_drawn_rain_of_no_strength_is_weak_and_of_full_strength_is_not(kind: str, most: float) -> None:
    image = np.random.default_rng(0).integers(40, 120, (96, 96, 3), np.uint8)
    drawn = drawn_rain(kind)
    changes = []
    for strength in (0.0, min(most, drawn.most)):
        before = image.copy()
        rainy = drawn.add(image, strength, rng_from(kind))
        assert np.array_equal(image, before)
        assert np.array_equal(rainy, drawn.add(image, strength, rng_from(kind)))
        changes.append(float(np.abs(rainy.astype(int) - image).mean()))
    assert changes[0] < 3
    assert changes[1] > 10 or kind == "none"
