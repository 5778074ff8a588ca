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
