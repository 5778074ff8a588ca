from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.api import run
from bench.engine import resolve_device
from bench.errors import BadConfig
from bench.plan import shard_size
from bench.worker import claim


def test_workers_share_the_devices_out(tmp_path: Path) -> None:
    taken = Counter(claim(("cuda:0", "cuda:1", "cuda:2"), tmp_path) for _ in range(7))
    assert sorted(taken.values()) == [2, 2, 3]


@pytest.mark.parametrize("device", ["gpu", "cuda:x", ""])
def test_a_device_that_does_not_exist_is_refused(device: str) -> None:
    with pytest.raises(BadConfig, match="choose auto, cpu, cuda"):
        resolve_device(device)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BadConfig, match="torch sees 0 GPUs"):
        resolve_device("cuda")


@pytest.mark.parametrize("left", [1, 2, 50, 500, 5000])
def test_shards_are_neither_the_whole_nor_larger_at_the_end(left: int) -> None:
    assert 1 <= shard_size(left) <= min(64, left)
    assert shard_size(left) >= shard_size(left - 1)


def test_a_shard_that_kills_its_worker_is_given_up_and_the_rest_is_done(tmp_path: Path) -> None:
    plugin = tmp_path / "deadly.py"
    plugin.write_text(
        "import os\n"
        "seen = []\n"
        "def deadly(image):\n"
        "    if image[0, 0, 0] == 77:\n"
        "        os._exit(1)\n"
        "    return image\n"
    )
    import numpy as np

    from bench.images import write_image

    for folder in ("rain", "norain"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        for index in range(8):
            image = np.full((32, 32, 3), 77 if index == 5 else index, np.uint8)
            write_image(tmp_path / "pairs" / folder / f"{index}.png", image)
    result = run(
        derainer=f"{plugin}:deadly",
        task="restoration",
        data=f"pairs:{tmp_path / 'pairs'}",
        out=tmp_path / "out",
        workers=2,
    )
    record = next(record for record in result.records if record.derainer.label == "deadly")
    assert record.status == "partial"
    assert record.coverage == 7 / 8
    assert "the worker died" in (record.reason or "")
