from __future__ import annotations

import pytest

from bench.errors import BadConfig, BadWeights, MissingDependency, UnknownName
from downstream.doctor import Problem, problems
from downstream.models import index
from downstream.models.openmmlab import check_model, list_models


@pytest.fixture(autouse=True)
def no_memory():
    """What an index was found to hold must not outlive a test that hides it."""
    yield
    index.read_index.cache_clear()
    index.read_configs.cache_clear()


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"x")
    return path


def test_names_of_the_index_and_of_configs(weights):
    pytest.importorskip("mmdet")
    by_index = check_model("detection", "rtmdet_tiny_8xb32-300e_coco")
    assert by_index.url.startswith("https://")
    assert by_index.config.is_file()
    by_config = check_model("detection", "yolox_nano_8xb8-300e_coco", weights)
    assert (by_config.origin, by_config.checkpoint, by_config.url) == ("index", weights, None)
    old_name = check_model("detection", "yolox_s_8x8_300e_coco")
    new_name = check_model("detection", "yolox_s_8xb8-300e_coco")
    assert old_name.config == new_name.config
    assert old_name.url == new_name.url


def test_segmentation_names():
    pytest.importorskip("mmseg")
    assert check_model("segmentation", "cgnet_fcn_4xb4-60k_cityscapes-680x680").url.endswith(".pth")


def test_unknown_model_gets_a_suggestion():
    pytest.importorskip("mmdet")
    with pytest.raises(UnknownName, match=r"unknown detection model 'yolox_nano'.*yolox_nano_8xb8-300e_coco"):
        check_model("detection", "yolox_nano")
    with pytest.raises(UnknownName, match="did you mean detection"):
        check_model("detections")


def test_model_without_weights_in_the_index():
    pytest.importorskip("mmdet")
    with pytest.raises(BadConfig, match=r"names no weights: --checkpoint FILE"):
        check_model("detection", "yolox_nano_8xb8-300e_coco")


def test_config_files(tmp_path, weights):
    pytest.importorskip("mmdet")
    with pytest.raises(BadConfig, match=r"my\.py: no such model config"):
        check_model("detection", str(tmp_path / "my.py"), weights)
    (tmp_path / "my.py").write_text("model = {}")
    with pytest.raises(BadConfig, match="needs its weights: --checkpoint FILE"):
        check_model("detection", str(tmp_path / "my.py"))
    source = check_model("detection", str(tmp_path / "my.py"), weights)
    assert (source.name, source.origin) == ("my", "file")


def test_absent_checkpoint(tmp_path):
    pytest.importorskip("mmdet")
    with pytest.raises(BadWeights, match=r"gone\.pth: no such weights file"):
        check_model("detection", "yolox_nano_8xb8-300e_coco", tmp_path / "gone.pth")


def test_package_that_is_not_installed(monkeypatch):
    index.read_index.cache_clear()
    monkeypatch.setattr(index.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"needs mmseg, which is not installed: pip install"):
        check_model("segmentation")
    assert {listed.weights for listed in list_models()} == {"embedded"}
    found = problems()
    assert {problem.what.split()[0] for problem in found} >= {"mmdet", "mmseg", "mmcv"}
    assert all(isinstance(problem, Problem) and problem.fix for problem in found)


def test_mmcv_alone_is_missing(monkeypatch):
    pytest.importorskip("mmdet")
    real = index.importlib.util.find_spec
    monkeypatch.setattr(
        index.importlib.util, "find_spec", lambda name: None if name == "mmcv" else real(name)
    )
    with pytest.raises(MissingDependency, match=r"needs mmcv, which is not installed: pip install"):
        check_model("detection")


def test_listing():
    pytest.importorskip("mmdet")
    listed = list_models()
    assert len({(entry.task, entry.name) for entry in listed}) == len(listed)
    assert {entry.weights for entry in listed} <= {"embedded", "download", "downloaded", "--checkpoint"}
    for task in ("detection", "segmentation"):
        assert [entry for entry in listed if entry.task == task] == list_models(task)


def test_two_mmcvs_are_reported(monkeypatch):
    from downstream import doctor

    monkeypatch.setattr(doctor.metadata, "version", lambda name: "2.2.0")
    said = " | ".join(problem.what for problem in problems())
    assert "overwrite each other" in said
    assert "refuse mmcv 2.2.0" in said


def test_configs_that_inherit_are_read_in_both_ways(tmp_path):
    pytest.importorskip("mmdet")
    from downstream.models.mmcommon import read_config

    (tmp_path / "old.py").write_text(
        "_base_ = 'mmdet::yolox/yolox_nano_8xb8-300e_coco.py'\nmodel = dict(test_cfg=dict(score_thr=0.5))\n"
    )
    assert read_config(tmp_path / "old.py").model.test_cfg.score_thr == 0.5
    (tmp_path / "base.py").write_text("model = dict(type='YOLOX', test_cfg=dict(score_thr=0.1))\n")
    (tmp_path / "new.py").write_text(
        "from mmengine.config import read_base\n\n"
        "with read_base():\n    from .base import *\n\n"
        "model.update(dict(test_cfg=dict(score_thr=0.7)))\n"
    )
    config = read_config(tmp_path / "new.py")
    assert (config.model.type, config.model.test_cfg.score_thr) == ("YOLOX", 0.7)


def test_a_setuptools_without_pkg_resources_is_reported(monkeypatch):
    real = index.importlib.util.find_spec
    monkeypatch.setattr(
        index.importlib.util, "find_spec", lambda name: None if name == "pkg_resources" else real(name)
    )
    (found,) = [problem for problem in problems() if "pkg_resources" in problem.what]
    assert found.fix == "pip install 'setuptools<82'"
