from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bench.keep.records import Record
from reports.board.story import tell
from reports.results import read_results

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def photos(record: Make, *labels: str) -> list[Record]:
    """The records of a set of photos under light streaks."""
    made = []
    for label in labels:
        one = record(label, "streaks:light", "segmentation", data="coco/val2017")
        made.append(one.model_copy(update={"data": one.data.model_copy(update={"kind": "coco"})}))
    return made


def test_sentence_equals_the_records(run_records: MakeRun, record: Make) -> None:
    story = tell(read_results(run_records()))
    assert story is not None
    values = {}
    for label in ("clean", "none", "rdmc"):
        score = record(label, "streaks:heavy").score("ap")
        assert score is not None
        assert score.value is not None
        values[label] = score.value
    assert (values["clean"], values["none"]) == pytest.approx((0.42, 0.17))
    recovery = (values["rdmc"] - values["none"]) / (values["clean"] - values["none"])
    # Every number of the sentence, in its order.
    expected = [100 * values["clean"], 100 * values["none"], 100 * recovery]
    assert [int(n) for n in re.findall(r"\d+", story.sentence)] == [round(value) for value in expected]
    assert story.sentence.startswith("Heavy rain takes AP from ")
    assert "the best derainer, rdmc, wins back" in story.sentence
    shown = {bar.label: bar.value for bar in story.bars}
    assert {label: shown[label] for label in values} == pytest.approx({k: 100 * v for k, v in values.items()})
    assert [bar.label for bar in story.bars] == ["clean", "rdmc", "twin", "guided", "median", "none"]


def test_photos_are_told_of_before_rendered_scenes(run_records: MakeRun, record: Make) -> None:
    records = [*run_records(), *photos(record, "clean", "none", "guided")]
    story = tell(read_results(records))
    assert story is not None
    assert story.best == "guided"
    assert "COCO val2017" in story.about
    assert not any("rendered" in caveat for caveat in story.caveats)
    rendered = tell(read_results(run_records()))
    assert rendered is not None
    assert any("rendered" in caveat for caveat in rendered.caveats)


def test_who_has_learnt_from_the_test_is_told(run_records: MakeRun) -> None:
    records = run_records(rains=("streaks:heavy",), tasks=("detection",))
    taught = []
    for one in records:
        card = (
            {**one.derainer.card, "learnt": ["streaks"]}
            if one.derainer.label == "rdmc"
            else one.derainer.card
        )
        taught.append(one.model_copy(update={"derainer": one.derainer.model_copy(update={"card": card})}))
    story = tell(read_results(taught))
    assert story is not None
    assert any(caveat.startswith("† rdmc has learnt from streaks") for caveat in story.caveats)


@pytest.mark.parametrize(
    ("labels", "rains", "tasks"),
    [
        (("none", "rdmc"), ("streaks:heavy",), ("detection",)),
        (("clean", "none"), ("streaks:heavy",), ("detection",)),
        (("clean", "none", "rdmc"), ("none",), ("detection",)),
        (("clean", "none", "rdmc"), ("streaks:heavy",), ("restoration",)),
    ],
)
def test_nothing_is_told_where_there_is_nothing_to_tell(
    run_records: MakeRun, labels: tuple[str, ...], rains: tuple[str, ...], tasks: tuple[str, ...]
) -> None:
    assert tell(read_results(run_records(labels, rains, tasks))) is None
