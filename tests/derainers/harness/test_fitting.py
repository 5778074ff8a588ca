"""A weights file of other sizes is refused with the argument that would fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.errors import BadWeights
from derainers import load_derainer
from derainers.harness.fitting import fitting_arguments

torch = pytest.importorskip("torch")

SOURCE = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width=8, blocks=2, sizes=(1, 1), bias=True):
        super().__init__()
        self.first = torch.nn.Conv2d(3, width, 3, padding=1)
        self.body = torch.nn.ModuleList(torch.nn.Conv2d(width, width, 3, padding=1, bias=bias) for _ in range(blocks))
        self.levels = torch.nn.ModuleList(
            torch.nn.Sequential(*(torch.nn.Conv2d(width, width, 1) for _ in range(size))) for size in sizes
        )
        self.last = torch.nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x):
        return x

def build(width=8):
    return Net(width)
"""


def network(**arguments: Any) -> Any:
    names: dict[str, Any] = {}
    exec(SOURCE, names)
    return names["Net"](**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 12},
        {"blocks": 5},
        {"blocks": 1},
        {"sizes": [1, 3]},
        {"bias": False},
        {"width": 6, "blocks": 3},
    ],
)
def test_the_arguments_that_fit_are_found(arguments: dict[str, Any]) -> None:
    cls = type(network())
    assert fitting_arguments(cls, {}, network(**arguments).state_dict()) == arguments
    assert fitting_arguments(cls, {}, torch.nn.Linear(3, 4).state_dict()) is None


def test_the_error_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(SOURCE)
    torch.save(network(width=12, blocks=3).state_dict(), tmp_path / "w.pth")
    with pytest.raises(BadWeights) as caught:
        load_derainer(f"{tmp_path}/my.py:Net?blocks=3:{tmp_path}/w.pth")
    wanted = f"it fits {tmp_path}/my.py:Net?blocks=3&width=12:{tmp_path}/w.pth, in quotes"
    assert wanted in str(caught.value)
    torch.save(network(width=12).state_dict(), tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"it fits .*my\.py:build\?width=12:"):
        load_derainer(f"{tmp_path}/my.py:build:{tmp_path}/w.pth")
    load_derainer(f"{tmp_path}/my.py:build?width=12:{tmp_path}/w.pth", device="cpu")


def test_registered_networks_name_theirs(tmp_path: Path) -> None:
    from derainers.nets.nafnet import NAFNet

    other = NAFNet(width=8, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1])
    torch.save(other.state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        BadWeights, match=r"it fits nafnet\?enc_blk_nums=\[1, 1\]&dec_blk_nums=\[1, 1\]&width=8:FILE"
    ):
        load_derainer(f"nafnet?enc_blk_nums=[1,1]&dec_blk_nums=[1,1]:{tmp_path}/w.pth")
    right = load_derainer(
        f"nafnet?enc_blk_nums=[1,1]&dec_blk_nums=[1,1]&width=8:{tmp_path}/w.pth", device="cpu"
    )
    assert right.key["config"] == {"enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1], "width": 8}
