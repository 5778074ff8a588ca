"""BRN."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@article{ren2020brn,
  title   = {Single Image Deraining Using Bilateral Recurrent Network},
  author  = {Ren, Dongwei and Shang, Wei and Zhu, Pengfei and Hu, Qinghua and Meng, Deyu and Zuo, Wangmeng},
  journal = {IEEE Transactions on Image Processing},
  volume  = {29},
  pages   = {6852--6863},
  year    = {2020}
}"""


ENTRIES = (
    Entry(
        Card(
            "brn",
            "bilateral recurrent network: rain layer and background in turn",
            "Ren et al., Single Image Deraining Using Bilateral Recurrent Network, TIP 2020",
            _BIBTEX,
            2020,
            YOURS + "no licence stated",
            "the file's: Rain100H or Rain100L",
            params=412_518,
            macs_256=98_222_211_072,
            weights_note="github.com/csdwren/RecDerain; no licence stated",
            kind="recurrent",
        ),
        "derainers.nets.brn:BRN",
    ),
)
