"""What is remembered of networks stands for what they were made with, too."""

from __future__ import annotations

from pathlib import Path

from bench.engine import recall
from bench.engine.outline import Networks
from bench.engine.plan import Component, Components
from bench.engine.suite import ModelChoice
from bench.engine.work import Settings
from bench.keep.store import Store
from derainers import parse_derainers


def test_other_arguments_are_another_network(tmp_path: Path) -> None:
    store, settings = Store(tmp_path), Settings()
    (tmp_path / "small.yml").write_text("radius: 2\n")

    def networks(text: str) -> Networks:
        return Networks(parse_derainers(text), ())

    recall.remember(
        store, networks("guided"), settings, Components({"guided": Component("guided", {"a": 1})}, ())
    )
    assert recall.recall(store, networks("guided"), settings) is not None
    assert recall.recall(store, networks("guided?radius=3"), settings) is None
    filed = networks(f"guided?@{tmp_path}/small.yml")
    recall.remember(store, filed, settings, Components({"guided": Component("guided", {"a": 2})}, ()))
    assert recall.recall(store, filed, settings) is not None
    (tmp_path / "small.yml").write_text("radius: 4\n")
    assert recall.recall(store, filed, settings) is None
    assert recall.recall(store, networks("my.py:Net"), settings) is None


def test_labels_count_and_models_in_files_are_not_remembered(tmp_path: Path) -> None:
    store, settings = Store(tmp_path), Settings()
    components = Components({}, (Component("before", {"a": 1}),))

    def networks(name: str, label: str) -> Networks:
        return Networks((), (ModelChoice(task="detection", name=name, label=label),))

    recall.remember(store, networks("street_yolox", "before"), settings, components)
    assert recall.recall(store, networks("street_yolox", "before"), settings) == components
    assert recall.recall(store, networks("street_yolox", "after"), settings) is None
    recall.remember(store, networks("onnx:net.onnx", "before"), settings, components)
    assert recall.recall(store, networks("onnx:net.onnx", "before"), settings) is None
