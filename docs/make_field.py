"""Writes docs/field.md, the map of the field, from the derainers' cards.

Run it from anywhere: python docs/make_field.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from derainers import KINDS, Card, cards
from derainers.published import EACH, RAIN13K

PAGE = Path(__file__).with_name("field.md")

#: The columns of published numbers: title, test set, what the networks were trained on. All are on Y.
COLUMNS = (
    ("Rain100H", "Rain100H", EACH),
    ("Rain100L", "Rain100L", EACH),
    ("Rain200H", "Rain200H", EACH),
    ("Rain200L", "Rain200L", EACH),
    ("SPA-Data", "SPA-Data", EACH),
    ("Rain13K", "mean of five", RAIN13K),
)

_HEAD = """# The field on one page

<!-- Made by docs/make_field.py from the derainers' cards; do not edit. -->

Every registered derainer, by what it is made of and by year. Parameters and multiply-adds (convolutions and matrix
products, one 256x256 image) are counted on the network in its released deraining configuration.

PSNR / SSIM are **published** numbers, on Y: networks trained on each set's own training pairs, and in the last column
one network trained on Rain13K, averaged over its five test sets. They come from several papers, so neighbours in a
column need not have been scored by one script; the sources, and the numbers on other sets and on RGB, are in
`bench list derainers --published`. What the bench measured itself: [LEADERBOARD.md](../LEADERBOARD.md) and
[derainers.md](derainers.md). Papers, licences, and where weights are to be had: `bench list derainers`.

What they cost on your machine, networks without weights at random ones (rings), is
`bench profile --derainer all --sizes 256x256 --plot cost.png`; on two cores of a server:

![Milliseconds against multiply-adds, and PSNR gained against milliseconds](cost.png)
"""

_WHAT = {
    "filter": "Filters: no weights",
    "model-driven": "Model-driven: an optimisation, unrolled",
    "recurrent": "Recurrent: one small network, again and again",
    "convolutional": "Convolutional",
    "frequency": "Frequency: what low and high frequencies need",
    "transformer": "Transformers",
    "all-in-one": "All-in-one: rain among other weather and noise",
}


def page(shown: Sequence[Card]) -> str:
    """The page for these cards, as Markdown."""
    parts = [_HEAD]
    for kind in KINDS:
        members = sorted(
            (card for card in shown if card.kind == kind), key=lambda card: (card.year or 0, card.name)
        )
        if kind not in _WHAT or not members:
            continue
        titles = (
            "derainer",
            "what it is",
            "year",
            "parameters",
            "GMACs",
            *(title for title, _, _ in COLUMNS),
        )
        rows = [titles, ("---", "---", *["--:"] * (len(titles) - 2)), *map(_row, members)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts.append(f"## {_WHAT[kind]}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _row(card: Card) -> tuple[str, ...]:
    return (
        f"`{card.name}`",
        card.title,
        str(card.year or "—"),
        f"{card.params:,}" if card.params else "—",
        f"{card.macs_256 / 1e9:.1f}" if card.macs_256 else "—",
        *(_published(card, on, trained) for _, on, trained in COLUMNS),
    )


def _published(card: Card, on: str, trained: str) -> str:
    for value in card.published:
        if (value.set, value.trained, value.protocol) == (on, trained, "y"):
            return f"{value.psnr:.2f}" + ("" if value.ssim is None else f" / {value.ssim:.3f}")
    return "—"


if __name__ == "__main__":
    PAGE.write_text(page(cards()), encoding="utf-8")
