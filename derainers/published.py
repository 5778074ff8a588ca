"""Published PSNR and SSIM of the registered derainers: one table for each place where they were read.

A table holds one protocol and one kind of training, so that what is read from it compares. Where two sources disagree
both stand here. Numbers whose protocol is not known are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from derainers.base import Published

EACH = "each set's own training pairs"
RAIN13K = "Rain13K"


@dataclass(frozen=True)
class Table:
    """What one source says.

    Attributes:
        source: Where it was read: a repository of GitHub and the file, or a paper.
        trained: What the networks were trained on.
        sets: The columns.
        rows: By method, as its paper writes it: PSNR in dB / SSIM of each column, ``-`` where there is none; PSNR
            alone where SSIM is not given.
        protocol: ``y``: on the luma of 8-bit images, by the papers' MATLAB scripts; ``rgb``: on all three channels.
    """

    source: str
    trained: str
    sets: tuple[str, ...]
    rows: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "y"


TABLES = (
    Table(
        "csdwren/PReNet, README",
        EACH,
        ("Rain100H", "Rain100L", "Rain12", "Rain1400"),
        {
            "PRN": "28.07/.884 36.99/.977 36.62/.952 31.69/.941",
            "PReNet": "29.46/.899 37.48/.979 36.66/.961 32.60/.946",
            "PRN_r": "27.43/.874 36.11/.973 36.16/.961 31.31/.937",
            "PReNet_r": "28.98/.892 37.10/.977 36.69/.962 32.44/.944",
            "RESCAN": "28.88/.866 - - -",
        },
    ),
    Table(
        "csdwren/RecDerain, results (BRN, TIP 2020)",
        EACH,
        ("Rain100H", "Rain100L", "Rain12", "Rain1400"),
        {
            "BRN": "30.47/.913 38.16/.982 36.74/.959 32.75/.948",
            "DDN": "21.92/.764 32.16/.936 31.78/.900 29.91/.910",
            "RESCAN": "28.64/.864 - - -",
        },
    ),
    Table(
        "csdwren/RecDerain, results: the new versions of the sets",
        EACH,
        ("Rain100H (new)", "Rain100L (new)"),
        {
            "DDN": "22.03/.713 31.66/.922",
            "RESCAN": "28.02/.862 38.43/.982",
            "SPANet": "26.59/.869 36.13/.975",
            "PReNet": "29.36/.903 37.93/.983",
            "BRN": "30.27/.917 38.86/.985",
        },
    ),
    Table("Guhuary/DFN", EACH, ("Rain100H", "Rain100L"), {"DFN": "31.40/.926 39.22/.985"}),
    Table(
        "hongwang01/RCDNet, quoted by leftthomas/RCDNet",
        EACH,
        ("Rain100L", "Rain100H", "Rain1400", "SPA-Data"),
        {"RCDNet": "40.00/.9860 31.28/.9093 33.04/.9472 41.47/.9834"},
    ),
    Table(
        "jiexiaou/IDT, README",
        EACH,
        ("Rain200H", "Rain200L", "DDN-Data", "DID-Data", "SPA-Data"),
        {"IDT": "32.10/.9343 40.74/.9884 33.80/.9407 34.85/.9401 47.34/.9929"},
    ),
    Table(
        "cschenxiang/NeRD-Rain, table of the paper (CVPR 2024)",
        EACH,
        ("Rain200L", "Rain200H", "DID-Data", "DDN-Data", "SPA-Data"),
        {
            "DDN": "34.68/.9671 26.05/.8056 30.97/.9116 30.00/.9041 36.16/.9457",
            "RESCAN": "36.09/.9697 26.75/.8353 33.38/.9417 31.94/.9345 38.11/.9707",
            "PReNet": "37.80/.9814 29.04/.8991 33.17/.9481 32.60/.9459 40.16/.9816",
            "RCDNet": "39.17/.9885 30.24/.9048 34.08/.9532 33.04/.9472 43.36/.9831",
            "MPRNet": "39.47/.9825 30.67/.9110 33.99/.9590 33.10/.9347 43.64/.9844",
            "Uformer": "40.20/.9860 30.80/.9105 35.02/.9621 33.95/.9545 46.13/.9913",
            "Restormer": "40.99/.9890 32.00/.9329 35.29/.9641 34.20/.9571 47.98/.9921",
            "IDT": "40.74/.9884 32.10/.9344 34.89/.9623 33.84/.9549 47.35/.9930",
            "DRSformer": "41.23/.9894 32.17/.9326 35.35/.9646 34.35/.9588 48.54/.9924",
            "NeRD-Rain-S": "41.30/.9895 32.06/.9315 35.36/.9647 34.25/.9578 48.90/.9936",
            "NeRD-Rain": "41.71/.9903 32.40/.9373 35.53/.9659 34.45/.9596 49.58/.9940",
        },
    ),
    Table(
        "megvii-model/HINet, table 3 of the paper (CVPR Workshops 2021)",
        RAIN13K,
        ("Test100", "Rain100H", "Rain100L", "Test2800", "Test1200", "mean of five"),
        {
            "UMRL": "24.41/.829 26.01/.832 29.18/.923 29.97/.905 30.55/.910 28.02/.880",
            "RESCAN": "25.00/.835 26.36/.786 29.80/.881 31.29/.904 30.51/.882 28.59/.857",
            "PReNet": "24.81/.851 26.77/.858 32.44/.950 31.75/.916 31.36/.911 29.42/.897",
            "MPRNet": "30.27/.897 30.41/.890 36.40/.965 33.64/.938 32.91/.916 32.73/.921",
            "HINet": "30.29/.906 30.65/.894 37.28/.970 33.91/.941 33.05/.919 33.03/.926",
        },
    ),
    Table(
        "swz30/Restormer, quoted by leftthomas/Restormer",
        RAIN13K,
        ("Rain100L", "Rain100H"),
        {"Restormer": "38.99/.978 31.46/.904"},
    ),
    Table("c-yn/SFNet, README", RAIN13K, ("mean of five",), {"SFNet": "33.56/.929"}),
    Table("c-yn/FSNet, README", RAIN13K, ("mean of five",), {"FSNet": "33.51/.916"}),
    Table(
        "biubiubiiu/derain-toolbox, READMEs: trained again",
        EACH,
        ("Rain200L", "Rain200H", "Rain800", "Rain1200", "Rain1400"),
        {
            "DDN": "32.86/.947 23.99/.739 24.02/.789 29.00/.850 28.67/.868",
            "RESCAN": "36.74/.977 26.65/.836 26.42/.838 32.17/.903 30.87/.909",
            "PReNet": "36.92/.981 28.01/.891 25.18/.850 31.91/.912 30.21/.913",
            "BRN": "37.66/.983 28.93/.906 25.93/.852 32.43/.918 30.78/.918",
            "RCDNet": "39.14/.986 29.43/.900 27.75/.872 32.62/.917 31.28/.919",
        },
        "rgb",
    ),
    Table(
        "HanshuYAN/Deep_Detailed_Network-PyTorch, README: not rounded to 8 bits",
        EACH,
        ("Rain100L", "Rain100H"),
        {"DDN": "33.582 23.905"},
        "rgb",
    ),
)


def published(name: str) -> tuple[Published, ...]:
    """What is published of a derainer, in the tables' order; ``name`` is compared by letters and digits."""
    found = []
    for table in TABLES:
        for method, row in table.rows.items():
            if plain(method) == plain(name):
                values = zip(table.sets, row.split(), strict=True)
                found += [_value(table, on, text) for on, text in values if text != "-"]
    return tuple(found)


def plain(name: str) -> str:
    """A name's letters and digits, small: papers and registries spell names differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _value(table: Table, on: str, text: str) -> Published:
    psnr, _, ssim = text.partition("/")
    return Published(
        on, float(psnr), float(ssim) if ssim else None, table.protocol, table.trained, table.source
    )
