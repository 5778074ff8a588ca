from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.api import run
from bench.device import resolve_device
from bench.engine.plan import shard_size
from bench.engine.process import claim
from bench.errors import BadConfig
from bench.keep.records import Record


def test_workers_share_the_devices_out(tmp_path: Path) -> None:
    taken = Counter(claim(("cuda:0", "cuda:1", "cuda:2"), tmp_path) for _ in range(7))
    assert sorted(taken.values()) == [2, 2, 3]


@pytest.mark.parametrize("device", ["gpu", "cuda:x", ""])
def test_a_device_that_does_not_exist_is_refused(device: str) -> None:
    with pytest.raises(BadConfig, match="write auto, cpu, cuda"):
        resolve_device(device)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BadConfig, match="PyTorch sees 0 GPUs"):
        resolve_device("cuda")


@pytest.mark.parametrize("left", [1, 2, 50, 500, 5000])
def test_shards_are_neither_the_whole_nor_larger_at_the_end(left: int) -> None:
    assert 1 <= shard_size(left) <= min(64, left)
    assert shard_size(left) >= shard_size(left - 1)


@pytest.fixture
def eight_pairs(tmp_path: Path) -> Path:
    """Eight pairs, of which the last but two begins with a pixel of 77."""
    import numpy as np

    from bench.images import write_image

    for folder in ("rain", "norain"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        for index in range(8):
            image = np.full((32, 32, 3), 77 if index == 5 else index, np.uint8)
            write_image(tmp_path / "pairs" / folder / f"{index}.png", image)
    return tmp_path / "pairs"


def run_on(pairs: Path, derainer: str) -> dict[str, Record]:
    out = pairs.parent / "out"
    result = run(derainer=derainer, task="restoration", data=f"pairs:{pairs}", out=out, workers=2)
    return {record.derainer.label: record for record in result.records}


def test_an_image_that_kills_its_worker_takes_nothing_along(
    eight_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "deadly.py"
    plugin.write_text(
        "import os\ndef deadly(image):\n    if image[0, 0, 0] == 77:\n        os._exit(1)\n    return image\n"
    )
    monkeypatch.setattr("bench.engine.plan.shard_size", lambda left: 4)
    records = run_on(eight_pairs, f"{plugin}:deadly,median")
    assert {label: r.status for label, r in records.items() if label != "deadly"} == {
        "clean": "ok",
        "none": "ok",
        "median": "ok",
    }
    assert records["deadly"].status == "partial"
    assert records["deadly"].coverage == 7 / 8
    assert "scene 5: the worker died while deadly restored it" in (records["deadly"].reason or "")


def test_a_derainer_that_always_kills_its_worker_is_not_tried_for_ever(
    eight_pairs: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "deadly.py"
    tried = tmp_path / "tried"
    plugin.write_text(
        f"import os\ndef deadly(image):\n    open({str(tried)!r}, 'a').write('x')\n    os._exit(1)\n"
    )
    records = run_on(eight_pairs, f"{plugin}:deadly,median")
    assert records["deadly"].status == "failed"
    assert "8 of 8 scenes failed; scene 0: the worker died" in (records["deadly"].reason or "")
    assert {records[label].status for label in ("clean", "none", "median")} == {"ok"}
    assert len(tried.read_text()) < 10


def test_a_worker_loads_no_torch_for_a_filter_and_may_grow(
    eight_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """loky takes a worker that has grown by 300 MB for a leak, and networks grow by more."""
    plugin = tmp_path / "growing.py"
    plugin.write_text(
        "import os, sys, time\n"
        "held = []\n"
        "def growing(image):\n"
        f"    with open({str(tmp_path / 'seen')!r}, 'a') as file:\n"
        "        if not held:\n"
        "            early = 'torch' in sys.modules\n"
        "            import torch\n"
        "            print('torch', early, torch.get_num_threads(), file=file)\n"
        "            held.append(b'x' * 400_000_000)\n"
        "            time.sleep(1.1)\n"  # loky looks once a second
        "        print(os.getpid(), file=file)\n"
        "    return image\n"
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # one that is not the worker's
    out = tmp_path / "out"
    run(derainer=f"{plugin}:growing", task="restoration", data=f"pairs:{eight_pairs}", out=out, workers=1)
    first, *pids = (tmp_path / "seen").read_text().splitlines()
    assert first == "torch False 1"
    assert len(pids) == 8
    assert len(set(pids)) == 1
