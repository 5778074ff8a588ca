"""SAPNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{zheng2022sapnet,
  title     = {{SAPNet}: Segmentation-Aware Progressive Network for Perceptual Contrastive Deraining},
  author    = {Zheng, Shen and Lu, Changjie and Wu, Yuxiong and Gupta, Gaurav},
  booktitle = {Proceedings of the IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)
               Workshops},
  pages     = {52--62},
  year      = {2022}
}"""


ENTRIES = (
    Entry(
        Card(
            "sapnet",
            "PReNet's recursion with dilation and channel attention",
            "Zheng et al., SAPNet: Segmentation-Aware Progressive Network for Perceptual Contrastive Deraining, "
            "WACV Workshops 2022",
            _BIBTEX,
            2022,
            YOURS + "MIT",
            "Rain100H",
            params=180_483,
            macs_256=66_249_100_800,
            weights_note="github.com/ShenZheng2000/SAPNet-for-image-deraining; MIT",
            kind="recurrent",
        ),
        "derainers.nets.sapnet:SAPNet",
    ),
)
