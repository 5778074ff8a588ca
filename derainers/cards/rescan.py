"""RESCAN."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{li2018rescan,
  title     = {Recurrent Squeeze-and-Excitation Context Aggregation Net for Single Image Deraining},
  author    = {Li, Xia and Wu, Jianlong and Lin, Zhouchen and Liu, Hong and Zha, Hongbin},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  pages     = {254--269},
  year      = {2018}
}"""


ENTRIES = (
    Entry(
        Card(
            "rescan",
            "recurrent network that weighs channels, four stages",
            "Li et al., Recurrent Squeeze-and-Excitation Context Aggregation Net for Single Image Deraining, ECCV 2018",
            _BIBTEX,
            2018,
            YOURS + "MIT (the authors' code)",
            "the file's",
            params=149_823,
            macs_256=32_081_713_920,
            weights_note="github.com/XiaLiPKU/RESCAN has none: train it",
            kind="recurrent",
        ),
        "derainers.nets.rescan:RESCAN",
    ),
)
