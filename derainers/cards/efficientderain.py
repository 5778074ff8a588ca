"""EfficientDeRain."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{guo2021efficientderain,
  title     = {{EfficientDeRain}: Learning Pixel-wise Dilation Filtering for High-Efficiency Single-Image
               Deraining},
  author    = {Guo, Qing and Sun, Jingyang and Juefei-Xu, Felix and Ma, Lei and Xie, Xiaofei and Feng, Wei and
               Liu, Yang and Zhao, Jianjun},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  year      = {2021}
}"""


ENTRIES = (
    Entry(
        Card(
            "efficientderain",
            "predicts a filter for each pixel, applied at four dilations",
            "Guo et al., EfficientDeRain: Learning Pixel-wise Dilation Filtering for High-Efficiency Single-Image "
            "Deraining, AAAI 2021",
            _BIBTEX,
            2021,
            YOURS + "MIT (the authors' code)",
            "the file's: Rain100H, Rain1400 or SPA-Data",
            multiple=16,
            params=27_395_406,
            macs_256=48_432_513_024,
            weights_note="github.com/tsingqguo/efficientderain (v3, v4), by Google Drive and Baidu",
            kind="convolutional",
        ),
        "derainers.nets.efficientderain:EfficientDeRain",
    ),
)
