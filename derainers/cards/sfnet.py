"""SFNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{cui2023sfnet,
  title     = {Selective Frequency Network for Image Restoration},
  author    = {Cui, Yuning and Tao, Yi and Bing, Zhenshan and Ren, Wenqi and Gao, Xinwei and Cao, Xiaochun and
               Huang, Kai and Knoll, Alois},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2023}
}"""


ENTRIES = (
    Entry(
        Card(
            "sfnet",
            "three sizes; filters made for each image part low and high frequencies",
            "Cui et al., Selective Frequency Network for Image Restoration, ICLR 2023",
            _BIBTEX,
            2023,
            YOURS + "MIT (the authors' code)",
            "Rain13K",
            multiple=8,
            params=13_271_209,
            macs_256=121_162_143_232,
            weights_note="github.com/c-yn/SFNet (deraining.pkl), by Google Drive",
            kind="frequency",
        ),
        "derainers.nets.sfnet:SFNet",
    ),
)
