"""The derainers that come with the bench: what they are and where their code is. It imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derainers import papers
from derainers.base import Card

#: Larger images are tiled where the user leaves it to the bench. Networks whose features at full resolution
#: are wide would take tens of gigabytes for a Cityscapes frame.
HEAVY_PIXELS = 768 * 1024

_OURS = "Apache-2.0 (code); no weights"
_YOURS = "Apache-2.0 (this implementation); weights: "


@dataclass(frozen=True)
class Entry:
    """A registered derainer.

    Attributes:
        card: What one should know of it.
        build: ``module:attribute``. For a network, called with ``config``, it gives the ``nn.Module``; for a
            function, the image function.
        network: Whether ``build`` gives a network or a function of a uint8 image.
        version: Raised whenever the same weights and configuration give another output.
        config: Arguments for ``build``; a configuration in a weights file's metadata takes its place.
        weights: Name of the weights file that is shipped in ``derainers/weights``; ``None`` where the user
            brings one.
        bears_bf16: Whether it was measured to stay within 0.02 dB in bfloat16.
        whole_pixels: The largest image done whole under ``tile="auto"``; ``None`` for the harness's own
            limit.
    """

    card: Card
    build: str
    network: bool = True
    version: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    bears_bf16: bool = False
    whole_pixels: int | None = None


def _recurrent(name: str, title: str, config: Mapping[str, Any], params: int, macs: int) -> Entry:
    card = Card(
        name,
        title,
        "Ren et al., Progressive Image Deraining Networks: A Better and Simpler Baseline, CVPR 2019",
        papers.PRENET,
        2019,
        _YOURS + "no licence stated",
        "the file's: Rain100H (1,254 pairs), Rain100L or Rain1400",
        params=params,
        macs_256=macs,
        weights_note="github.com/csdwren/PReNet, folder logs; no licence stated",
    )
    return Entry(card, "derainers.prenet:PReNet", config=config)


def _rdmc(name: str, title: str, *, params: int, macs: int, bears_bf16: bool = False) -> Entry:
    card = Card(
        name,
        title,
        "Jiang et al., Contrastive Learning Based Recursive Dynamic Multi-Scale Network for Image "
        "Deraining, arXiv 2023",
        papers.RDMC,
        2023,
        "Apache-2.0 (code and shipped weights)",
        "drawn streaks on clean images; see docs/rdmc.md",
        params=params,
        macs_256=macs,
        multiple=16,
        weights_note="shipped; the authors released none",
    )
    return Entry(
        card,
        "derainers.rdmc.network:RDMC",
        version=2,
        weights=f"{name}.safetensors",
        bears_bf16=bears_bf16,
    )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        Card(
            "none",
            "the rainy image as it is; every table has this row",
            licence=_OURS,
            training_data="none",
            params=0,
        ),
        "derainers.classical:identity",
        network=False,
    ),
    Entry(
        Card(
            "clean",
            "the clean image; every table has this row",
            licence=_OURS,
            training_data="none",
            params=0,
        ),
        "derainers.classical:identity",
        network=False,
    ),
    Entry(
        Card("median", "median of 5x5 pixels", licence=_OURS, training_data="none", params=0),
        "derainers.classical:median",
        network=False,
        config={"size": 5},
    ),
    Entry(
        Card(
            "bilateral",
            "bilateral filter",
            "Tomasi and Manduchi, Bilateral Filtering for Gray and Color Images, ICCV 1998",
            papers.BILATERAL,
            1998,
            _OURS,
            "none",
            params=0,
        ),
        "derainers.classical:bilateral",
        network=False,
        config={"radius": 4, "colour": 60.0, "space": 3.0},
    ),
    Entry(
        Card(
            "guided",
            "guided filter; thin bright structures taken out of the detail layer",
            "after He et al., Guided Image Filtering, TPAMI 2013",
            papers.GUIDED,
            2013,
            _OURS,
            "none",
            params=0,
        ),
        "derainers.classical:guided",
        network=False,
        config={"radius": 15, "epsilon": 0.1, "width": 5},
    ),
    _rdmc(
        "rdmc",
        "recursive dynamic multi-scale network with a contrastive prior; the reference",
        params=3_971_357,
        macs=29_061_808_128,
        bears_bf16=True,
    ),
    _rdmc("rdmc-s", "RDMC at a quarter of the width, for small machines", params=249_263, macs=1_276_379_136),
    _recurrent(
        "prenet", "progressive recurrent network: six stages with an LSTM", {}, 168_963, 66_249_031_680
    ),
    _recurrent(
        "prenet_r",
        "PReNet with one residual block applied five times",
        {"shared": True},
        94_979,
        66_249_031_680,
    ),
    _recurrent("prn", "PReNet without its LSTM", {"lstm": False}, 95_107, 37_258_002_432),
    _recurrent(
        "prn_r",
        "PReNet with one residual block and no LSTM",
        {"lstm": False, "shared": True},
        21_123,
        37_258_002_432,
    ),
    Entry(
        Card(
            "brn",
            "bilateral recurrent network: rain layer and background in turn",
            "Ren et al., Single Image Deraining Using Bilateral Recurrent Network, TIP 2020",
            papers.BRN,
            2020,
            _YOURS + "no licence stated",
            "the file's: Rain100H or Rain100L",
            params=412_518,
            macs_256=98_222_211_072,
            weights_note="github.com/csdwren/RecDerain; no licence stated",
        ),
        "derainers.brn:BRN",
    ),
    Entry(
        Card(
            "rom",
            "Rain O'er Me: small dilated network; the fastest learnt one",
            "Lin et al., Rain O'er Me: Synthesizing Real Rain to Derain With Data Distillation, TIP 2020",
            papers.ROM,
            2020,
            _YOURS + "no licence stated",
            "the file's: Rain200L",
            params=55_046,
            macs_256=3_378_511_872,
            weights_note="the authors' repository of Rain O'er Me; no licence stated",
        ),
        "derainers.rom:ROM",
        bears_bf16=True,
    ),
    Entry(
        Card(
            "sapnet",
            "PReNet's recursion with dilation and channel attention",
            "Zheng et al., SAPNet: Segmentation-Aware Progressive Network for Perceptual Contrastive Deraining, "
            "WACV Workshops 2022",
            papers.SAPNET,
            2022,
            _YOURS + "MIT",
            "Rain100H",
            params=180_483,
            macs_256=66_249_100_800,
            weights_note="github.com/ShenZheng2000/SAPNet-for-image-deraining; MIT",
        ),
        "derainers.sapnet:SAPNet",
    ),
    Entry(
        Card(
            "spanet",
            "residual network with an attention map swept in four directions",
            "Wang et al., Spatial Attentive Single-Image Deraining With a High Quality Real Rain Dataset, CVPR 2019",
            papers.SPANET,
            2019,
            _YOURS + "BSD-style",
            "SPA-Data (real rain)",
            params=283_716,
            macs_256=34_414_264_320,
            weights_note="github.com/stevewongv/SPANet; BSD-style",
        ),
        "derainers.spanet:SPANet",
    ),
    Entry(
        Card(
            "umrl",
            "rain estimates at three scales, weighed by their confidence",
            "Yasarla and Patel, Uncertainty Guided Multi-Scale Residual Learning-Using a Cycle Spinning CNN for "
            "Single Image De-Raining, CVPR 2019",
            papers.UMRL,
            2019,
            _YOURS + "MIT",
            "Rain800",
            multiple=16,
            params=984_356,
            macs_256=14_510_653_440,
            weights_note="github.com/rajeevyasarla/UMRL--using-Cycle-Spinning; MIT",
        ),
        "derainers.umrl:UMRL",
    ),
    Entry(
        Card(
            "restormer",
            "transformer over channels, four levels",
            "Zamir et al., Restormer: Efficient Transformer for High-Resolution Image Restoration, CVPR 2022",
            papers.RESTORMER,
            2022,
            _YOURS + "non-commercial (academic public licence)",
            "Rain13K",
            multiple=8,
            params=26_126_644,
            macs_256=154_882_031_616,
            weights_note="github.com/swz30/Restormer (deraining.pth); academic, non-commercial",
        ),
        "derainers.restormer:Restormer",
        whole_pixels=HEAVY_PIXELS,
    ),
    Entry(
        Card(
            "mprnet",
            "three stages: quarters, halves and the whole image",
            "Zamir et al., Multi-Stage Progressive Image Restoration, CVPR 2021",
            papers.MPRNET,
            2021,
            _YOURS + "academic, non-commercial",
            "Rain13K",
            multiple=8,
            params=3_637_249,
            macs_256=140_982_247_208,
            weights_note="github.com/swz30/MPRNet (model_deraining.pth); academic, non-commercial",
        ),
        "derainers.mprnet:MPRNet",
        whole_pixels=HEAVY_PIXELS,
    ),
    Entry(
        Card(
            "hinet",
            "two U-Nets with half instance normalisation",
            "Chen et al., HINet: Half Instance Normalization Network for Image Restoration, CVPR Workshops 2021",
            papers.HINET,
            2021,
            _YOURS + "see the repository",
            "Rain13K",
            multiple=16,
            params=88_669_702,
            macs_256=157_600_972_800,
            weights_note="github.com/megvii-model/HINet (HINet-Rain13k.pth); see its licence",
        ),
        "derainers.hinet:HINet",
        whole_pixels=HEAVY_PIXELS,
    ),
    Entry(
        Card(
            "drsformer",
            "sparse transformer over channels with a mixture of experts",
            "Chen et al., Learning A Sparse Transformer Network for Effective Image Deraining, CVPR 2023",
            papers.DRSFORMER,
            2023,
            _YOURS + "see the repository",
            "the file's: Rain200H, Rain200L, DID, DDN or SPA-Data",
            multiple=8,
            params=33_655_424,
            macs_256=229_390_234_624,
            weights_note="github.com/cschenxiang/DRSformer; see its licence",
        ),
        "derainers.drsformer:DRSformer",
        whole_pixels=HEAVY_PIXELS,
    ),
)
