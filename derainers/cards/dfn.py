"""DFN."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@article{ding2021dfn,
  title   = {Distributed Feedback Network for Single-Image Deraining},
  author  = {Ding, Jiajun and Guo, Huanlei and Zhou, Hang and Yu, Jun and He, Xiongxiong and Jiang, Bo},
  journal = {Information Sciences},
  volume  = {572},
  pages   = {611--626},
  year    = {2021}
}"""


ENTRIES = (
    Entry(
        Card(
            "dfn",
            "two dense blocks, run seven times with their own output fed back",
            "Ding et al., Distributed Feedback Network for Single-Image Deraining, Information Sciences 2021",
            _BIBTEX,
            2021,
            YOURS + "no licence stated",
            "the file's: Rain100H or Rain100L",
            params=684_323,
            macs_256=312_974_770_176,
            weights_note="github.com/Guhuary/DFN, folder logs; no licence stated",
            kind="recurrent",
        ),
        "derainers.nets.dfn:DFN",
        whole_pixels=HEAVY_PIXELS,
    ),
)
