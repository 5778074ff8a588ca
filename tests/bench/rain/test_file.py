"""Rains in users' files: what they are given, what they may return, what their key holds, and ``bench check``."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data.base import Depth
from bench.errors import BadConfig, BenchError, UnknownName
from bench.rain import Rain, RainError, add_rain, parse_rain, spec_of
from bench.rain.check import run_checks
from bench.seeds import rng_from
from bench.verdicts import Outcome

SOURCE = '''
import numpy as np

seen = set()


def noise(image, rng):
    """Draws from the generator alone."""
    return np.maximum(image, (rng.random(image.shape) > 0.9) * np.uint8(200))


def shade(image, rng, arg="0.5"):
    return (image * float(arg)).astype(np.uint8)


def far(image, rng, depth):
    assert depth.metres.shape == image.shape[:2]
    return np.where((depth.metres > 30)[..., None], np.uint8(128), image)


def needy(image, rng, strength):
    return image


def dry(image, rng):
    return image


def floats(image, rng):
    return image / 255


def cropped(image, rng):
    return image[1:]


def forgetful(image, rng):
    pass


def raising(image, rng):
    raise ValueError("no\\nsuch thing")


def ending(image, rng):
    raise SystemExit(1)


def writing(image, rng):
    image[0] = 0
    return image


def loose(image, rng):
    return np.maximum(image, (np.random.random(image.shape) > 0.9) * np.uint8(200))


def counting(image, rng):
    seen.add(int(image.sum()))
    return image + np.uint8(len(seen))


number = 3
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.py"
    path.write_text(SOURCE)
    return path


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)


def test_a_function_is_seeded_as_ours_are(file: Path) -> None:
    rain = parse_rain(f"{file}:noise")
    assert isinstance(rain, Rain)
    assert (rain.name, spec_of(rain), rain.needs_depth) == ("my.py:noise", f"{file}:noise", False)
    rainy = add_rain(rain, image(), "scene", 3)
    drops = rng_from("rain", "my.py:noise", "scene", 3).random(image().shape) > 0.9
    assert np.array_equal(rainy, np.maximum(image(), drops * np.uint8(200)))
    assert not np.array_equal(rainy, add_rain(rain, image(), "scene", 4))
    assert not np.array_equal(rainy, add_rain(rain, image(), "other", 3))
    assert spec_of(parse_rain("rainfall:50.0")) == "rainfall:50"


def test_an_argument_is_given_as_text_and_is_part_of_the_name(file: Path) -> None:
    quarter, half = parse_rain(f"{file}:shade:0.25"), parse_rain(f"{file}:shade")
    assert (quarter.name, half.name) == ("my.py:shade:0.25", "my.py:shade")
    assert np.array_equal(add_rain(quarter, image(), "x", 0), image() // 4)
    assert np.array_equal(add_rain(half, image(), "x", 0), image() // 2)


def test_a_function_that_wants_depth_always_gets_it(file: Path) -> None:
    rain = parse_rain(f"{file}:far")
    assert rain.needs_depth
    guessed = add_rain(rain, image(), "x", 0)
    assert (guessed[0] == 128).all()
    near = Depth(np.full((40, 50), 2.0, np.float32), 50.0, "exact")
    assert np.array_equal(add_rain(rain, image(), "x", 0, near), image())


def test_it_is_pickled_as_a_name_and_refused_where_its_code_has_changed(file: Path) -> None:
    (file.parent / "helper.py").write_text("N = 1")
    file.write_text(SOURCE.replace("seen = set()", "import helper"))
    rain = parse_rain(f"{file}:noise")
    data = pickle.dumps(rain)
    assert len(data) < 1000
    assert pickle.loads(data) == rain
    (file.parent / "helper.py").write_text("N = 2")
    changed = parse_rain(f"{file}:noise")
    assert (changed.name, changed.version != rain.version) == (rain.name, True)
    from bench.rain.file import _function

    _function.cache_clear()  # as in a worker
    with pytest.raises(BadConfig, match=r"rain .*my\.py:noise: .* has changed since the run began"):
        add_rain(pickle.loads(data), image(), "x", 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("floats", r"rain my\.py:floats returned float64 values"),
        ("cropped", "returned 39x50x3 for an image of 40x50x3: the size must stay"),
        ("forgetful", "returned None"),
        ("raising", "raised ValueError: no$"),
        ("ending", "raised SystemExit: 1"),
        ("writing", "read-only; copy the image before you change it"),
    ],
)
def test_a_function_that_breaks_the_contract_is_one_line(file: Path, name: str, words: str) -> None:
    with pytest.raises(RainError, match=words) as caught:
        add_rain(parse_rain(f"{file}:{name}"), image(), "x", 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("my.py:nois", "did you mean noise?"),
        ("my.py:number", "is no function"),
        ("my.py:needy", r"cannot be called as needy\(image, rng\).*strength"),
        ("my.py:noise:3", "no parameter arg that would take '3'"),
        ("my.py", r"such as .*my\.py:NAME"),
        ("other.py:noise", "no file"),
    ],
)
def test_what_is_no_rain_is_told_before_the_run(file: Path, spec: str, words: str) -> None:
    with pytest.raises(BadConfig) as caught:
        parse_rain(f"{file.parent}/{spec}")
    assert words in str(caught.value) or __import__("re").search(words, str(caught.value))
    assert "\n" not in str(caught.value)


def outcomes(spec: str) -> dict[str, Outcome]:
    return {verdict.name: verdict.outcome for verdict in run_checks(parse_rain(spec))}


def test_a_sound_rain_passes_every_check(file: Path) -> None:
    for spec in (f"{file}:noise", f"{file}:far", "streaks:light", "rainfall:50"):
        assert set(outcomes(spec).values()) == {Outcome.PASS}, spec
    strength = run_checks(parse_rain("streaks:light"))[-1]
    assert "dB on Y" in strength.detail
    assert 25 < float(strength.detail.split()[0]) < 29


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("loose", {"deterministic", "order"}),
        ("counting", {"order"}),
        ("floats", {"size"}),
        ("writing", {"size"}),
    ],
)
def test_checks_find_what_a_rain_lacks(file: Path, name: str, lacks: set[str]) -> None:
    found = outcomes(f"{file}:{name}")
    assert {check for check, outcome in found.items() if outcome is Outcome.FAIL} == lacks
    assert (Outcome.SKIP in found.values()) == ("size" in lacks)


def test_a_rain_that_writes_into_its_input_is_seen() -> None:
    class Writing:
        name, version, needs_depth = "writing", "1", False

        def __call__(self, image: np.ndarray, rng: object, depth: object = None) -> np.ndarray:
            rainy = image // 2
            image[:] = 0
            return rainy

    found = {verdict.name: verdict.outcome for verdict in run_checks(Writing())}
    assert found["input"] is Outcome.FAIL


def test_a_dry_day_is_said_to_be_one() -> None:
    assert outcomes("none")["strength"] is Outcome.NOTE


def test_the_verb_checks_rains(file: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--rain", f"{file}:noise,{file}:loose"])
    assert result.exit_code == 1, result.output
    assert "failed: my.py:loose: deterministic, my.py:loose: order" in result.output
    assert "dB on Y" in result.output
    nothing = CliRunner().invoke(app, ["check"])
    assert isinstance(nothing.exception, BenchError)
    with pytest.raises(UnknownName):
        parse_rain("streak:light")
