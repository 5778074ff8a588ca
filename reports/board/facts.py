"""What a derainer's card says, short enough for a table."""

from __future__ import annotations

from dataclasses import dataclass

from bench.keep.records import Record
from reports.series import number

#: Where weights come from, as a filter offers it.
SHIPPED, RELEASED, WITHOUT, UNSAID = "shipped", "released file", "needs none", "not said"


@dataclass(frozen=True)
class Facts:
    """A derainer in short.

    Attributes:
        paper: Authors and venue; empty for what has no paper.
        whole: The paper as the card has it.
        year: Of publication.
        weights: `SHIPPED`, `RELEASED`, `WITHOUT` or `UNSAID`.
        training: What the weights were trained on; empty where they are none.
        params: Number of parameters.
    """

    paper: str
    whole: str
    year: int | None
    weights: str
    training: str
    params: float | None


def facts_of(record: Record) -> Facts:
    """What the card of a record's derainer says; a card holds anything, and what is no text is none."""
    card = record.derainer.card
    whole, training = _text(card.get("paper")), _text(card.get("training_data"))
    params = number(card.get("params"))
    year = number(card.get("year"))
    if card.get("weights_sha256"):
        weights = SHIPPED if _text(card.get("weights_note")).startswith("shipped") else RELEASED
    else:
        weights = WITHOUT if training == "none" else UNSAID
    return Facts(
        paper=short(whole),
        whole=whole,
        year=None if year is None else int(year),
        weights=weights,
        training="" if training in ("none", "unknown") else training,
        params=params,
    )


def short(paper: str) -> str:
    """Authors and venue of ``Authors, Title, Venue``."""
    authors, comma, rest = paper.partition(", ")
    return f"{authors}, {rest.rpartition(', ')[2]}" if comma and ", " in rest else paper


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
