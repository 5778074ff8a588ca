"""Curves and scatters: score by rain, quality against time, fidelity against what models see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.vocabulary import CLEAN, REFERENCES
from reports.figures.style import grid_of, legend_below, look, shown
from reports.results import Group, Results
from reports.series import derainer_seconds, pareto_front, with_dry_in_scale
from reports.tables.agreement import correlate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.keep.records import Score

_FEW = 8


def severity(groups: Sequence[Group], labels: Sequence[str]) -> Figure | None:
    """Score of every derainer by rain, with its interval as a band; None for a single rain.

    Args:
        groups: One series: the same data set, task and model, in the order of the rains.
        labels: Every derainer of the report, so that all figures agree in colour.
    """
    metric = groups[0].about.headline
    chosen = with_dry_in_scale(groups)
    if len(chosen) < 2:
        return None
    figure, (axis,) = grid_of(1, 5.2, 3.4)
    drawn = _labels(chosen, labels)
    # Many bands on top of each other would hide the lines.
    alpha = 0.12 if len(drawn) <= _FEW else 0.05
    for label in drawn:
        scores = [_score(group, label) for group in chosen]
        at = [i for i, score in enumerate(scores) if score is not None]
        there = [score for score in scores if score is not None]
        if not there:
            continue
        # A rain that was not measured breaks the line: matplotlib leaves gaps at NaN.
        values = [float("nan")] * len(chosen)
        for i, score in zip(at, there, strict=True):
            values[i] = score.value * metric.scale  # type: ignore[operator]
        style = look(label, labels)
        axis.plot(range(len(chosen)), values, label=shown(label), **style)
        ends = [(i, s) for i, s in zip(at, there, strict=True) if s.low is not None and s.high is not None]
        if len(ends) == len(chosen):
            low, high = ([getattr(s, end) * metric.scale for _, s in ends] for end in ("low", "high"))
            axis.fill_between([i for i, _ in ends], low, high, color=style["color"], alpha=alpha, linewidth=0)
    axis.set_xticks(range(len(chosen)), [shown(group.rain) for group in chosen])
    axis.set_ylabel(metric.header)
    axis.set_title(_title(chosen[0]))
    legend_below(figure, [axis])
    return figure


def cost(results: Results, groups: Sequence[Group]) -> Figure | None:
    """Score against time per image, one axis per rain, with the Pareto front; None without times."""
    metric = groups[0].about.headline
    timed = [(group, _timed(results, group)) for group in groups if not group.dry]
    timed = [(group, times) for group, times in timed if len(times) > 1]
    if not timed:
        return None
    figure, axes = grid_of(len(timed))
    for axis, (group, times) in zip(axes, timed, strict=True):
        points = []
        for label, seconds in times.items():
            score = _score(group, label)
            if score is None or score.value is None:
                continue
            points.append((seconds * 1e3, score.value * metric.scale))
            _mark(axis, points[-1][0], score, metric.scale, label, results.labels)
        front = pareto_front(points)
        axis.step(
            [x for x, _ in front], [y for _, y in front], where="post", color="#888888", linestyle=(0, (4, 3))
        )
        if max(x for x, _ in points) > 8 * min(x for x, _ in points):
            _log_ticks(axis)
        axis.set_title(shown(group.rain))
        axis.set_xlabel("derainer, ms per image")
    axes[0].set_ylabel(metric.header)
    figure.suptitle(_title(groups[0]), fontsize=9)
    legend_below(figure, axes)
    return figure


def _log_ticks(axis: Axes) -> None:
    """A logarithmic abscissa with plain numbers: matplotlib's own are formulas, and a `$` is text here."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high / low < 300 else (1.0,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def agreement(results: Results, groups: Sequence[Group]) -> Figure | None:
    """Score against PSNR, one axis per rain, with the rank correlation; None without restoration scores."""
    if groups[0].about.looks != "model":
        return None
    metric = groups[0].about.headline
    pairs = [(group, results.fidelity(group.variant)) for group in groups if not group.dry]
    chosen = [(g, r) for g, r in pairs if r is not None and len(_both(g, r)) > 1]
    if not chosen:
        return None
    fidelity = chosen[0][1].about.headline
    figure, axes = grid_of(len(chosen))
    for axis, (group, restoration) in zip(axes, chosen, strict=True):
        for label in _both(group, restoration):
            own, other = _score(group, label), _score(restoration, label)
            if own is not None and other is not None and other.value is not None:
                _mark(axis, other.value, own, metric.scale, label, results.labels)
        cell = correlate(group, restoration, fidelity.name)
        words = "no correlation below three derainers"
        if cell.value is not None:
            words = f"Spearman {cell.value:.2f}"
            words += (
                f" [{cell.low:.2f}, {cell.high:.2f}]"
                if cell.low is not None and cell.high is not None
                else ""
            )
        axis.set_title(f"{shown(group.rain)}\n{words}")
        axis.set_xlabel(fidelity.header)
    axes[0].set_ylabel(metric.header)
    figure.suptitle(_title(groups[0]), fontsize=9)
    legend_below(figure, axes)
    return figure


def _title(group: Group) -> str:
    return shown(group.first.data.name + (f", {group.model}" if group.model else ""))


def _labels(groups: Sequence[Group], labels: Sequence[str]) -> list[str]:
    return [label for label in labels if any(label in group.records for group in groups)]


def _score(group: Group, label: str) -> Score | None:
    record = group.records.get(label)
    score = record.score(group.about.headline.name) if record else None
    return score if score is not None and score.value is not None else None


def _timed(results: Results, group: Group) -> dict[str, float]:
    times = derainer_seconds(results, group)
    return {label: seconds for label, seconds in times.items() if seconds and _score(group, label)}


def _both(group: Group, restoration: Group) -> list[str]:
    return [k for k in group.records if k != CLEAN and _score(group, k) and _score(restoration, k)]


def _mark(axis: Axes, x: float, score: Score, scale: float, label: str, labels: Sequence[str]) -> None:
    style: dict[str, Any] = {**look(label, labels), "linestyle": "none"}
    if label in REFERENCES:
        style["marker"] = "_"
    value = (score.value or 0.0) * scale
    bars = None
    if score.low is not None and score.high is not None:
        # A basic interval need not hold its value; a bar of negative length would be an error.
        bars = [[max(0.0, value - score.low * scale)], [max(0.0, score.high * scale - value)]]
    axis.errorbar([x], [value], yerr=bars, label=shown(label), elinewidth=1, **style)
