"""Uformer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{wang2022uformer,
  title     = {Uformer: A General U-Shaped Transformer for Image Restoration},
  author    = {Wang, Zhendong and Cun, Xiaodong and Bao, Jianmin and Zhou, Wengang and Liu, Jianzhuang and
               Li, Houqiang},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {17683--17693},
  year      = {2022}
}"""


ENTRIES = (
    Entry(
        Card(
            "uformer",
            "U-shaped transformer over shifted windows (Uformer-B)",
            "Wang et al., Uformer: A General U-Shaped Transformer for Image Restoration, CVPR 2022",
            _BIBTEX,
            2022,
            YOURS + "MIT (the authors' code)",
            "the file's",
            multiple=128,
            square=True,
            params=50_880_946,
            macs_256=86_573_580_288,
            weights_note="none for deraining; github.com/ZhendongWang6/Uformer has denoising and deblurring",
            kind="transformer",
        ),
        "derainers.nets.uformer:Uformer",
        whole_pixels=512 * 512,
    ),
)
