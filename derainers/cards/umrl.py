"""UMRL."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{yasarla2019umrl,
  title     = {Uncertainty Guided Multi-Scale Residual Learning-Using a
               Cycle Spinning {CNN} for Single Image De-Raining},
  author    = {Yasarla, Rajeev and Patel, Vishal M.},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {8405--8414},
  year      = {2019}
}"""


ENTRIES = (
    Entry(
        Card(
            "umrl",
            "rain estimates at three scales, weighed by their confidence",
            "Yasarla and Patel, Uncertainty Guided Multi-Scale Residual Learning-Using a Cycle Spinning CNN for "
            "Single Image De-Raining, CVPR 2019",
            _BIBTEX,
            2019,
            YOURS + "MIT",
            "Rain800",
            multiple=16,
            params=984_356,
            macs_256=14_510_653_440,
            weights_note="github.com/rajeevyasarla/UMRL--using-Cycle-Spinning; MIT",
            kind="convolutional",
        ),
        "derainers.nets.umrl:UMRL",
    ),
)
