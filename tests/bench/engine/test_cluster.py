"""The Ray engine gives the local engine's records. Needs Ray: pip install 'derain-bench[ray]', then pytest -m slow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.api import run_suite
from bench.engine.suite import suite_of
from bench.engine.work import Settings
from bench.errors import BadConfig, MissingDependency
from bench.keep.records import identity, read_records


def test_without_ray_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.engine.cluster import RayCluster

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"pip install 'derain-bench\[ray\]'"):
        RayCluster().open(Settings())


@pytest.mark.parametrize(
    ("device", "words"), [("cuda:1", "Ray hands the GPUs out"), ("gpu", "write auto, cpu")]
)
def test_a_device_that_ray_cannot_give_is_refused(device: str, words: str) -> None:
    from bench.engine.cluster import RayCluster

    with pytest.raises(BadConfig, match=words):
        RayCluster().resolve_device(device)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one core each, on this machine's loopback."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'derain-bench[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        # Ray's workers are of low priority, and wait for ever beside the other half of a parallel test run.
        patch.setenv("RAY_worker_niceness", "0")
        yield from started(ray, Cluster)


def started(ray: Any, kind: Any) -> Iterator[Any]:
    cluster = kind(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False},
        shutdown_at_exit=False,
    )
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield ray
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, write_pairs: Callable[..., Path]) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs", 12)


def identities(out: Path) -> dict[str, str]:
    return {record.filename(): identity(record) for record in read_records(out)}


@pytest.mark.slow
def test_two_nodes_give_the_same_records_even_when_a_worker_is_killed(
    two_nodes: Any, pairs: Path, tmp_path: Path, inline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.engine.cluster import RayCluster

    plugin = tmp_path / "fragile.py"
    plugin.write_text(
        "import os, signal, time\n"
        "from pathlib import Path\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "def fragile(image):\n"
        "    (folder / f'pid-{os.getpid()}').touch()\n"
        "    time.sleep(0.2)\n"
        "    if image[0, 0, 0] == 5 and (folder / 'deadly').exists():\n"
        "        (folder / 'deadly').unlink()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return 255 - image\n"
    )
    (tmp_path / "deadly").touch()
    # Relative paths must reach the nodes' workers too.
    monkeypatch.chdir(pairs.parent)
    suite = suite_of({"derainer": f"{plugin}:fragile,median", "task": "restoration", "data": "pairs:pairs"})
    result = run_suite(suite, tmp_path / "ray", place=RayCluster())
    assert not result.problems
    assert not (tmp_path / "deadly").exists()
    assert (
        len(list(tmp_path.glob("pid-*"))) >= 3
    )  # two nodes' workers, and the one in the place of the killed
    run_suite(suite, tmp_path / "local", place=inline)
    assert identities(tmp_path / "ray") == identities(tmp_path / "local")


@pytest.mark.slow
def test_an_image_that_kills_every_worker_takes_nothing_along(
    two_nodes: Any, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.engine.cluster import RayCluster

    plugin = tmp_path / "deadly.py"
    plugin.write_text(
        "import os, signal\n"
        "def deadly(image):\n"
        "    if image[0, 0, 0] == 5:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return 255 - image\n"
    )
    monkeypatch.setattr("bench.engine.cluster._RETRIES", 0)
    suite = suite_of({"derainer": f"{plugin}:deadly,median", "task": "restoration", "data": f"pairs:{pairs}"})
    result = run_suite(suite, tmp_path / "ray", place=RayCluster())
    (record,) = (record for record in result.records if record.derainer.label == "deadly")
    assert len(result.problems) == 1
    assert record.coverage == pytest.approx(11 / 12)
    assert "scene 005: the worker died while deadly restored it" in (record.reason or "")


@pytest.mark.slow
def test_a_users_mistake_comes_back_as_one_line(two_nodes: Any, pairs: Path, tmp_path: Path) -> None:
    from bench.engine.cluster import RayCluster
    from bench.errors import BenchError

    plugin = tmp_path / "broken.py"
    plugin.write_text("raise ImportError('no such thing')\n")
    suite = suite_of({"derainer": f"{plugin}:net", "task": "restoration", "data": f"pairs:{pairs}"})
    with pytest.raises(BenchError, match="could not be imported") as caught:
        run_suite(suite, tmp_path / "out", place=RayCluster())
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_derainer_that_kills_its_loader_costs_its_own_cells_only(
    two_nodes: Any, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.engine.cluster import RayCluster

    plugin = tmp_path / "kills.py"
    plugin.write_text("import os\nos._exit(3)\n")
    monkeypatch.setattr("bench.engine.cluster._RETRIES", 0)
    suite = suite_of({"derainer": f"{plugin}:fn,median", "task": "restoration", "data": f"pairs:{pairs}"})
    result = run_suite(suite, tmp_path / "ray", place=RayCluster())
    status = {record.derainer.label: record.status for record in result.records}
    assert status == {"clean": "ok", "none": "ok", "median": "ok", "fn": "failed"}
    (reason,) = (record.reason for record in result.records if record.status == "failed")
    assert "the worker that loaded it died" in (reason or "")
