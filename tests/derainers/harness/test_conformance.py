"""The conformance checks: what is shipped passes, and each of five broken derainers fails where it is broken."""

from __future__ import annotations

import numpy as np
import pytest

from bench.verdicts import Outcome
from derainers import load_derainer
from derainers.base import Card
from derainers.harness.conformance import run_checks, sample
from derainers.harness.load import FunctionDerainer
from derainers.harness.network import NetworkDerainer, Runtime

torch = pytest.importorskip("torch")


def verdicts(load):
    return {verdict.name: verdict for verdict in run_checks(load, seconds=5)}


def function(run):
    return verdicts(lambda tile: FunctionDerainer(run, Card("mine"), {"name": "mine"}))


def network(forward):
    return verdicts(
        lambda tile: NetworkDerainer(forward, Card("mine"), {"name": "mine"}, Runtime("cpu", tile=tile))
    )


def failed(found):
    return {name for name, verdict in found.items() if verdict.outcome is Outcome.FAIL}


@pytest.mark.parametrize("name", ["none", "median", "bilateral", "guided"])
def test_filters_pass(name):
    found = verdicts(lambda tile: load_derainer(name, tile=tile))
    assert not failed(found), found


def test_rdmc_passes():
    chosen = ("type", "finite", "batch", "place", "colour", "flat", "harm")
    found = run_checks(lambda tile: load_derainer("rdmc", device="cpu", tile=tile), 0, chosen)
    assert [v.name for v in found] == ["size", *chosen]
    assert not [v for v in found if v.outcome is Outcome.FAIL]


def test_shifting_the_image_fails_on_place():
    found = function(lambda image: np.roll(image, (1, 2), (0, 1)))
    assert found["place"].outcome is Outcome.FAIL
    assert found["place"].detail == "the image is shifted by 1 rows and 2 columns"
    assert failed(found) <= {"place", "harm"}


@pytest.mark.parametrize("down", [-1, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 1])
def test_a_shift_of_one_pixel_is_seen(down, right):
    def edged(image):
        padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
        height, width = image.shape[:2]
        return padded[1 - down : 1 - down + height, 1 - right : 1 - right + width]

    for run in (edged, lambda image: np.roll(image, (down, right), (0, 1))):
        derainer = FunctionDerainer(run, Card("mine"), {"name": "mine"})
        found = {v.name: v for v in run_checks(lambda tile, one=derainer: one, 0, ("place",))}["place"]
        moved = (down, right) != (0, 0)
        assert found.outcome is (Outcome.FAIL if moved else Outcome.PASS), found
        assert not moved or found.detail == f"the image is shifted by {down} rows and {right} columns"


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda image: np.roll(image, 20, 1), "shifted by 0 rows and 20 columns"),
        (lambda image: image[:, ::-1], "mirrored"),
        (lambda image: image[::-1], "upside down"),
        (lambda image: image[::-1, ::-1], "turned"),
        (
            lambda image: np.pad(image, ((0, -len(image) % 8), (0, 0), (0, 0)), "reflect")[-len(image) :],
            "shifted by -3 rows and 0 columns",
        ),
    ],
)
def test_whatever_moves_the_image_fails_on_place(run, words):
    derainer = FunctionDerainer(run, Card("mine"), {"name": "mine"})
    found = {v.name: v for v in run_checks(lambda tile: derainer, 0, ("place", "colour"))}
    assert found["place"].outcome is Outcome.FAIL
    assert words in found["place"].detail


def test_returning_bgr_fails_on_colour():
    found = function(lambda image: image[..., ::-1])
    assert "BGR" in found["colour"].detail
    assert failed(found) <= {"colour", "harm"}


def test_leaking_across_the_batch_fails_on_batch():
    found = network(lambda x: x + 0.2 * (x.mean(0, keepdim=True) - x))
    assert failed(found) == {"batch"}

    class Leaking:
        card, key = Card("leaking"), {"name": "leaking"}

        def __call__(self, image):
            return image

        def restore(self, images):
            return [np.minimum(image, images[0].max() // 2) for image in images]

    assert failed(verdicts(lambda tile: Leaking())) == {"batch"}


def test_nan_on_black_fails_on_finite():
    def normalised(x):
        return x * (x.amax((1, 2, 3), keepdim=True) / x.amax((1, 2, 3), keepdim=True))

    found = network(normalised)
    assert found["finite"].outcome is Outcome.FAIL
    assert "on black" in found["finite"].detail
    assert "NaN" in found["finite"].detail
    assert failed(found) <= {"finite", "flat"}


def test_changing_the_size_fails_on_size():
    found = network(lambda x: x[:, :, : x.shape[2] // 8 * 8])
    assert failed(found) == {"size"}
    assert "size must stay" in found["size"].detail
    assert {v.outcome for name, v in found.items() if name != "size"} == {Outcome.SKIP}


def test_other_faults():
    state = iter(range(10**6))
    assert failed(function(lambda image: image ^ np.uint8(next(state) % 7))) >= {"deterministic"}
    assert failed(function(lambda image: image * 0)) >= {"harm", "flat"}
    assert failed(network(lambda x: x * 0 + x.mean((2, 3), keepdim=True))) >= {"tiles"}

    class Floats:
        card, key = Card("floats"), {"name": "floats"}

        def __call__(self, image):
            return image / 255

        def restore(self, images):
            return [self(image) for image in images]

    assert "type" in failed(verdicts(lambda tile: Floats()))


def test_the_sample_is_the_same_everywhere():
    assert (sample(20, 30, 1) == sample(20, 30, 1)).all()
    assert sample(20, 30).std() > 20
