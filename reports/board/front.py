"""The first page: the story, the slider, and one table over all data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.vocabulary import CLEAN, NONE, REFERENCES
from reports import glossary
from reports.board import words
from reports.board.content import Board
from reports.board.coverage import coverage
from reports.board.facts import Facts, facts_of
from reports.board.samples import Sample
from reports.board.shown import set_page, shown_cell, shown_row
from reports.board.standings import Standings, standings_of
from reports.board.story import Story, tell
from reports.results import Results
from reports.series import derainer_seconds
from reports.tables.renderers.escape import SEEN
from reports.tables.table import Cell, Column

_ABSENT = Cell(None)
_PARAMS = Column("params", "parameters", "M", "", 2, 1e-6, False)
_TIME = Column("time", "time", "ms/image", "", 1, 1e3, False)


def front_context(board: Board, samples: Sequence[Sample]) -> dict[str, Any]:
    """What the template of the first page is filled with."""
    results = board.results
    every = [record for group in results for record in group.records.values()]
    levels = sorted({record.bootstrap.level for record in every if record.bootstrap})
    dates = sorted({str(record.run["date"])[:10] for record in every if record.run.get("date")})
    story = tell(results)
    return {
        "story": story,
        "bars": _bars(story) if story else [],
        "story_page": set_page(story.group) if story else "",
        "table": overview(results),
        "samples": [_sample(sample) for sample in samples],
        "best": story.best if story else "",
        "sets": _sets(results),
        "versions_seen": "the clean, the rainy and the restored version"
        if glossary.has_clean(results)
        else "the rainy and the restored version",
        "metrics": glossary.metrics(results, "board"),
        "rows": [(words.row(label), text) for label, text in glossary.rows(results)],
        "level": " or ".join(f"{100 * level:g}" for level in levels) or "95",
        "count": len(every),
        "dates": " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "",
    }


def overview(results: Results) -> dict[str, Any]:
    """One row for each derainer, one column for each data set, task and model; photos first."""
    standings = standings_of(results)
    facts: dict[str, list[Facts]] = {}
    for group in results:
        for label, record in group.records.items():
            if label not in REFERENCES:
                facts.setdefault(label, []).append(facts_of(record))
    timed, seconds = _timed(results, standings)
    labels = _ordered(results, standings)
    columns = [_heading(each) for each in standings]
    rows = []
    for label in labels:
        own = facts.get(label)
        cells = [_cell(each, label) for each in standings]
        seen = any(label in each.seen for each in standings)
        rows.append(
            {
                **shown_row(label),
                "cells": cells,
                "place": standings[0].places.get(label) if standings else None,
                "costs": _costs(own, seconds.get(label)),
                "facts": _facts(own) if own else None,
                "seen": seen,
            }
        )
    years = sorted(
        {row["facts"]["year"] for row in rows if row["facts"] and row["facts"]["year"]}, reverse=True
    )
    weights = dict.fromkeys(row["facts"]["weights"] for row in rows if row["facts"])
    return {
        "columns": columns,
        "groups": _spans(columns),
        "rows": rows,
        "timed": timed,
        "years": years,
        "weights": list(weights),
        "tasks": list(dict.fromkeys(column["task"] for column in columns)),
        "data": list(dict.fromkeys(column["data"] for column in columns)),
        "dagger": any(row["seen"] for row in rows),
    }


def _ordered(results: Results, standings: Sequence[Standings]) -> list[str]:
    """References first, then by the place in the first column, those without one in the next, and so on."""

    def place(label: str) -> tuple[Any, ...]:
        if label in REFERENCES:
            return (0, REFERENCES.index(label))
        return (1, *(each.places.get(label, len(each.places) + 1) for each in standings), label)

    return sorted(results.labels, key=place)


def _heading(standings: Standings) -> dict[str, Any]:
    group, metric = standings.groups[0], standings.metric
    scenes = group.first.data.scenes
    return {
        "set": words.data(group.first.data.name),
        "data": group.first.data.name,
        "task": group.task,
        "smoke": standings.smoke,
        "page": set_page(group),
        "header": metric.header,
        "about": f"{group.task}, {standings.over}" + (f", by {group.model}" if group.model else ""),
        "scenes": f"{scenes:,} scene{'s' if scenes != 1 else ''}",
        "best": "high" if metric.higher_is_better else "low",
    }


def _spans(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Neighbouring columns of one data set, for the header above them."""
    spans: list[dict[str, Any]] = []
    for column in columns:
        if spans and spans[-1]["data"] == column["data"]:
            spans[-1]["count"] += 1
        else:
            keys = ("data", "set", "page", "smoke", "scenes")
            spans.append({**{key: column[key] for key in keys}, "count": 1})
    return spans


