"""MFDNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@article{wang2024mfdnet,
  title   = {Multi-Scale Fusion and Decomposition Network for Single Image Deraining},
  author  = {Wang, Qiong and Jiang, Kui and Wang, Zheng and Ren, Wenqi and Zhang, Jianhui and Lin, Chia-Wen},
  journal = {IEEE Transactions on Image Processing},
  year    = {2024}
}"""


ENTRIES = (
    Entry(
        Card(
            "mfdnet",
            "background and rain in two coupled branches, at three sizes at once",
            "Wang et al., Multi-Scale Fusion and Decomposition Network for Single Image Deraining, TIP 2024",
            _BIBTEX,
            2024,
            YOURS + "no licence stated",
            "the file's",
            multiple=8,
            params=4_756_725,
            macs_256=32_946_057_216,
            weights_note="github.com/qwangg/MFDNet, checkpoints/checkpoints_mfd.pth; no licence stated",
            kind="transformer",
        ),
        "derainers.nets.mfdnet:MFDNet",
        whole_pixels=HEAVY_PIXELS,
    ),
)
