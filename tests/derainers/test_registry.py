"""Naming derainers: specs, labels, mistakes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import derainers
from bench.errors import BadConfig, BadWeights, BenchError, UnknownName
from derainers import DerainerSpec, check_derainer, load_derainer, parse_derainers


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("rdmc", DerainerSpec("rdmc", "rdmc", None)),
        ("prenet:w.pth", DerainerSpec("prenet", "prenet", "w.pth")),
        ("h=prenet:../w/a.pth", DerainerSpec("h", "prenet", "../w/a.pth")),
        ("my.py:fn", DerainerSpec("fn", "my.py:fn", None)),
        ("dir/my.py:Net:w.pth", DerainerSpec("Net", "dir/my.py:Net", "w.pth")),
        ("x=onnx:a/b.onnx", DerainerSpec("x", "onnx", "a/b.onnx")),
        ("prenet:runs/lr=1e-3/w.pth", DerainerSpec("prenet", "prenet", "runs/lr=1e-3/w.pth")),
    ],
)
def test_spec_is_read(text, spec):
    assert parse_derainers(text) == (spec,)
    assert parse_derainers(str(spec)) == (spec,)


def test_several_specs_keep_their_order():
    assert [s.label for s in parse_derainers("b=median, rdmc,a=guided")] == ["b", "rdmc", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rdmc,rdmc", "two derainers are called 'rdmc' .*: give one a label, such as rdmc2=rdmc$"),
        ("a=median,a=flip(guided)", r"two derainers are called 'a' .* such as a2=flip\(guided\)$"),
        ("rdmc,,median", "an entry is empty"),
        ("", "an entry is empty"),
        ("clean=rdmc", "reference row"),
        ("prenet:", "LABEL"),
        ("onnx", "onnx:PATH"),
        ("my.py:", "LABEL"),
    ],
)
def test_a_bad_list_says_what_is_wrong(text, words):
    with pytest.raises(BadConfig, match=words) as caught:
        parse_derainers(text)
    assert "\n" not in str(caught.value)


def test_unknown_name_gets_a_suggestion():
    for check in (load_derainer, lambda text: check_derainer(parse_derainers(text)[0])):
        with pytest.raises(UnknownName, match="did you mean prenet"):
            check("prennet")
    with pytest.raises(BadConfig, match=r"my\.py:Net"):
        load_derainer("my.py")
    with pytest.raises(BadConfig, match="onnx:"):
        load_derainer("nets/net.onnx")


def test_a_network_without_weights_says_where_they_are():
    with pytest.raises(BadWeights, match=r"write prenet:FILE.*github.com/csdwren/PReNet"):
        load_derainer("prenet")
    with pytest.raises(BadWeights, match=r"no weights file nowhere.pth"):
        check_derainer(parse_derainers("prenet:nowhere.pth")[0])


def test_weights_that_are_no_ordinary_file_say_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "w.pth")
    for spec in (f"prenet:{tmp_path}/w.pth", f"torchscript:{tmp_path}/w.pth"):
        with pytest.raises(BadWeights, match=r"w.pth cannot be read: it is a pipe"):
            check_derainer(parse_derainers(spec)[0])


def test_reference_rows_are_listed_and_change_nothing():
    import numpy as np

    assert {"none", "clean"} <= set(derainers.registry.names())
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (load_derainer("none")(image) == image).all()


def test_an_argument_to_a_filter_is_refused():
    with pytest.raises(BenchError, match="takes no weights file"):
        load_derainer("median:3")


def test_every_card_is_complete():
    cards = derainers.cards()
    assert len(cards) > 10
    for card in cards:
        assert card.title, card.name
        assert card.licence != "unknown", card.name
        if card.paper:
            assert card.year, card.name
            assert card.bibtex.startswith("@"), card.name
            assert card.bibtex.count("{") == card.bibtex.count("}"), card.name
            assert f"{{{card.year}}}" in card.bibtex, card.name


def test_listing_imports_no_torch():
    code = (
        "import sys, derainers; derainers.cards(); derainers.parse_derainers('rdmc,prenet:w');"
        "assert not {'torch', 'cv2', 'mmengine'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
