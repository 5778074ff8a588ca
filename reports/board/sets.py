"""A data set's page: its tables over all rains, its charts, and a table with intervals for each rain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.board import words
from reports.board.checked import Filed
from reports.board.content import Board, Section
from reports.board.plots import charts_of
from reports.board.shown import set_page, shown_table
from reports.results import Group, Results
from reports.tables.presets import paper
from reports.tables.seen import with_seen


def set_pages(
    board: Board, records: Mapping[str, Filed], places: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """What the template of a data set's page is filled with, by the page's address.

    Args:
        board: The board.
        records: By the name of a record's file, where the board has it.
        places: By label, where a derainer stands among all: it has the same look in every chart.
    """
    results = board.results
    numbers = {id(section.group): number for number, section in enumerate(board.sections, start=1)}
    sections = {id(section.group): section for section in board.sections}
    pages: dict[str, dict[str, Any]] = {}
    for task in results.tasks:
        for groups in results.series(task):
            page = pages.setdefault(set_page(groups[0]), _about(groups[0]))
            metric = groups[0].about.headline
            (table,) = with_seen(list(paper(Results(tuple(groups)))), results)
            first = numbers[id(groups[0])]
            page["blocks"].append(
                {
                    "id": f"{task}-{first}",
                    "task": task,
                    "model": groups[0].model,
                    "meaning": words.explained(metric.name),
                    "table": shown_table(f"all-{first}", table),
                    "charts": charts_of(results, groups, places),
                    "sections": [
                        _section(sections[id(group)], f"s{numbers[id(group)]}", records) for group in groups
                    ],
                }
            )
    return pages


def _about(group: Group) -> dict[str, Any]:
    data = group.first.data
    return {
        "name": words.data(data.name),
        "record_name": data.name,
        "scenes": data.scenes,
        "smoke": words.smoke(group),
        "data_notes": data.notes,
        "blocks": [],
    }


def _section(section: Section, name: str, records: Mapping[str, Filed]) -> dict[str, Any]:
    group, table = section.group, section.table
    files = {label: record.filename() for label, record in group.records.items()}
    filed = {label: records.get(file, Filed(file)) for label, file in files.items()}
    protocols = dict.fromkeys(column.protocol for column in table.columns if column.protocol)
    about = f"{group.first.data.scenes:,} scenes" + (f", seen by {group.model}" if group.model else "")
    return {
        **shown_table(name, table, bars=group.about.headline.name, filed=filed),
        "rain": words.rain(group.first.rain.name),
        "variant": group.variant,
        "task": group.task,
        "about": about + (f"; protocol {', '.join(protocols)}" if protocols else ""),
    }
