"""RCDNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{wang2020rcdnet,
  title     = {A Model-Driven Deep Neural Network for Single Image Rain Removal},
  author    = {Wang, Hong and Xie, Qi and Zhao, Qian and Meng, Deyu},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {3103--3112},
  year      = {2020}
}"""


# Inside, images are from 0 to 255, as the released weights know them.
ENTRIES = (
    Entry(
        Card(
            "rcdnet",
            "rain as learnt kernels at learnt places, 17 unrolled steps",
            "Wang et al., A Model-Driven Deep Neural Network for Single Image Rain Removal, CVPR 2020",
            _BIBTEX,
            2020,
            YOURS + "no licence stated",
            "the file's: Rain100L, Rain100H, Rain1400 or SPA-Data",
            params=3_166_355,
            macs_256=209_349_771_264,
            weights_note="github.com/hongwang01/RCDNet, folder Pretrained Model; no licence stated",
            kind="model-driven",
        ),
        "derainers.nets.rcdnet:RCDNet",
    ),
)
