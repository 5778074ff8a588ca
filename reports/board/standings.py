"""Who is ahead on a data set: one number for each derainer over all its rains, and a place by that number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.vocabulary import REFERENCES
from reports.board import words
from reports.results import Group, Results
from reports.tables.cells import Filled, as_shown, metric_column
from reports.tables.marks import places_of
from reports.tables.means import mean_columns
from reports.tables.seen import seen_of

if TYPE_CHECKING:
    from downstream.tasks.base import Metric


@dataclass(frozen=True)
class Standings:
    """One data set, task and model.

    Attributes:
        groups: Its rains, dry first.
        filled: The headline score, the mean over the rains where there are several.
        places: By label, who is ranked: whole rows alone.
        seen: Who has learnt from one of the rains or from the scenes.
    """

    groups: tuple[Group, ...]
    filled: Filled
    places: Mapping[str, int]
    seen: frozenset[str]

    @property
    def metric(self) -> Metric:
        """The score."""
        return self.groups[0].about.headline

    @property
    def smoke(self) -> bool:
        """Whether the scenes are rendered."""
        return words.smoke(self.groups[0])

    @property
    def wet(self) -> list[Group]:
        """Its rains without the dry one."""
        return [group for group in self.groups if not group.dry]

    @property
    def over(self) -> str:
        """What the number is over: `mean of 3 rains`, or the one rain's name."""
        wet = self.wet
        return words.rain(wet[0].first.rain.name) if len(wet) == 1 else f"mean of {len(wet)} rains"


def standings_of(results: Results) -> list[Standings]:
    """Every data set, task and model that has rain: photos first, a data set's tasks together, those that models look
    for before the others."""
    found = [_standings(groups) for task in results.tasks for groups in results.series(task)]
    there = [each for each in found if each is not None]
    order = {task: place for place, task in enumerate(results.tasks)}
    first: dict[str, int] = {}
    for each in there:
        data, place = each.groups[0].data, order[each.groups[0].task]
        first[data] = min(place, first.get(data, place))

    def key(standings: Standings) -> tuple[bool, int, str, int, str]:
        group = standings.groups[0]
        return standings.smoke, first[group.data], group.data, order[group.task], group.model or ""

    return sorted(there, key=key)


def _standings(groups: Sequence[Group]) -> Standings | None:
    wet = [group for group in groups if not group.dry]
    if not wet:
        return None
    metric = groups[0].about.headline
    filled = metric_column(wet[0], metric.name) if len(wet) == 1 else mean_columns(groups, metric.name)[0]
    if filled is None:
        return None
    whole = [{label for label, r in group.records.items() if r.status == "ok"} for group in wet]
    ranked = {
        label: cell.value
        for label, cell in filled.cells.items()
        if cell.value is not None and label not in REFERENCES and all(label in there for there in whole)
    }
    seen = {label for group in wet for label, record in group.records.items() if seen_of(record) is not None}
    return Standings(tuple(groups), filled, places_of(ranked, **as_shown(metric)), frozenset(seen))
