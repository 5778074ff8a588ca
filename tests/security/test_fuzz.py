"""A few mutations of every kind of file, and all inputs that were crashes; ``fuzz.py`` runs for hours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
fuzz = importlib.util.module_from_spec(_SPEC)
sys.modules["fuzz"] = fuzz  # where its dataclass looks for its module
_SPEC.loader.exec_module(fuzz)
CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("name", fuzz.READERS)
def test_a_few_mutations_of_every_kind(name: str) -> None:
    assert fuzz.rounds(name, 10, number=1) >= 10


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_a_crash_is_none(path: Path) -> None:
    fuzz.hand_in(path.name.partition("-")[0], path.read_bytes())


def test_crashes_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read(data: bytes, folder: Path) -> None:
        raise KeyError("a reader that does not keep to it")

    monkeypatch.setitem(fuzz.READERS, "broken", fuzz.Reader(lambda: [b"abc"], read, text=False))
    with pytest.raises(fuzz.Crash, match="KeyError at test_fuzz.py:"):
        fuzz.rounds("broken", 5, 0, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("broken-")
    assert fuzz.mutated(b"abc", [("flip", 0.0, 0.99, b"")], False) == b"\xe1bc"
