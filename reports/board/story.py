"""The board in a sentence: what rain takes from a model, and what the best derainer wins back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.keep.records import Score
from bench.vocabulary import CLEAN, NONE, REFERENCES
from reports.board import words
from reports.results import Group, Results
from reports.tables.seen import seen_of


@dataclass(frozen=True)
class Bar:
    """A row of the picture beside the sentence: a label, and its score with its interval, as shown (scaled)."""

    label: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Story:
    """What the first screen says.

    Attributes:
        sentence: One sentence, its numbers those of records.
        about: What was looked at: number of scenes, data set, rain and model.
        caveats: What has to be known with it, one sentence each.
        group: The table that it is read from.
        best: The label of the best derainer.
        bars: The rows `clean` and `none` and the best derainers, best first.
    """

    sentence: str
    about: str
    caveats: tuple[str, ...]
    group: Group
    best: str
    bars: tuple[Bar, ...]


def tell(results: Results, most: int = 5) -> Story | None:
    """Choose the table in which rain takes most from a model, photos before rendered scenes, and say what it says.

    Args:
        results: The board's records.
        most: How many derainers the picture shows.

    Returns:
        The story; None where no table has the clean and the rainy row and a derainer whose recovery is defined.
    """
    told = [group for group in results if _tellable(group)]
    if not told:
        return None
    group = min(told, key=_rank)
    metric = group.about.headline
    clean, rainy = (_value(group, label, metric.name) for label in (CLEAN, NONE))
    best = max(_recovered(group), key=lambda label: _value(group, label, metric.name))
    won = _value(group, best, f"{metric.name}_recovery")
    digits = 0 if abs(clean - rainy) * metric.scale >= 10 else metric.digits
    space = "\N{NO-BREAK SPACE}"
    unit = f"{space}{metric.unit}" if metric.unit else ""
    before, after = (f"{value * metric.scale:.{digits}f}" for value in (clean, rainy))
    sentence = (
        f"{words.rain_begins(group.first.rain.name)} takes {metric.title} from {before} to {after}{unit}; "
        f"the best derainer, {best}, wins back {100 * won:.0f}{space}% of what the rain took."
    )
    data = group.first.data
    about = (
        f"{data.scenes:,} scenes of {words.data(data.name)} under {words.rain(group.first.rain.name)}, "
        f"seen by {group.model}."
    )
    return Story(sentence, about, tuple(_caveats(group, best)), group, best, tuple(_bars(group, best, most)))


def _tellable(group: Group) -> bool:
    """Whether a table has what the sentence needs."""
    metric = group.about.headline
    return (
        group.about.looks == "model"
        and metric.higher_is_better
        and not group.dry
        and all(_score(group, label, metric.name) is not None for label in (CLEAN, NONE))
        and bool(_recovered(group))
    )


def _rank(group: Group) -> tuple[bool, int, float]:
    """Sort key: photos first, then by task, then by how much the rain takes."""
    metric = group.about.headline.name
    lost = _value(group, CLEAN, metric) - _value(group, NONE, metric)
    return words.smoke(group), group.about.order, -lost


def _recovered(group: Group) -> list[str]:
    """The derainers that are told of: whole records, with a recovery that is defined."""
    metric = f"{group.about.headline.name}_recovery"
    return [
        label
        for label, record in group.records.items()
        if label not in REFERENCES and record.status == "ok" and _score(group, label, metric) is not None
    ]


def _caveats(group: Group, best: str) -> Iterator[str]:
    meaning = words.explained(group.about.headline.name)
    if meaning:
        yield meaning
    seen = seen_of(group.records[best])
    if seen is not None:
        yield f"† {best} has learnt from {seen}, which the test has too."
    if words.smoke(group):
        yield "These scenes are rendered: they show that things work, and no more."


def _bars(group: Group, best: str, most: int) -> Iterator[Bar]:
    metric = group.about.headline
    own = sorted(_recovered(group), key=lambda label: (-_value(group, label, metric.name), label != best))
    for label in (CLEAN, *own[:most], NONE):
        score = _score(group, label, metric.name)
        assert score is not None
        assert score.value is not None
        low, high = (None if end is None else end * metric.scale for end in (score.low, score.high))
        yield Bar(label, score.value * metric.scale, low, high)


def _score(group: Group, label: str, metric: str) -> Score | None:
    """A record's score where it has a value."""
    record = group.records.get(label)
    score = record.score(metric) if record is not None else None
    return score if score is not None and score.value is not None else None


def _value(group: Group, label: str, metric: str) -> float:
    score = _score(group, label, metric)
    assert score is not None
    assert score.value is not None
    return score.value
