"""Runs from Python: together, as tables, as a data frame."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from bench import Run, load
from bench.errors import BadConfig, UnknownName
from bench.keep.records import Record, write_record


@pytest.fixture(scope="module")
def make() -> Callable[..., list[Record]]:
    path = Path(__file__).parents[1] / "reports" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_records", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_run  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, make: Callable[..., list[Record]]) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("runs")
    for name, label in (("a", "median"), ("b", "rdmc")):
        for record in make(("clean", "none", label), ("streaks:heavy",)):
            (root / name / "records").mkdir(parents=True, exist_ok=True)
            write_record(root / name / "records", record)
    return root / "a", root / "b"


def test_runs_add_up(stores: tuple[Path, Path]) -> None:
    a, b = stores
    together, added = load(a, b), load(a) + load(b)
    assert isinstance(together, Run)
    assert {r.filename() for r in together.records} == {r.filename() for r in added.records}
    assert len(together.records) == 12
    with pytest.raises(BadConfig, match="needs the --out folder"):
        load()


def test_tables_are_shown_saved_and_taken_on(stores: tuple[Path, Path], tmp_path: Path) -> None:
    found = load(*stores).table(
        "survey",
        rename={"rdmc": "RDMC (ours)"},
        reference={"none": "Rainy"},
        group={"Ours": ["rdmc"]},
        drop=["clean"],
    )
    assert "<table>" in found._repr_html_()
    assert "RDMC (ours)" in repr(found)
    frame = found.to_pandas()
    assert set(frame["derainer"]) == {"Rainy", "median", "RDMC (ours)"}
    path = found.save(tmp_path / "t.csv")
    again = pd.read_csv(path, float_precision="round_trip")
    assert again["value"].dropna().tolist() == frame["value"].dropna().tolist()
    assert r"\label{tab:survey}" in found.save(tmp_path / "t.tex").read_text()
    with pytest.raises(BadConfig, match="no format has this ending"):
        found.save(tmp_path / "t.doc")
    # One name needs no list, and others are quoted as on the command line.
    alone = load(*stores).table("survey", only="rdmc", drop="clean", columns="params", quote=[])
    assert [row.label for row in alone.tables[0].rows] == ["none", "rdmc"]
    assert [column.key for column in alone.tables[0].columns] == ["params"]
    short = {"street/test@streaks:heavy": "Rain100H"}
    others = load(*stores).table("survey", name=short, quote="published:prenet-readme")
    assert "PReNet" in {row.label for row in others.tables[0].rows if row.quoted}
    with pytest.raises(UnknownName, match="did you mean value"):
        load(*stores).table("survey", best="valeu")
    assert set(load(*stores).to_pandas().columns) >= {"derainer", "variant", "task", "metric", "value"}
