"""Code that a config brings along is part of its model's key, as a derainer's is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BadConfig
from bench.plugins import config_code
from downstream.models import mmcommon
from downstream.models.base import Source

_CONFIG = "custom_imports = dict(imports=['own_heads.first', 'own_steps'])\nmodel = dict(type='X', width=4)\n"


@pytest.fixture
def config(tmp_path, monkeypatch):
    (tmp_path / "own_heads").mkdir()
    (tmp_path / "own_heads" / "__init__.py").write_text("")
    (tmp_path / "own_heads" / "first.py").write_text("from own_helper import value\n")
    (tmp_path / "own_helper.py").write_text("value = 1\n")
    (tmp_path / "own_steps.py").write_text("import torch\n")
    (tmp_path / "net.py").write_text(_CONFIG)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(mmcommon, "_imported_code", {})
    return tmp_path / "net.py"


def key(config, imports=("own_heads.first", "own_steps")):
    source = Source("net", "detection", "file", config, None)
    return mmcommon._own_code({"custom_imports": {"imports": list(imports)}}, source)


def test_custom_imports_count_with_all_that_they_import(config):
    before = key(config)["code"]
    assert set(before) == {"own_heads", "own_helper", "own_steps"}
    (config.parent / "own_helper.py").write_text("value = 2\n")
    mmcommon._imported_code.clear()  # another process
    after = key(config)["code"]
    assert {name for name in before if before[name] != after[name]} == {"own_helper"}


def test_code_that_changes_under_a_process_is_refused(config):
    key(config)
    (config.parent / "own_steps.py").write_text("import torch  # edited\n")
    with pytest.raises(
        BadConfig, match="own_steps has changed since this process imported it: start the program"
    ):
        key(config)


def test_what_a_config_defines_and_imports_counts(config):
    assert key(config, ()) == {}
    config.write_text("class Own:\n    width = 1\n" + _CONFIG)
    first = key(config, ())["code"]
    config.write_text("class Own:\n    width = 1  # a remark\n" + _CONFIG.replace("width=4", "width=5"))
    assert key(config, ())["code"] == first  # values are the key's other parts
    config.write_text("class Own:\n    width = 2\n" + _CONFIG)
    assert key(config, ())["code"] != first
    config.write_text("from own_heads.first import value\n" + _CONFIG)
    assert set(key(config, ())["code"]) == {"own_heads", "own_helper"}


def test_configs_without_own_code_keep_their_key(tmp_path):
    from downstream.models.index import find_model

    pytest.importorskip("mmdet")
    for name in ("street_yolox", "street_seg"):
        assert config_code(Path(mmcommon.__file__).parent / "embedded" / f"{name}.py") == {}
    assert config_code(find_model("detection", "yolox_nano_8xb8-300e_coco").config) == {}
    (tmp_path / "net.yaml").write_text("model: {type: X}\n")
    assert config_code(tmp_path / "net.yaml") == {}
