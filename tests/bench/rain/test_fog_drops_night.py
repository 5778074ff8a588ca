"""Fog, drops on the lens, and night."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import open_data
from bench.data.base import Depth
from bench.errors import BadConfig, UnknownName
from bench.rain import add_rain, parse_rain, spec_of
from bench.rain.check import run_checks
from bench.rain.depth import guess_depth
from bench.rain.fog import air_light
from bench.verdicts import Outcome

RAINS = ("fog:80", "raindrops:medium", "streaks:heavy+night", "rainfall:50+night")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    data = open_data("street")
    image = data.clean(data.scenes[5])
    assert image is not None
    return image


@pytest.mark.parametrize("spec", RAINS)
def test_each_keeps_a_rains_promises(spec: str) -> None:
    outcomes = {verdict.name: verdict.outcome for verdict in run_checks(parse_rain(spec))}
    assert set(outcomes.values()) == {Outcome.PASS}
    assert parse_rain(spec_of(parse_rain(spec))) == parse_rain(spec)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(RAINS), st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_any_size_and_grey(spec: str, height: int, width: int, grey: int) -> None:
    image = np.full((height, width, 3), grey, np.uint8)
    assert add_rain(parse_rain(spec), image, "a", 0).shape == image.shape


def test_fog_is_koschmieders_law(scene: np.ndarray) -> None:
    """At the visibility a black thing keeps 5 % of its contrast against the air."""
    metres = np.full(scene.shape[:2], 120.0, np.float32)
    metres[:, :10] = math.inf
    foggy = add_rain(parse_rain("fog:120"), scene, "a", 0, Depth(metres, 400.0, "exact"))
    air = air_light(scene)
    assert foggy[:, 10:] == pytest.approx(scene[:, 10:] * 0.05 + air * 0.95, abs=0.51)
    assert (foggy[:, :10] == round(air)).all()
    thin, thick = (add_rain(parse_rain(f"fog:{v}"), scene, "a", 0) for v in (1000, 50))
    assert np.abs(thin.astype(int) - scene).mean() < np.abs(thick.astype(int) - scene).mean()
    near = guess_depth(scene.shape[:2]).metres < 10
    assert np.abs(thick.astype(int) - scene)[near].mean() < np.abs(thick.astype(int) - scene)[~near].mean()


def test_drops_cover_what_their_level_says_and_leave_the_rest(scene: np.ndarray) -> None:
    shares = []
    for level in ("light", "medium", "heavy"):
        wet = [add_rain(parse_rain(f"raindrops:{level}"), scene, str(i), 0) for i in range(6)]
        shares.append(np.mean([(each != scene).any(axis=2).mean() for each in wet]))
    assert 0.01 < shares[0] < shares[1] < shares[2] < 0.3


def test_a_drop_shows_the_scene_upside_down() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:200] = 200  # bright sky, dark ground
    wet = add_rain(parse_rain("raindrops:heavy"), image, "a", 0)
    changed = (wet != image).any(axis=2)
    assert (wet[200:][changed[200:]] > 60).mean() > 0.02  # sky in drops before the ground


def test_night_is_dark_but_for_lamps_and_shows_rain_where_they_shine() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    image[95:101, 45:51] = 255
    falls = [add_rain(parse_rain("streaks:heavy+night"), image, str(i), 0).astype(float) for i in range(8)]
    night = np.mean(falls, axis=0)  # without its noise
    dry = add_rain(parse_rain("none+night"), image, "a", 0).astype(float)
    assert dry[:, 150:].mean() < 40
    assert dry[96:100, 46:50].mean() > 180
    lit, dark = np.s_[80:116, 30:66], np.s_[80:116, 230:266]
    assert (night - dry)[lit].mean() > 1.5 * (night - dry)[dark].mean() > 0


@pytest.mark.parametrize(
    ("spec", "kind", "said"),
    [
        ("fog:5", BadConfig, "the visibility must be from 10 to 10,000 metres"),
        ("fog:thick", BadConfig, "write a visibility in metres after the colon, e.g. fog:150"),
        ("raindrops:many", UnknownName, "raindrops:"),
        ("own+night", BadConfig, "night is added to a rain that is drawn here, not to own"),
        ("streaks:heavy+nigth", UnknownName, "streaks:heavy"),
    ],
)
def test_mistakes_are_one_line(spec: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        parse_rain(spec)
    assert "\n" not in str(caught.value)
