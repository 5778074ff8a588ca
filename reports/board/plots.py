"""The charts of a data set's page: score by rain, and score against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from downstream.tasks.base import Metric
from reports.board import words
from reports.board.charts import Line, Point, has_bands, pareto_chart, severity_chart
from reports.results import Group, Results, label_order, rain_order
from reports.series import derainer_seconds, scales, with_dry_in_scale


@dataclass(frozen=True)
class Chart:
    """A chart with what stands around it; `svg` is markup."""

    title: str
    svg: str
    caption: str


def charts_of(results: Results, groups: Sequence[Group], places: Mapping[str, int]) -> list[Chart]:
    """The charts of one data set, task and model.

    Args:
        results: All records, for times.
        groups: Its rains.
        places: By label, where a derainer stands among all: it has the same look in every chart.
    """
    found = [_severity(groups, places), *(_cost(results, group, places) for group in groups if not group.dry)]
    return [chart for chart in found if chart is not None]


def _severity(groups: Sequence[Group], places: Mapping[str, int]) -> Chart | None:
    chosen, shown = with_dry_in_scale(groups), groups[0].about.headline
    if len(chosen) < 2:
        return None
    title = f"{shown.title} by rain" + (f", {chosen[0].model}" if chosen[0].model else "")
    ticks = [words.rain(group.first.rain.name) for group in chosen]
    lines = severity_lines(chosen, shown, places)
    svg = severity_chart(title, ticks, lines, shown.header)
    better = "higher" if shown.higher_is_better else "lower"
    intervals = "bands are intervals" if has_bands(lines) else "intervals are in the tables"
    apart = "; rains of different kinds are not joined" if len(scales(chosen)) > 1 else ""
    return Chart(title, svg, f"{shown.header}; {intervals}; {better} is better{apart}.")


def severity_lines(groups: Sequence[Group], shown: Metric, places: Mapping[str, int]) -> list[Line]:
    """One line per derainer over the rains of a series, in the order of the groups."""
    lines = []
    ordered = sorted(groups, key=lambda g: (rain_order(g.first.rain.name), g.first.rain.seed))
    scale_of = {at: number for number, run in enumerate(scales(ordered)) for at in run}
    for label in sorted({label for group in ordered for label in group.records}, key=label_order):
        points = []
        for at, group in enumerate(ordered):
            record = group.records.get(label)
            score = record.score(shown.name) if record else None
            if score is not None and score.value is not None:
                point = _point(float(at), score.value, score.low, score.high, shown)
                points.append(replace(point, scale=scale_of[at]))
        if points:
            lines.append(Line(label, words.row(label), tuple(points), places.get(label)))
    return lines


def _cost(results: Results, group: Group, places: Mapping[str, int]) -> Chart | None:
    shown = group.about.headline
    if not shown.higher_is_better:  # the steps of the front would go the wrong way
        return None
    lines = []
    for label, seconds in derainer_seconds(results, group).items():
        score = group.records[label].score(shown.name)
        if seconds and score is not None and score.value is not None:
            point = _point(seconds * 1e3, score.value, score.low, score.high, shown)
            lines.append(Line(label, label, (point,), places.get(label)))
    if len(lines) < 2:
        return None
    title = f"{shown.title} against time, {words.rain(group.first.rain.name)}" + (
        f", {group.model}" if group.model else ""
    )
    svg = pareto_chart(title, lines, shown.header, "derainer, ms per image")
    caption = (
        "Dashed: no other is both faster and better. Times are medians on the machine that ran the cells."
    )
    return Chart(title, svg, caption)


def _point(x: float, value: float, low: float | None, high: float | None, shown: Metric) -> Point:
    scaled = [None if v is None else v * shown.scale for v in (low, high)]
    return Point(x, value * shown.scale, scaled[0], scaled[1])
