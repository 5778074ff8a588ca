"""Figures from records, as PNG, SVG and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.keep.records import Record
from reports.arrangement import PLAIN, Arrangement, arrange


def draw_figures(
    records: Sequence[Record], folder: Path, arrangement: Arrangement = PLAIN, *, intervals: bool = True
) -> list[Path]:
    """Draw every figure that the records have numbers for.

    Severity curves, quality against time, agreement of PSNR with what models see, change of each class and of each
    tag, and errors cured and caused: one file of each per data set and model, with one axis per rain.

    Args:
        records: In any order.
        folder: Where the files go; it exists.
        arrangement: In whose names, choice and order.
        intervals: Whether bands and bars of intervals are drawn.

    Returns:
        The files written.

    Raises:
        BadData: If there are no records.
        BadRecord: If the records must not be compared.
        OutputError: If a file cannot be written.
    """
    from reports.figures.bars import class_changes, error_budget, tag_changes
    from reports.figures.curves import agreement, cost, severity
    from reports.figures.style import drawing, save
    from reports.results import read_results

    results = read_results(*arrange(records, arrangement))
    paths: list[Path] = []
    with drawing():
        for task in results.tasks:
            for groups in results.series(task):
                stem = f"{task}-{groups[0].first.data.name}" + (
                    f"-{groups[0].model}" if groups[0].model else ""
                )
                figures = {
                    "severity": severity(groups, results.labels, intervals=intervals),
                    "cost": cost(results, groups, intervals=intervals),
                    "agreement": agreement(results, groups, intervals=intervals),
                    "classes": class_changes(groups, results.labels),
                    "tags": tag_changes(groups, results.labels) if groups[0].about.compared else None,
                    "errors": error_budget(groups),
                }
                for kind, figure in figures.items():
                    if figure is not None:
                        paths += save(figure, folder, f"{kind}-{stem}")
    return paths


__all__ = ["draw_figures"]
