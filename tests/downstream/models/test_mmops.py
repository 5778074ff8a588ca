from __future__ import annotations

import importlib
import importlib.util
import sys
import types

import pytest

from bench.errors import MissingDependency
from downstream.models import mmops

pytest.importorskip("mmcv")


@pytest.fixture
def fallback(monkeypatch):
    """The stand-in module, as on a machine whose mmcv has no compiled extension."""
    monkeypatch.setitem(sys.modules, mmops.MODULE, None)  # makes its import fail
    monkeypatch.delitem(sys.modules, mmops.MODULE)
    monkeypatch.setattr(mmops.importlib, "import_module", _no_extension)
    assert mmops.install_fallback_ops() == "fallback"
    return sys.modules[mmops.MODULE]


def _no_extension(name):
    if name == mmops.MODULE:
        raise ImportError(name)
    return importlib.__import__(name)


def test_it_is_a_module_like_any_other(fallback):
    assert importlib.util.find_spec(mmops.MODULE) is fallback.__spec__
    assert all(hasattr(fallback, name) for name in mmops.SERVED)
    assert mmops.install_fallback_ops() == "fallback"  # a second time changes nothing
    assert sys.modules[mmops.MODULE] is fallback


def test_another_operation_names_itself_the_model_and_the_remedy(fallback):
    operation = fallback.corner_pool_forward  # mmcv looks it up on import: that must work
    with mmops.on_behalf_of("cornernet"), pytest.raises(MissingDependency) as caught:
        operation(1, 2)
    assert "\n" not in str(caught.value)
    for part in ("cornernet", "corner_pool_forward", "pip install"):
        assert part in str(caught.value)


def test_a_compiled_extension_is_used(monkeypatch):
    compiled = types.ModuleType(mmops.MODULE)
    monkeypatch.setitem(sys.modules, mmops.MODULE, compiled)
    assert mmops.install_fallback_ops() == "compiled"
    assert sys.modules[mmops.MODULE] is compiled


def test_mmcv_imports_with_it():
    assert mmops.install_fallback_ops() in ("fallback", "compiled")
    from mmcv.ops import batched_nms, nms, soft_nms

    assert callable(batched_nms)
    boxes = __import__("numpy").array([[0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]], "float32")
    scores = __import__("numpy").array([0.3, 0.9, 0.5], "float32")
    kept, indices = nms(boxes, scores, 0.5)
    assert indices.tolist() == [1, 2]
    assert kept.shape == (2, 5)
    kept, indices = soft_nms(boxes, scores, 0.5, min_score=0.1)
    assert indices.tolist() == [1, 2]


def test_no_mmcv_at_all(monkeypatch):
    monkeypatch.setattr(mmops.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="mmcv is not installed: pip install"):
        mmops.install_fallback_ops()
