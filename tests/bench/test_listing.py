from __future__ import annotations

import pytest

from bench.listing import names_in, pair, split_outside
from derainers import parse_derainers


def test_quotes_protect_separators() -> None:
    assert split_outside('a,"b, c",[d,e]', ",") == ["a", '"b, c"', "[d,e]"]
    assert names_in('a,"b, c",') == ["a", "b, c"]
    assert pair('"a=b"=c') == ("a=b", "c")
    assert pair("a=b=c") == ("a", "b=c")
    assert pair("a=") is None


@pytest.mark.parametrize(
    ("text", "label", "name"),
    [
        ("RDMC (ours)=rdmc", "RDMC (ours)", "rdmc"),
        ("w/o prior=my.py:Net", "w/o prior", "my.py:Net"),
        ("PReNet†=prenet:w.pth", "PReNet†", "prenet"),
        ('"ours: a, b = c"=rdmc', "ours: a, b = c", "rdmc"),
        (r"$\alpha_{1}$=rdmc", r"$\alpha_{1}$", "rdmc"),
        ("<script>alert(1)</script>=rdmc", "<script>alert(1)</script>", "rdmc"),
        ("folder:a=b/", "folder", "folder"),
        ("flip(folder:a=b)", "flip(folder)", "flip"),
        ("x" * 200 + "=rdmc", "x" * 200, "rdmc"),
    ],
)
def test_labels_are_any_text(text: str, label: str, name: str) -> None:
    spec, other = parse_derainers(f"{text},median")
    assert (spec.label, spec.name, other.label) == (label, name, "median")
    # What a record says of its making is read again.
    (again,) = parse_derainers(str(spec))
    assert again == spec
