"""The board's numbers as files: one row for each derainer, data set and task, and every score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.keep.records import Record
from bench.vocabulary import REFERENCES
from reports.board.facts import facts_of
from reports.board.standings import standings_of
from reports.results import Results
from reports.tables.flat import flat_rows
from reports.tables.renderers.spreadsheet import render_csv

BOARD, SCORES = "leaderboard", "scores"


def downloads(results: Results) -> dict[str, bytes]:
    """Content by file name: the board as CSV and JSON, and every score as CSV."""
    rows = board_rows(results)
    text = json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)
    return {
        f"{BOARD}.csv": render_csv(rows).encode(),
        f"{BOARD}.json": (text + "\n").encode(),
        f"{SCORES}.csv": render_csv(flat_rows(_records(results))).encode(),
    }


def board_rows(results: Results) -> list[dict[str, Any]]:
    """The numbers of the first page's table, as stored: AP and mIoU are fractions."""
    rows = []
    for standings in standings_of(results):
        first, column = standings.groups[0].first, standings.filled.column
        for label, cell in standings.filled.cells.items():
            record = next(group.records[label] for group in standings.wet if label in group.records)
            facts = facts_of(record)
            rows.append(
                {
                    "derainer": label,
                    "reference": label in REFERENCES,
                    "data": first.data.name,
                    "rendered": standings.smoke,
                    "scenes": first.data.scenes,
                    "rains": " ".join(group.first.rain.name for group in standings.wet),
                    "task": first.task,
                    "model": standings.groups[0].model,
                    "metric": standings.metric.name,
                    "protocol": column.protocol,
                    "value": cell.value,
                    "low": cell.low,
                    "high": cell.high,
                    "place": standings.places.get(label),
                    "seen": label in standings.seen,
                    "paper": facts.whole or None,
                    "year": facts.year,
                    "weights": None if label in REFERENCES else facts.weights,
                    "training": facts.training or None,
                    "parameters": facts.params,
                    "note": cell.note,
                }
            )
    return rows


def _records(results: Results) -> Sequence[Record]:
    return [record for group in results for record in group.records.values()]
