"""Published numbers: they are attached to the derainers they are of, and the map of the field is made from them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import derainers
from derainers.published import published, tables

ROOT = Path(__file__).parents[2]


def maker():
    spec = importlib.util.spec_from_file_location("make_field", ROOT / "docs" / "make_field.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_value_is_a_psnr_and_an_ssim():
    for card in derainers.cards():
        for value in card.published:
            assert 15 < value.psnr < 60, value
            assert value.ssim is None or 0.5 < value.ssim < 1, value
            assert value.protocol in ("y", "rgb")
    for table in tables():
        for method, row in table.rows.items():
            assert len(row.split()) == len(table.sets), method


def test_a_number_keeps_its_set_and_source():
    first = published("prenet")[0]
    assert (first.set, first.psnr, first.ssim, first.protocol) == ("Rain100H", 29.46, 0.899, "y")
    assert "PReNet" in first.source
    assert published("prn_r") != published("prn")
    assert published("nothing") == ()
    assert not [value for value in published("rescan") if value.set == "Rain12"]


def test_records_hold_what_was_measured_only():
    card = next(card for card in derainers.cards() if card.name == "prenet")
    assert card.published
    assert "published" not in card.kept()
    assert card.kept()["name"] == "prenet"


def test_every_card_says_what_it_is_made_of():
    assert all(card.kind in derainers.KINDS for card in derainers.cards())


def test_the_map_of_the_field_is_up_to_date():
    made = maker().page(derainers.cards())
    assert (ROOT / "docs" / "field.md").read_text() == made, "run: python docs/make_field.py"


def test_every_derainer_is_on_the_map_once():
    made = maker().page(derainers.cards())
    for card in derainers.cards():
        assert made.count(f"| `{card.name}` |") == (card.kind != "reference"), card.name
