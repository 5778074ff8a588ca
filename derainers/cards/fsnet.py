"""FSNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@article{cui2023fsnet,
  title   = {Image Restoration via Frequency Selection},
  author  = {Cui, Yuning and Ren, Wenqi and Cao, Xiaochun and Knoll, Alois},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  year    = {2023}
}"""


ENTRIES = (
    Entry(
        Card(
            "fsnet",
            "SFNet with half of the work at full size done at half the size",
            "Cui et al., Image Restoration via Frequency Selection, TPAMI 2023",
            _BIBTEX,
            2023,
            YOURS + "MIT (the authors' code)",
            "the file's",
            multiple=8,
            params=13_275_689,
            macs_256=106_939_258_368,
            weights_note="see github.com/c-yn/FSNet, which has no folder for deraining",
            kind="frequency",
        ),
        "derainers.nets.fsnet:FSNet",
    ),
)
