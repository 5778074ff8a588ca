"""IDT."""

from __future__ import annotations

from derainers.base import Card, FixedSize
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@article{xiao2022idt,
  title   = {Image De-raining Transformer},
  author  = {Xiao, Jie and Fu, Xueyang and Liu, Aiping and Wu, Feng and Zha, Zheng-Jun},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  year    = {2022}
}"""


ENTRIES = (
    Entry(
        Card(
            "idt",
            "transformer in windows and between them, on tiles of 128x128",
            "Xiao et al., Image De-raining Transformer, TPAMI 2022",
            _BIBTEX,
            2022,
            YOURS + "MIT (the authors' code)",
            "the file's: Rain200H, Rain200L, DDN, DID, SPA-Data or raindrops (AGAN)",
            fixed=FixedSize(128, 20, central=True),
            params=16_416_463,
            macs_256=62_055_120_896,
            weights_note="github.com/jiexiaou/IDT, by Google Drive",
            kind="transformer",
        ),
        "derainers.nets.idt:IDT",
    ),
)
