"""Models that a script hands over as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.engine.here import ThisProcess
from bench.engine.suite import make_suite
from bench.errors import BadConfig


class Bright:
    """Calls all that is bright a car."""

    classes = ("car",)

    def __init__(self, least: int = 200) -> None:
        self.least = least

    def __call__(self, image: np.ndarray) -> Any:
        rows, columns = np.nonzero(image.min(2) >= self.least)
        if not len(rows):
            return np.zeros((0, 4)), [], []
        return [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], [0.9], [0]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process: no worker has to start."""
    monkeypatch.setattr("bench.api.ThisMachine", lambda *_: ThisProcess())


def run(model: Any, out: Path, **choices: Any) -> dict[str, Any]:
    done = bench.run(model=model, limit=1, device="cpu", out=out, **choices)
    assert done.problems == []
    return {record.model.name: record for record in done.records if record.model}


def test_objects_look_and_their_values_are_in_their_keys(here: None, tmp_path: Path) -> None:
    found = run({"low": Bright(90), "detection=high": Bright()}, tmp_path / "run")
    assert set(found) == {"low", "high"}
    again = run({"same": Bright(90)}, tmp_path / "run")
    assert again["same"].evidence == found["low"].evidence != found["high"].evidence
    named = found["low"].run["choices"]["models"][0]["name"]
    with pytest.raises(BadConfig, match="which is not here any more"):
        make_suite({"models": [{"task": "detection", "name": named}]}, "a record")


def test_a_worker_reads_what_the_script_handed_over(tmp_path: Path) -> None:
    assert set(run({"low": Bright(90)}, tmp_path / "run", workers=1)) == {"low"}


def without_classes(image: np.ndarray) -> Any:
    return [], [], []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ([Bright()], r'model is a Bright: give it a label, as in model=\{"mine": ...\}'),
        ({"mine": without_classes}, "asking for its classes raised AttributeError"),
        ({"mine": type("Mute", (), {"classes": ("car",)})()}, "model Mute cannot be called with an image"),
    ],
)
def test_what_cannot_look_is_refused_in_a_line(here: None, tmp_path: Path, model: Any, words: str) -> None:
    with pytest.raises(BadConfig, match=words) as caught:
        run(model, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_no_file_says_what_an_object_is_read_from() -> None:
    for key in ("_given", "given"):
        with pytest.raises(BadConfig, match=key):
            make_suite(
                {
                    "models": [
                        {"task": "detection", "name": "street_yolox", key: {"digest": "a", "file": "/x"}}
                    ]
                },
                "suite evil",
            )
