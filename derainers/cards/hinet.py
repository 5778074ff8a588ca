"""HINet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{chen2021hinet,
  title     = {{HINet}: Half Instance Normalization Network for Image Restoration},
  author    = {Chen, Liangyu and Lu, Xin and Zhang, Jie and Chu, Xiaojie and Chen, Chengpeng},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)
               Workshops},
  pages     = {182--192},
  year      = {2021}
}"""


ENTRIES = (
    Entry(
        Card(
            "hinet",
            "two U-Nets with half instance normalisation",
            "Chen et al., HINet: Half Instance Normalization Network for Image Restoration, CVPR Workshops 2021",
            _BIBTEX,
            2021,
            YOURS + "see the repository",
            "Rain13K",
            multiple=16,
            params=88_669_702,
            macs_256=157_600_972_800,
            weights_note="github.com/megvii-model/HINet (HINet-Rain13k.pth); see its licence",
            kind="convolutional",
        ),
        "derainers.nets.hinet:HINet",
        whole_pixels=HEAVY_PIXELS,
    ),
)
