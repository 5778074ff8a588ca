"""PReNet and its three reduced forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{ren2019prenet,
  title     = {Progressive Image Deraining Networks: A Better and Simpler Baseline},
  author    = {Ren, Dongwei and Zuo, Wangmeng and Hu, Qinghua and Zhu, Pengfei and Meng, Deyu},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {3937--3946},
  year      = {2019}
}"""


def _recurrent(name: str, title: str, config: Mapping[str, Any], params: int, macs: int) -> Entry:
    card = Card(
        name,
        title,
        "Ren et al., Progressive Image Deraining Networks: A Better and Simpler Baseline, CVPR 2019",
        _BIBTEX,
        2019,
        YOURS + "no licence stated",
        "the file's: Rain100H (1,254 pairs), Rain100L or Rain1400",
        params=params,
        macs_256=macs,
        weights_note="github.com/csdwren/PReNet, folder logs; no licence stated",
        kind="recurrent",
    )
    return Entry(card, "derainers.nets.prenet:PReNet", config=config)


ENTRIES = (
    _recurrent(
        "prenet", "progressive recurrent network: six stages with an LSTM", {}, 168_963, 66_249_031_680
    ),
    _recurrent(
        "prenet_r",
        "PReNet with one residual block applied five times",
        {"shared": True},
        94_979,
        66_249_031_680,
    ),
    _recurrent("prn", "PReNet without its LSTM", {"lstm": False}, 95_107, 37_258_002_432),
    _recurrent(
        "prn_r",
        "PReNet with one residual block and no LSTM",
        {"lstm": False, "shared": True},
        21_123,
        37_258_002_432,
    ),
)
