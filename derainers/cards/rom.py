"""Rain O'er Me."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@article{lin2020rom,
  title   = {Rain O'er Me: Synthesizing Real Rain to Derain With Data Distillation},
  author  = {Lin, Huangxing and Li, Yanlong and Fu, Xueyang and Ding, Xinghao and Huang, Yue and
               Paisley, John},
  journal = {IEEE Transactions on Image Processing},
  volume  = {29},
  pages   = {7668--7680},
  year    = {2020}
}"""


ENTRIES = (
    Entry(
        Card(
            "rom",
            "Rain O'er Me: small dilated network; the fastest learnt one",
            "Lin et al., Rain O'er Me: Synthesizing Real Rain to Derain With Data Distillation, TIP 2020",
            _BIBTEX,
            2020,
            YOURS + "no licence stated",
            "the file's: Rain200L",
            params=55_046,
            macs_256=3_378_511_872,
            weights_note="the authors' repository of Rain O'er Me; no licence stated",
            kind="convolutional",
        ),
        "derainers.nets.rom:ROM",
    ),
)
