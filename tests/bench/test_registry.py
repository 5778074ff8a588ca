from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.errors import BenchError, UnknownName
from bench.registry import Registry


def test_a_lazy_target_is_imported_at_first_use() -> None:
    registry: Registry[object] = Registry("thing")
    registry.register("join", "os.path:join")
    import os.path

    assert registry.get("join") is os.path.join


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    registry: Registry[int] = Registry("derainer")
    registry.register("guided", 1)
    with pytest.raises(UnknownName, match="unknown derainer 'giuded': did you mean guided?"):
        registry.get("giuded")


def test_two_things_of_one_name_are_refused_with_both_origins() -> None:
    registry: Registry[int] = Registry("derainer")
    registry.register("a", 1, origin="package one")
    registry.register("a", 1, origin="package one again")
    with pytest.raises(BenchError, match="package one.*package two"):
        registry.register("a", 2, origin="package two")


@pytest.mark.parametrize("target", ["no.such.module:x", "os.path:no_such_attribute"])
def test_a_broken_target_is_one_line_and_spares_the_others(target: str) -> None:
    registry: Registry[object] = Registry("derainer")
    registry.register("broken", target)
    registry.register("whole", 1)
    with pytest.raises(BenchError) as caught:
        registry.get("broken")
    assert "\n" not in str(caught.value)
    assert "broken" in str(caught.value)
    assert registry.get("whole") == 1


def test_a_package_that_brings_a_name_again_spares_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    points = [metadata.EntryPoint(name, "os.path:join", "things") for name in ("taken", "new")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    registry: Registry[object] = Registry("thing", "things")
    registry.register("taken", 1, origin="ours")
    registry.register("other", 2)
    for _ in range(2):
        with pytest.raises(
            BenchError, match=r"two things are called 'taken': one from ours, one from package"
        ):
            registry.get("taken")
    assert registry.get("other") == 2
    assert callable(registry.get("new"))


def test_a_plug_in_that_ends_the_program_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plug_in_that_ends.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[object] = Registry("thing")
    registry.register("ends", "plug_in_that_ends:x")
    with pytest.raises(BenchError, match=r"'ends' .* could not be loaded: SystemExit: 0"):
        registry.get("ends")


def test_lookups_from_many_threads_agree() -> None:
    registry: Registry[object] = Registry("thing")
    registry.register("json", "json:dumps")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: registry.get("json"), range(64)))
    assert len(set(map(id, found))) == 1


def test_origin_names_where_an_entry_came_from() -> None:
    registry: Registry[object] = Registry("thing")
    registry.register("x", "json:dumps")
    assert registry.origin("x") == "json:dumps"
