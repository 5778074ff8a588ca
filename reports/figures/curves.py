"""Curves and scatters: score by rain, quality against time, fidelity against what models see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.vocabulary import CLEAN, REFERENCES
from reports.figures.bars import best_of
from reports.figures.names import name_points
from reports.figures.style import grid_of, legend_below, look, shown, title_of
from reports.results import Group, Results
from reports.series import derainer_seconds, pareto_front, scales, with_dry_in_scale
from reports.tables.agreement import correlate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.keep.records import Score

#: Bands of more derainers than this cover each other.
_MOST = 6


def severity(groups: Sequence[Group], labels: Sequence[str], *, intervals: bool = True) -> Figure | None:
    """Score of every derainer by rain, with its interval as a band; None for a single rain.

    Rains are joined by a line where they lie on one scale: of one kind, told apart by an amount. Of more than six
    derainers the six with the best mean score have colours and bands, as the title says, and the others are grey.

    Args:
        groups: One series: the same data set, task and model, in the order of the rains.
        labels: Every derainer of the report, so that all figures agree in colour.
        intervals: Whether bands are drawn.
    """
    metric = groups[0].about.headline
    chosen = with_dry_in_scale(groups)
    if len(chosen) < 2:
        return None
    figure, (axis,) = grid_of(1, 5.2, 3.4)
    drawn = _labels(chosen, labels)
    own = [label for label in drawn if label not in REFERENCES]
    best = best_of(chosen, own, _MOST)
    for label in sorted(drawn, key=lambda label: label in best):
        for run in scales(chosen):
            _curve(
                axis, chosen, run, label, labels, bands=intervals, faint=label in own and label not in best
            )
    axis.set_xticks(range(len(chosen)), [shown(group.rain) for group in chosen])
    axis.set_ylabel(metric.header)
    said = f"; coloured: the {len(best)} best of {len(own)} derainers" if len(best) < len(own) else ""
    axis.set_title(title_of(chosen[0]) + said)
    legend_below(figure, [axis])
    return figure


def _curve(
    axis: Axes,
    groups: Sequence[Group],
    run: Sequence[int],
    label: str,
    labels: Sequence[str],
    *,
    bands: bool,
    faint: bool,
) -> None:
    """A derainer's scores over rains of one scale."""
    scale = groups[0].about.headline.scale
    scores = {at: score for at in run if (score := _score(groups[at], label)) is not None}
    if not scores:
        return
    # A rain that was not measured breaks the line: matplotlib leaves gaps at NaN.
    values = [(scores[at].value or 0.0) * scale if at in scores else float("nan") for at in run]
    style = {"color": "#bbbbbb", "linewidth": 0.8, "zorder": 1} if faint else look(label, labels)
    if len(run) == 1 and label in REFERENCES:
        style = {**style, "marker": "_"}
    axis.plot(run, values, label=None if faint else shown(groups[0].arrangement.label(label)), **style)
    ends = [(at, s) for at, s in scores.items() if s.low is not None and s.high is not None]
    if not bands or faint or len(ends) < len(run):
        return
    low, high = ([getattr(s, end) * scale for _, s in ends] for end in ("low", "high"))
    if len(run) == 1:
        axis.vlines(run, low, high, color=style["color"], linewidth=1)
    else:
        axis.fill_between([at for at, _ in ends], low, high, color=style["color"], alpha=0.12, linewidth=0)


def cost(results: Results, groups: Sequence[Group], *, intervals: bool = True) -> Figure | None:
    """Score against time per image, one axis per rain, with the Pareto front; None without times."""
    metric = groups[0].about.headline
    timed = [(group, _timed(results, group)) for group in groups if not group.dry]
    timed = [(group, times) for group, times in timed if len(times) > 1]
    if not timed:
        return None
    figure, axes = grid_of(len(timed))
    for axis, (group, times) in zip(axes, timed, strict=True):
        points: dict[str, tuple[float, float]] = {}
        for label, seconds in times.items():
            score = _score(group, label)
            if score is None or score.value is None:
                continue
            points[label] = (seconds * 1e3, score.value * metric.scale)
            _mark(axis, seconds * 1e3, score, metric.scale, label, results.labels, bars=intervals)
        front = pareto_front(list(points.values()))
        axis.step(
            [x for x, _ in front], [y for _, y in front], where="post", color="#888888", linestyle=(0, (4, 3))
        )
        if max(x for x, _ in points.values()) > 8 * min(x for x, _ in points.values()):
            _log_ticks(axis)
        _name(axis, points, results)
        axis.set_title(shown(group.rain))
        axis.set_xlabel("derainer, ms per image")
    axes[0].set_ylabel(metric.header)
    figure.suptitle(title_of(groups[0]), fontsize=9)
    return figure


def _log_ticks(axis: Axes) -> None:
    """A logarithmic abscissa with plain numbers: matplotlib's own are formulas, and a `$` is text here."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high / low < 300 else (1.0,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def agreement(results: Results, groups: Sequence[Group], *, intervals: bool = True) -> Figure | None:
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
        points = {}
        for label in _both(group, restoration):
            own, other = _score(group, label), _score(restoration, label)
            if own is not None and other is not None and other.value is not None:
                _mark(axis, other.value, own, metric.scale, label, results.labels, bars=intervals)
                points[label] = (other.value, (own.value or 0.0) * metric.scale)
        _name(axis, points, results)
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
    figure.suptitle(title_of(groups[0]), fontsize=9)
    return figure


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


def _mark(
    axis: Axes, x: float, score: Score, scale: float, label: str, labels: Sequence[str], *, bars: bool
) -> None:
    style: dict[str, Any] = {**look(label, labels), "linestyle": "none"}
    if label in REFERENCES:
        style["marker"] = "_"
    value = (score.value or 0.0) * scale
    ends = None
    if bars and score.low is not None and score.high is not None:
        # A basic interval need not hold its value; a bar of negative length would be an error.
        ends = [[max(0.0, value - score.low * scale)], [max(0.0, score.high * scale - value)]]
    axis.errorbar([x], [value], yerr=ends, elinewidth=1, **style)


def _name(axis: Axes, points: Mapping[str, tuple[float, float]], results: Results) -> None:
    name_points(
        axis,
        points,
        text=lambda label: shown(results.arrangement.label(label)),
        colour=lambda label: look(label, results.labels)["color"],
    )
