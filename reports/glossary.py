"""What the rows and columns of a report mean, said of those that it has and of no others."""

from __future__ import annotations

from bench.vocabulary import CLEAN, NONE, REFERENCES
from downstream.tasks.base import Place
from reports.results import Results

#: What a reference row is.
_ROWS = {
    CLEAN: "is the model on the clean scenes",
    NONE: "is the model on the rainy images as they are",
}


def has_clean(results: Results) -> bool:
    """Whether any image of the report has a clean one."""
    return CLEAN in results.labels


def rows(results: Results) -> list[tuple[str, str]]:
    """The reference rows that a report has, and what each is: label and the rest of a sentence."""
    return [(label, _ROWS[label]) for label in REFERENCES if label in results.labels]


def metrics(results: Results, place: Place) -> list[str]:
    """A sentence for each kind of metric that a place shows of a report and whose title does not say it all."""
    found = []
    for group in results:
        stated = {score.metric for record in group.records.values() for score in record.scores}
        shown = (group.metric(name) for name in group.about.shown(place) if name in stated)
        found += [metric.meaning for metric in shown if metric.meaning]
    return list(dict.fromkeys(found))
