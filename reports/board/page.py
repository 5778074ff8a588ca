"""The leaderboard as a static site: one folder that opens from disk, without server or network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from bench.vocabulary import REFERENCES
from downstream.tasks.base import Metric
from reports import glossary
from reports.board.charts import Line, Point, pareto_chart, severity_chart, styles, swatch
from reports.board.content import Board, Section
from reports.board.samples import Sample
from reports.results import Group, Results, label_order, rain_order
from reports.series import derainer_seconds, with_dry_in_scale
from reports.tables.renderers.escape import SEEN, visible
from reports.tables.table import Cell, Column

_STATIC = ("style.css", "app.js")


def build_site(
    board: Board, samples: Sequence[Sample] = (), records: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """Render the site.

    Args:
        board: A checked board.
        samples: Scenes for the before/after slider.
        records: By the name of a record's file, the address of its folder relative to the page.

    Returns:
        Content by file name relative to the site's folder; the same board gives the same bytes.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        # Whatever reaches the page is escaped by jinja; here it also loses what does not show.
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("reports.board", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("index.html.j2").render(_context(board, samples, records or {}, Markup))
    folder = resources.files("reports.board").joinpath("templates")
    files = {name: folder.joinpath(name).read_bytes() for name in _STATIC}
    files["index.html"] = page.encode()
    for sample in samples:
        files.update({image.file: image.content for image in sample.images})
    return files


def _context(
    board: Board, samples: Sequence[Sample], records: Mapping[str, str], markup: Any
) -> dict[str, Any]:
    results = board.results
    own = [label for label in results.labels if label not in REFERENCES]
    places = styles(own)
    every = [record for group in results for record in group.records.values()]
    levels = sorted({record.bootstrap.level for record in every if record.bootstrap})
    dates = sorted({str(record.run["date"])[:10] for record in every if record.run.get("date")})
    versions = sorted(
        {str(v) for record in every if (v := (record.run.get("versions") or {}).get("derain-bench"))}
    )
    legend = [label for label in REFERENCES if label in results.labels] + own
    return {
        "tasks": results.tasks,
        "variants": results.variants,
        "legend": [{"label": label, "swatch": markup(swatch(places.get(label), label))} for label in legend],
        "blocks": [_block(board, task, places, records, markup) for task in results.tasks],
        "samples": samples,
        "references": REFERENCES,
        "versions_seen": "the clean, the rainy and the restored version"
        if glossary.has_clean(results)
        else "the rainy and the restored version",
        "rows": glossary.rows(results),
        "metrics": glossary.metrics(results, "board"),
        "level": " or ".join(f"{100 * level:g}" for level in levels) or "95",
        "count": len(every),
        "versions": ", ".join(versions),
        "dates": " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "",
    }


def _block(
    board: Board, task: str, places: dict[str, int], records: Mapping[str, str], markup: Any
) -> dict[str, Any]:
    """The tables of a task, then its charts."""
    numbered = [(n, s) for n, s in enumerate(board.sections, start=1) if s.group.task == task]
    charts = _severity_charts(board.results, task, places, markup)
    for _, section in numbered:
        charts += _cost_charts(board.results, section.group, places, markup)
    return {"sections": [_section(section, n, records) for n, section in numbered], "charts": charts}


def _severity_charts(
    results: Results, task: str, places: dict[str, int], markup: Any
) -> list[dict[str, Any]]:
    charts = []
    for groups in results.series(task):
        chosen, shown = with_dry_in_scale(groups), groups[0].about.headline
        if len(chosen) < 2:
            continue
        first = chosen[0]
        title = f"{shown.title} by rain, {first.first.data.name}" + (
            f", {first.model}" if first.model else ""
        )
        lines = severity_lines(chosen, shown, places)
        svg = severity_chart(title, [group.rain for group in chosen], lines, shown.header)
        caption = f"{shown.header}; bands are bootstrap intervals; higher is better."
        charts.append(_chart("series", chosen[0], title, markup(svg), caption, ""))
    return charts


def _chart(kind: str, group: Group, title: str, svg: Any, caption: str, variant: str) -> dict[str, Any]:
    data = group.first.data.name
    return {
        "kind": kind,
        "task": group.task,
        "data": data,
        "variant": variant,
        "title": title,
        "svg": svg,
        "caption": caption,
    }


def severity_lines(groups: Sequence[Group], shown: Metric, places: dict[str, int]) -> list[Line]:
    """One line per derainer over the rains of a series, in the order of the groups."""
    lines = []
    ordered = sorted(groups, key=lambda g: (rain_order(g.first.rain.name), g.first.rain.seed))
    for label in sorted({label for group in ordered for label in group.records}, key=label_order):
        points = []
        for at, group in enumerate(ordered):
            record = group.records.get(label)
            score = record.score(shown.name) if record else None
            if score is not None and score.value is not None:
                points.append(_point(float(at), score.value, score.low, score.high, shown))
        if points:
            lines.append(Line(label, tuple(points), places.get(label)))
    return lines


def _point(x: float, value: float, low: float | None, high: float | None, shown: Metric) -> Point:
    scaled = [None if v is None else v * shown.scale for v in (low, high)]
    return Point(x, value * shown.scale, scaled[0], scaled[1])


def _section(section: Section, number: int, records: Mapping[str, str]) -> dict[str, Any]:
    group, table = section.group, section.table
    first = group.first
    notes = table.footnotes()
    about = f"{first.data.scenes:,} scenes"
    if group.model:
        about += f", seen by {group.model}"
    protocols = dict.fromkeys(column.protocol for column in table.columns if column.protocol)
    about += f"; protocol {', '.join(protocols)}" if protocols else ""
    rows = []
    spans = {i: _span([row.cells[i] for row in table.rows]) for i in range(len(table.columns))}
    for row in table.rows:
        cells = []
        for i, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
            bar = _bar(cell, spans[i]) if column.key == group.about.headline.name else None
            cells.append(
                {
                    "text": cell.text(column),
                    "sort": None if cell.value is None else repr(cell.value * column.scale),
                    "interval": cell.interval_text(column),
                    "mark": cell.mark,
                    "note": notes[cell.note] if cell.note else None,
                    "bar": bar,
                    "tie": cell.tied,
                }
            )
        file = group.records[row.label].filename()
        link = f"{records.get(file, '.')}/{file}"
        rows.append(
            {
                "label": row.label,
                "seen": SEEN * row.seen,
                "reference": row.reference,
                "cells": cells,
                "link": link,
            }
        )
    return {
        "id": f"s{number}",
        "task": group.task,
        "variant": group.variant,
        "data": first.data.name,
        "about": about,
        "caption": table.caption,
        "columns": [_heading(column) for column in table.columns],
        "rows": rows,
        "notes": list(notes),
        "remarks": table.notes,
    }


def _heading(column: Column) -> dict[str, str]:
    best = "low" if column.higher_is_better is False else "high"
    return {"header": column.header, "protocol": column.protocol, "best": best}


def _span(cells: Sequence[Cell]) -> tuple[float, float]:
    values = [v for cell in cells for v in (cell.value, cell.low, cell.high) if v is not None]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _bar(cell: Cell, span: tuple[float, float]) -> dict[str, str] | None:
    """Where the interval lies within its column, in percent."""
    width = span[1] - span[0]
    if cell.value is None or cell.low is None or cell.high is None or width <= 0:
        return None
    left, right, at = (100 * (v - span[0]) / width for v in (cell.low, cell.high, cell.value))
    return {"left": f"{left:.1f}", "width": f"{right - left:.1f}", "at": f"{at:.1f}"}


def _cost_charts(results: Results, group: Group, places: dict[str, int], markup: Any) -> list[dict[str, Any]]:
    shown = group.about.headline
    lines = []
    for label, seconds in derainer_seconds(results, group).items():
        score = group.records[label].score(shown.name)
        if seconds and score is not None and score.value is not None:
            point = _point(seconds * 1e3, score.value, score.low, score.high, shown)
            lines.append(Line(label, (point,), places.get(label)))
    if len(lines) < 2:
        return []
    title = f"{shown.title} against time, {group.variant}" + (f", {group.model}" if group.model else "")
    svg = pareto_chart(title, lines, shown.header, "derainer, ms per image")
    caption = (
        "Dashed: no other is both faster and better. Times are medians on the machine that ran the cells."
    )
    return [_chart("cost", group, title, markup(svg), caption, group.variant)]
