"""Filters that need no weights, and the two reference rows."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import OURS, Entry

_GUIDED = """@article{he2013guided,
  title   = {Guided Image Filtering},
  author  = {He, Kaiming and Sun, Jian and Tang, Xiaoou},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {35},
  number  = {6},
  pages   = {1397--1409},
  year    = {2013}
}"""

_BILATERAL = """@inproceedings{tomasi1998bilateral,
  title     = {Bilateral Filtering for Gray and Color Images},
  author    = {Tomasi, Carlo and Manduchi, Roberto},
  booktitle = {Proceedings of the Sixth International Conference on Computer Vision (ICCV)},
  pages     = {839--846},
  year      = {1998}
}"""


ENTRIES = (
    Entry(
        Card(
            "none",
            "the rainy image as it is; every table has this row",
            licence=OURS,
            training_data="none",
            params=0,
            kind="reference",
        ),
        "derainers.nets.classical:identity",
        network=False,
    ),
    Entry(
        Card(
            "clean",
            "the clean image; every table has this row",
            licence=OURS,
            training_data="none",
            params=0,
            kind="reference",
        ),
        "derainers.nets.classical:identity",
        network=False,
    ),
    Entry(
        Card("median", "median of 5x5 pixels", licence=OURS, training_data="none", params=0, kind="filter"),
        "derainers.nets.classical:median",
        network=False,
        config={"size": 5},
    ),
    Entry(
        Card(
            "bilateral",
            "bilateral filter",
            "Tomasi and Manduchi, Bilateral Filtering for Gray and Color Images, ICCV 1998",
            _BILATERAL,
            1998,
            OURS,
            "none",
            params=0,
            kind="filter",
        ),
        "derainers.nets.classical:bilateral",
        network=False,
        config={"radius": 4, "colour": 60.0, "space": 3.0},
    ),
    Entry(
        Card(
            "guided",
            "guided filter; thin bright structures taken out of the detail layer",
            "after He et al., Guided Image Filtering, TPAMI 2013",
            _GUIDED,
            2013,
            OURS,
            "none",
            params=0,
            kind="filter",
        ),
        "derainers.nets.classical:guided",
        network=False,
        config={"radius": 15, "epsilon": 0.1, "width": 5},
    ),
)
