"""Scoring of evidence that needs no network: segmentation's, which is a matrix per scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.keep.records import DataInfo, DerainerInfo, Head, ModelInfo, RainInfo, Record, Score
from bench.score.scorer import Scorer
from downstream.tasks.base import Row
from downstream.tasks.segmentation import SegmentationRow

#: Correct pixels of 100 in the scenes, by row.
CORRECT = {"clean": (90, 95, 85), "none": (40, 45, 50), "guided": (70, 80, 60)}


class Evidence:
    """A store with as many scenes as wanted."""

    def __init__(self, scenes: int, tags: dict[str, dict[str, str]]) -> None:
        self.scenes = scenes
        self.tags = tags

    def read_manifest(self, fingerprint: str) -> dict[str, Any]:
        return {
            "name": "made",
            "scenes": [[str(i), f"digest{i}"] for i in range(self.scenes)],
            "classes": ["road", "sky"],
            "tags": self.tags,
        }

    def read(self, key: str, task: Any) -> dict[tuple[str, str], Row]:
        rows: dict[tuple[str, str], Row] = {}
        for i in range(self.scenes):
            right = CORRECT[key][i]
            matrix = np.array([[right, 100 - right], [100 - right, right]], np.int64)
            rows[str(i), f"digest{i}"] = SegmentationRow(str(i), f"digest{i}", 0.1, matrix)
        return rows


def score(
    scenes: int, label: str, references: dict[str, str], tags: dict[str, dict[str, str]] | None = None
) -> Record:
    scorer = Scorer(Evidence(scenes, tags or {}), "")  # type: ignore[arg-type]
    head = Head(
        derainer=DerainerInfo(label=label, name=label),
        data=DataInfo(name="made", kind="masks", split="", scenes=scenes, fingerprint=""),
        rain=RainInfo(name="streaks:heavy", version="1", seed=0),
        variant="made@streaks:heavy",
        task="segmentation",
        about=None,
        model=ModelInfo(name="net", classes=2),
        evidence=label,
        references=references,
    )
    return scorer.record(head, {"started": "", "seconds_per_image": None})


def by_metric(record: Record) -> dict[str, Score]:
    return {score.metric: score for score in record.scores}


RAINY = {"clean": "clean", "none": "none"}
DRY = {"clean": "clean", "none": "clean"}


@pytest.mark.parametrize("label", list(CORRECT))
def test_one_scene_has_scores_and_no_intervals(label: str) -> None:
    """Resampling one scene gives that scene again: an interval of no width would be a claim of certainty."""
    for found in by_metric(score(1, label, RAINY)).values():
        assert (found.low, found.high, found.note) == (None, None, "one scene has no interval")


def test_one_scene_cannot_tell_rain_from_noise() -> None:
    assert by_metric(score(1, "guided", RAINY))["miou_recovery"].value is None
    harm = by_metric(score(1, "guided", DRY))["miou_harm"]
    assert harm.value is not None
    assert harm.value < 0
    assert (harm.low, harm.note) == (None, "one scene has no interval")


def test_three_scenes_have_intervals() -> None:
    recovery = by_metric(score(3, "guided", RAINY))["miou_recovery"]
    assert recovery.low < recovery.value < recovery.high  # type: ignore[operator]
    assert recovery.note is None


def test_scenes_of_a_tag_score_as_if_they_were_all() -> None:
    tags = {
        "0": {"weather": "rainy", "city": "x"},
        "1": {"weather": "clear", "city": "x"},
        "2": {"city": "x"},
    }
    found = score(3, "guided", RAINY, tags).breakdown["tags"]
    # The city is the same in all and tells nothing; scene 2 has no weather.
    assert set(found) == {"weather=clear", "weather=rainy"}
    for tag, scene in (("weather=rainy", 0), ("weather=clear", 1)):
        right = CORRECT["guided"][scene]
        assert found[tag] == {"scenes": 1, "value": pytest.approx(right / (200 - right), abs=1e-12)}
    assert "tags" not in score(3, "guided", RAINY).breakdown


def test_where_nothing_clean_is_known_there_is_a_gain() -> None:
    record = score(3, "guided", {"none": "none"})
    gain = by_metric(record)["miou_gain"]
    miou = {label: by_metric(score(3, label, {"none": "none"}))["miou"].value for label in ("guided", "none")}
    assert gain.value == pytest.approx(miou["guided"] - miou["none"], abs=1e-12)
    assert gain.low <= gain.value <= gain.high  # type: ignore[operator]
    assert {"miou_recovery", "miou_harm"}.isdisjoint(by_metric(record))


def test_rain_that_takes_nothing_has_no_recovery() -> None:
    nothing = by_metric(score(3, "guided", {"clean": "none", "none": "clean"}))["miou_recovery"]
    assert (nothing.value, nothing.note) == (None, "rain takes no more than noise")
