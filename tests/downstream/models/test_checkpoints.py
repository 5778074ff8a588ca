from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request

import pytest

from bench.errors import BadWeights, OutputError
from downstream.models import checkpoints

CONTENT = b"weights, as far as this test goes"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
URL = f"https://example.org/models/net_20200101-{DIGEST[:8]}.pth"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DERAIN_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "checkpoints"


@pytest.fixture
def answers(monkeypatch):
    asked = []

    def install(content):
        def urlopen(url, timeout):
            asked.append(url)
            if isinstance(content, Exception):
                raise content
            return io.BytesIO(content)

        monkeypatch.setattr(urllib.request, "urlopen", urlopen)
        return asked

    return install


def test_downloads_once(cache, answers):
    asked = answers(CONTENT)
    path = checkpoints.fetch(URL)
    assert path.read_bytes() == CONTENT
    assert path == checkpoints.fetch(URL) == checkpoints.cached_path(URL)
    assert asked == [URL]
    assert [file.name for file in cache.iterdir()] == [path.name]


def test_damaged_copy_is_replaced(cache, answers):
    answers(CONTENT)
    path = checkpoints.fetch(URL)
    path.write_bytes(b"cut off")
    assert checkpoints.fetch(URL).read_bytes() == CONTENT


def test_other_content_is_refused_and_not_kept(cache, answers):
    answers(b"something else")
    with pytest.raises(BadWeights, match=f"wanted is {DIGEST[:8]}"):
        checkpoints.fetch(URL)
    assert list(cache.iterdir()) == []


def test_no_connection_names_the_address_and_the_way_out(cache, answers):
    answers(urllib.error.URLError("no route\nto host"))
    with pytest.raises(BadWeights) as caught:
        checkpoints.fetch(URL)
    assert "\n" not in str(caught.value)
    assert URL in str(caught.value)
    assert "--checkpoint" in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["https://example.org/net.pth", URL.replace("https", "http"), "", "file:///etc/passwd"]
)
def test_what_cannot_be_checked_is_not_fetched(url, answers):
    asked = answers(CONTENT)
    with pytest.raises(BadWeights, match="--checkpoint FILE"):
        checkpoints.fetch(url)
    assert asked == []


def test_cache_that_cannot_be_written(tmp_path, monkeypatch, answers):
    answers(CONTENT)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DERAIN_BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="DERAIN_BENCH_CACHE"):
        checkpoints.fetch(URL)


def test_class_names_of_new_and_old_checkpoints():
    assert checkpoints.stated_classes({"dataset_meta": {"classes": ["a", "b"]}}) == ("a", "b")
    assert checkpoints.stated_classes({"dataset_meta": {"CLASSES": ("a",)}}) == ("a",)
    assert checkpoints.stated_classes({"CLASSES": ("a", "b")}) == ("a", "b")
    assert checkpoints.stated_classes({"dataset_meta": {"classes": [1, 2]}}) is None
    assert checkpoints.stated_classes({}) is None


def test_a_difference_is_laid_over_the_very_file_it_is_of(tmp_path):
    torch = pytest.importorskip("torch")
    from bench.tools.learning import save_difference, save_weights

    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    base, path = tmp_path / "base.pth", tmp_path / "difference.safetensors"
    save_weights(model.state_dict(), ("car",), base)
    changed = {**model.state_dict(), "1.bias": torch.tensor([0.5, -2.0])}
    save_difference(changed, base, path)
    digest, classes = checkpoints.fill(model, path, "it", None)
    assert classes == ("car",)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    for name, value in model.state_dict().items():
        assert torch.equal(value, changed[name].half().float()), name
    assert path.stat().st_size < 400  # the other three tensors are not in it
    save_weights(changed, ("car",), base)
    with pytest.raises(BadWeights, match=r"differs from another base\.pth"):
        checkpoints.fill(model, path, "it", None)
    base.unlink()
    with pytest.raises(BadWeights, match=r"holds what differs from base\.pth, which must lie beside it"):
        checkpoints.fill(model, path, "it", None)


@pytest.mark.parametrize("name", ["street_yolox_rain", "street_seg_rain"])
def test_the_rain_models_differ_from_the_shipped_ones(name):
    from bench.weights import load_checkpoint
    from downstream.models.openmmlab import FOLDER

    state, meta = load_checkpoint(FOLDER / f"{name}.safetensors")
    below, _ = load_checkpoint(checkpoints._base(FOLDER / f"{name}.safetensors", meta))
    assert meta["base"] == f"{name.removesuffix('_rain')}.pth"
    assert 0.05 < sum(v.numel() for v in state.values()) / sum(v.numel() for v in below.values()) < 0.25
