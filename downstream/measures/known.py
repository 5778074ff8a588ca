"""The measures that come with the program; what computes them is imported at first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from downstream.measures.base import Measure, Metric


def _share(name: str, title: str, protocol: str, compute: str, most: float | None = 1.0) -> Measure:
    """A measure that is 1 for equal images."""
    metric = Metric(name, title, protocol, "", 1.0, 4, bounds=(None, most))
    return Measure(metric, f"downstream.measures.{compute}")


MS_SSIM = _share("ms_ssim", "MS-SSIM", "ms_ssim@rgb", "similarity:ms_ssim")
HAARPSI = _share("haarpsi", "HaarPSI", "haarpsi@yiq", "similarity:haarpsi")
FSIM = _share("fsim", "FSIM", "fsim@yiq", "feature_similarity:fsim")
VIF = _share("vif", "VIF", "vif@y", "similarity:vif", most=None)  # above 1 where contrast was raised
GMSD = Measure(
    Metric("gmsd", "GMSD", "gmsd@y", "", 1.0, 4, higher_is_better=False, bounds=(0.0, None)),
    "downstream.measures.similarity:gmsd",
)


def _apart(name: str, title: str, protocol: str, compute: str, backbone: str) -> Measure:
    """A distance in the features of a network that the user brings."""
    metric = Metric(name, title, protocol, "", 1.0, 4, higher_is_better=False, bounds=(None, None))
    return Measure(metric, f"downstream.measures.learned:{compute}", identity=_weights(backbone, name))


def _weights(backbone: str, measure: str) -> Callable[[], Mapping[str, str]]:
    def identity() -> Mapping[str, str]:
        from downstream.measures import learned

        return learned.identity(getattr(learned, backbone), measure)

    return identity


LPIPS = _apart("lpips", "LPIPS", "lpips@alex-7be5be79-v0.1", "LPIPS_ALEX", "ALEXNET")
LPIPS_VGG = _apart("lpips_vgg", "LPIPS (VGG)", "lpips@vgg-397923af-v0.1", "LPIPS_VGG", "VGG16")
DISTS = _apart("dists", "DISTS", "dists@vgg-397923af-f5e65c96", "dists", "VGG16")


def _vectors() -> Mapping[str, str]:
    from downstream.measures import brisque

    return brisque.identity()


BRISQUE = Measure(
    Metric(
        "brisque", "BRISQUE", "brisque@live-7c8e2392", "", 1.0, 2, higher_is_better=False, bounds=(None, None)
    ),
    "downstream.measures.brisque:brisque",
    needs_clean=False,
    identity=_vectors,
)
