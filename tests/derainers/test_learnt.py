from __future__ import annotations

from derainers import load_derainer
from derainers.learnt import RELEASED, learnt_from


def test_released_files_and_those_trained_here_say_what_they_learnt_from() -> None:
    (digest, *_) = RELEASED
    assert learnt_from(digest, {}) == ("Rain100H",)
    card = {
        "rain": [{"kind": "wide"}, {"kind": "none"}, {"kind": "rainfall", "then": {"kind": "streaks"}}],
        "data": ["data/camvid/train"],
    }
    assert learnt_from("0", card) == ("streaks", "rainfall", "data/camvid/train")
    assert learnt_from("0", {}) == ()


def test_the_shipped_weights_learnt_from_drawn_streaks() -> None:
    small = load_derainer("rdmc-s", device="cpu").card
    assert "streaks" in small.learnt
    assert small.kept()["learnt"] == list(small.learnt)
    assert load_derainer("median+rdmc-s", device="cpu").card.learnt == small.learnt
    assert load_derainer("flip(rdmc-s)", device="cpu").card.learnt == small.learnt
    assert load_derainer("median").card.learnt == ()
