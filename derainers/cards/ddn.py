"""DDN."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{fu2017ddn,
  title     = {Removing Rain from Single Images via a Deep Detail Network},
  author    = {Fu, Xueyang and Huang, Jiabin and Zeng, Delu and Huang, Yue and Ding, Xinghao and Paisley, John},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {3855--3863},
  year      = {2017}
}"""


ENTRIES = (
    Entry(
        Card(
            "ddn",
            "residual network on the detail that a guided filter leaves",
            "Fu et al., Removing Rain from Single Images via a Deep Detail Network, CVPR 2017",
            _BIBTEX,
            2017,
            YOURS + "no licence stated",
            "the file's: Rain100H or Rain100L",
            params=57_369,
            macs_256=3_680_501_760,
            weights_note="github.com/HanshuYAN/Deep_Detailed_Network-PyTorch, folder model: pickled modules, to be "
            "loaded with their code and saved again as a state dict; no licence stated",
            kind="convolutional",
        ),
        "derainers.nets.ddn:DDN",
    ),
)