def _cell(standings: Standings, label: str) -> dict[str, Any]:
    cell = standings.filled.cells.get(label, _ABSENT)
    return {
        **shown_cell(cell, standings.filled.column),
        "seen": SEEN * (label in standings.seen and cell.value is not None),
        "note": cell.note if label not in REFERENCES or cell.value is None else None,
        "place": standings.places.get(label),
    }


def _timed(results: Results, standings: Sequence[Standings]) -> tuple[str, dict[str, float | None]]:
    """The variant whose times are shown, that with the most of them, and these: times of two sets do not compare."""
    best: tuple[str, dict[str, float | None]] = ("", {})
    for each in standings:
        for group in each.wet:
            seconds = derainer_seconds(results, group)
            if sum(v is not None for v in seconds.values()) > sum(v is not None for v in best[1].values()):
                best = f"{words.data(group.first.data.name)}, {words.rain(group.first.rain.name)}", seconds
    return best


def _costs(facts: Sequence[Facts] | None, seconds: float | None) -> list[dict[str, Any]]:
    params = next((f.params for f in facts or () if f.params is not None), None)
    return [shown_cell(Cell(params), _PARAMS), shown_cell(Cell(seconds), _TIME)]


def _facts(facts: Sequence[Facts]) -> dict[str, Any]:
    """A derainer's facts; of one that was measured with several files of weights, all that these were trained on."""
    first = facts[0]
    trained = dict.fromkeys(f.training for f in facts if f.training)
    return {
        "paper": first.paper,
        "whole": first.whole,
        "year": first.year,
        "weights": first.weights,
        "training": "; ".join(trained),
    }


def _bars(story: Story) -> list[dict[str, Any]]:
    """Rows of the picture: lengths in percent of the longest."""
    longest = max(bar.value if bar.high is None else bar.high for bar in story.bars) or 1.0
    digits = story.group.about.headline.digits
    kinds = {CLEAN: "norain", NONE: "rainy", story.best: "best"}
    shown = []
    for bar in story.bars:
        ends = None
        if bar.low is not None and bar.high is not None:
            ends = {
                "left": f"{100 * bar.low / longest:.1f}",
                "width": f"{100 * (bar.high - bar.low) / longest:.1f}",
            }
        shown.append(
            {
                **shown_row(bar.label),
                "kind": kinds.get(bar.label, ""),
                "width": f"{max(0.0, 100 * bar.value / longest):.1f}",
                "ends": ends,
                "text": f"{bar.value:.{digits}f}",
            }
        )
    return shown


def _sample(sample: Sample) -> dict[str, Any]:
    data, _, rain = sample.variant.rpartition("@")
    return {
        "title": f"{words.data(data)}, {words.rain(rain)}, {sample.scene}",
        "width": sample.width,
        "height": sample.height,
        "images": [{**shown_row(image.label), "file": image.file} for image in sample.images],
    }


def _sets(results: Results) -> list[dict[str, Any]]:
    """Each data set once, photos first, with what is measured on it."""
    return [
        {
            "name": words.data(each.data),
            "page": set_page(each.groups[0]),
            "smoke": words.smoke(each.groups[0]),
            "scenes": each.groups[0].first.data.scenes,
            "derainers": len(each.measured),
            "partly": len(each.measured) - len(each.complete),
            "rains": list(dict.fromkeys(words.rain(group.first.rain.name) for group in each.groups)),
            "tasks": list(dict.fromkeys(group.task for group in each.groups)),
        }
        for each in coverage(results)
    ]
