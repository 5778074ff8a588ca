"""NeRD-Rain and its small form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derainers.base import Card, FixedSize
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{chen2024nerdrain,
  title     = {Bidirectional Multi-Scale Implicit Neural Representations for Image Deraining},
  author    = {Chen, Xiang and Pan, Jinshan and Dong, Jiangxin},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024}
}"""


def _nerd_rain(name: str, title: str, config: Mapping[str, Any], params: int, macs: int) -> Entry:
    card = Card(
        name,
        title,
        "Chen et al., Bidirectional Multi-Scale Implicit Neural Representations for Image Deraining, CVPR 2024",
        _BIBTEX,
        2024,
        YOURS + "no licence stated",
        "the file's: Rain200L, Rain200H, DID, DDN or SPA-Data",
        multiple=16,
        # As the released test script does; where the last row or column of squares lies on the one before it, the
        # mean of both is taken here, and the later one there.
        fixed=FixedSize(256, 0),
        params=params,
        macs_256=macs,
        weights_note="github.com/cschenxiang/NeRD-Rain, by Google Drive or Baidu; no licence stated",
        kind="transformer",
    )
    return Entry(card, "derainers.nets.nerd_rain:NeRDRain", config=config)


# The authors' networks make each coarse image four times over, and side images (156.32 and 79.28 GMACs); not here.
ENTRIES = (
    _nerd_rain(
        "nerd_rain",
        "six encoders and decoders at three sizes, from coarse to fine and back",
        {},
        22_893_146,
        140_975_113_216,
    ),
    _nerd_rain(
        "nerd_rain_s", "NeRD-Rain at two thirds of the width", {"dim": 32}, 10_530_314, 66_208_454_656
    ),
)
