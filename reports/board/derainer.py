"""A derainer's page: its card, all its cells, its pictures, and how to repeat and to cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.keep.records import Record
from bench.vocabulary import CLEAN, NONE, REFERENCES
from downstream.tasks.base import Metric
from reports.board import words
from reports.board.checked import Filed
from reports.board.content import Board, Section
from reports.board.facts import facts_of
from reports.board.repeat import commands
from reports.board.samples import Sample
from reports.board.shown import derainer_page, set_page
from reports.metrics import MISSING, written
from reports.series import number
from reports.tables.renderers.escape import SEEN
from reports.tables.seen import seen_of


def derainer_pages(
    board: Board,
    samples: Sequence[Sample],
    records: Mapping[str, Filed],
) -> dict[str, dict[str, Any]]:
    """What the template of a derainer's page is filled with, by the page's address.

    Args:
        board: The board.
        samples: Scenes for its pictures.
        records: By the name of a record's file, where the board has it.
    """
    own = [label for label in board.results.labels if label not in REFERENCES]
    return {derainer_page(label): _page(board, label, samples, records) for label in own}


def _page(
    board: Board,
    label: str,
    samples: Sequence[Sample],
    records: Mapping[str, Filed],
) -> dict[str, Any]:
    sections = sorted(
        (section for section in board.sections if label in section.group.records),
        key=lambda section: words.smoke(section.group),
    )
    found = [section.group.records[label] for section in sections]
    card = found[0].derainer.card
    facts = facts_of(found[0])
    return {
        "label": label,
        "title": str(card.get("title") or ""),
        "facts": facts,
        "licence": str(card.get("licence") or ""),
        "note": str(card.get("weights_note") or "").removeprefix(f"{facts.weights}; "),
        # A filter has neither.
        "params": written(facts.params, 2, 1e-6) if facts.params else "",
        "macs": written(macs, 1, 1e-9) if (macs := number(card.get("macs_256"))) else "",
        "files": _files(found),
        "bibtex": str(card.get("bibtex") or "").splitlines(),
        "cells": [_cell(section, label, records) for section in sections],
        "commands": commands(found),
        "panels": _panels(label, samples),
    }


def _files(records: Sequence[Record]) -> list[dict[str, str]]:
    """Each file of weights that was measured, and what it was measured on."""
    files: dict[str, dict[str, None]] = {}
    for record in records:
        digest = record.derainer.card.get("weights_sha256")
        if isinstance(digest, str):
            files.setdefault(digest, {})[words.data(record.data.name)] = None
    return [{"sha256": digest, "sets": ", ".join(sets)} for digest, sets in files.items()]


def _cell(section: Section, label: str, records: Mapping[str, Filed]) -> dict[str, Any]:
    group = section.group
    record, metric = group.records[label], group.about.headline
    place = section.ranks.get(label)
    return {
        "set": words.data(record.data.name),
        "page": set_page(group),
        "smoke": words.smoke(group),
        "rain": words.rain(record.rain.name),
        "task": group.task,
        "model": group.model or "",
        "metric": metric.header,
        "score": _score(record, metric),
        "compared": [
            _compared(record, group.metric(name))
            for name in group.about.comparisons
            if record.score(name) is not None
        ],
        "place": f"{place} of {len(section.ranks)}" if place and len(section.ranks) > 1 else MISSING,
        "scenes": f"{record.images:,}" + ("" if record.status == "ok" else f" of {record.data.scenes:,}"),
        "seen": SEEN * (seen_of(record) is not None),
        "why": record.reason or "",
        "filed": records.get(name := record.filename(), Filed(name)),
    }


def _compared(record: Record, metric: Metric) -> str:
    """What the headline score is compared by: its kind, its value and interval, its unit."""
    kind = metric.name.rpartition("_")[2]
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{kind} {_score(record, metric)}{unit}"


def _score(record: Record, metric: Metric) -> str:
    """A score with its interval; a dash where there is none."""
    score = record.score(metric.name)
    if score is None or score.value is None:
        return MISSING
    shown = written(score.value, metric.digits, metric.scale)
    if score.low is not None and score.high is not None:
        low, high = (written(end, metric.digits, metric.scale) for end in (score.low, score.high))
        shown += f" [{low}, {high}]"
    return shown


def _panels(label: str, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The rainy, the restored and the clean picture of each scene that the derainer is kept of."""
    panels = []
    for sample in samples:
        files = {image.label: image.file for image in sample.images}
        if label in files:
            data, _, rain = sample.variant.rpartition("@")
            images = [
                {"name": words.row(each), "file": files[each]}
                for each in (NONE, label, CLEAN)
                if each in files
            ]
            size = {"width": sample.width, "height": sample.height}
            panels.append({"title": f"{words.data(data)}, {words.rain(rain)}", "images": images, **size})
    return panels
