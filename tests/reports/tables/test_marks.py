"""Columns of known values: who is best, who second, who cannot be told apart, and who is not marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from bench.keep.records import Record, Score, encode_replicates
from reports.arrangement import Arrangement
from reports.board.content import make_board
from reports.results import read_results
from reports.tables.cells import group_marks
from reports.tables.marks import by_value, places_of
from reports.tables.presets import build_tables

Make = Callable[..., Record]


def column(
    record: Make, values: Mapping[str, float | None], noise: Mapping[str, float] | None = None
) -> list[Record]:
    """Records of one variant with these AP; replicates share their noise, and some have more of their own."""
    shared = np.random.default_rng(0).normal(0, 0.005, 200)
    records = []
    for label, value in values.items():
        made = record(label, task="detection")
        own = np.random.default_rng([len(label), ord(label[-1])]).normal(
            0, (noise or {}).get(label, 1e-4), 200
        )
        score = Score(metric="ap", protocol="ap@coco", value=value, images=200)
        update = {
            "scores": (score,),
            "replicates": {} if value is None else {"ap": encode_replicates(value + shared + own)},
        }
        records.append(made.model_copy(update=update))
    return records


def marks(records: list[Record], best: str = "value") -> dict[str, str]:
    """`best`, `second`, with `~` for what cannot be told apart from the best."""
    (group,) = read_results(records, Arrangement(best=best)).of("detection")  # type: ignore[arg-type]
    return {label: (s.mark or "") + "~" * s.tied for label, s in group_marks(group, "ap").items()}


CASES = {
    "a clear winner": ({"none": 0.2, "a": 0.5, "b": 0.4, "c": 0.3}, {}, {"a": "best", "b": "second"}),
    "a tie that is not shown": (
        {"none": 0.2, "a": 0.513, "b": 0.460, "c": 0.467, "d": 0.352},
        {"a": 0.05, "b": 0.05, "d": 1e-4},
        {"a": "best", "b": "~", "c": "second~"},
    ),
    "equal as shown": ({"none": 0.2, "a": 0.50001, "b": 0.50002, "c": 0.3}, {}, {"a": "best", "b": "best"}),
    "all ties": ({"none": 0.2, "a": 0.5, "b": 0.5, "c": 0.5}, {"a": 0.1, "b": 0.1, "c": 0.1}, {}),
    "the winner is below none": ({"none": 0.6, "a": 0.5, "b": 0.4, "c": 0.3}, {}, {}),
    "the winner is no better than none": ({"none": 0.5, "a": 0.5, "b": 0.4, "c": 0.3}, {}, {}),
    "the second is below none": ({"none": 0.45, "a": 0.5, "b": 0.4, "c": 0.3}, {"b": 0.2}, {"a": "best"}),
    "one derainer": ({"none": 0.2, "a": 0.5}, {}, {}),
    "two derainers": ({"none": 0.2, "a": 0.5, "b": 0.4}, {}, {"a": "best"}),
    "missing cells": (
        {"none": 0.2, "a": 0.5, "b": None, "c": 0.3, "d": 0.4},
        {},
        {"a": "best", "d": "second"},
    ),
    "no rainy row": ({"a": 0.5, "b": 0.4, "c": 0.3}, {}, {"a": "best", "b": "second"}),
}


@pytest.mark.parametrize("case", CASES)
def test_marks(record: Make, case: str) -> None:
    values, noise, expected = CASES[case]
    assert marks(column(record, values, noise)) == expected


def test_ties_mark_all_within_noise_alike(record: Make) -> None:
    values, noise, _ = CASES["a tie that is not shown"]
    assert marks(column(record, values, noise), "ties") == {
        "a": "best",
        "b": "best",
        "c": "best",
        "d": "second",
    }


def test_lower_may_be_better() -> None:
    found = by_value({"a": 3.0, "b": 1.0, "c": 2.0}, ["c"], digits=1, higher_is_better=False)
    assert (found["b"].mark, found["c"].mark, found["c"].tied) == ("best", "second", True)


def test_the_caption_explains_what_is_there(record: Make) -> None:
    from reports.tables.renderers import render_tables

    values, noise, _ = CASES["a tie that is not shown"]
    (table,) = build_tables(column(record, values, noise), "detection")
    text = render_tables([table], "md")
    assert "Best in bold, second underlined; ≈ cannot be told apart from the best; nothing is marked" in text
    assert "46.7</ins>≈" in text
    (plain,) = build_tables(column(record, {"none": 0.6, "a": 0.5, "b": 0.4}), "detection")
    assert "bold" not in render_tables([plain], "md")


def test_ranks_never_decrease_down_a_sorted_column(record: Make) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        values = {"none": 0.1} | {f"d{'x' * i}": float(v) for i, v in enumerate(rng.uniform(0.2, 0.6, 7))}
        noise = {label: float(v) for label, v in zip(values, rng.choice([1e-4, 0.05, 0.2], 8), strict=True)}
        (section,) = make_board(column(record, values, noise)).sections
        ranks = [row.cells[0].value for row in section.table.rows if not row.reference]
        assert ranks == sorted(ranks, key=float)  # type: ignore[arg-type]
        assert ranks[0] == 1


def test_numbers_shown_alike_share_a_rank() -> None:
    assert places_of(
        {"a": 0.1234, "b": 0.1233, "c": 0.2, "d": 0.1}, digits=1, scale=100, higher_is_better=True
    ) == {
        "c": 1,
        "a": 2,
        "b": 2,
        "d": 4,
    }
