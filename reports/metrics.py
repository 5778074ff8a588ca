"""What every metric is called, which way is better, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass

#: Missing; never 0.
MISSING = "—"


@dataclass(frozen=True)
class Metric:
    """How a metric is shown.

    Attributes:
        title: Its name in a header.
        unit: Unit of the number shown; empty for none.
        scale: What the stored value is multiplied by to be shown.
        digits: Decimals shown.
        higher_is_better: Direction.
        bounds: What the stored value cannot go beyond.
    """

    title: str
    unit: str = "%"
    scale: float = 100.0
    digits: int = 1
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)

    @property
    def header(self) -> str:
        """Title and unit, e.g. `AP (%)`."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


_FREE = (float("-inf"), float("inf"))

_KNOWN = {
    "ap": Metric("AP"),
    "ap50": Metric("AP50"),
    "ap75": Metric("AP75"),
    "ap_small": Metric("AP small"),
    "ap_medium": Metric("AP medium"),
    "ap_large": Metric("AP large"),
    "miou": Metric("mIoU"),
    "macc": Metric("mAcc"),
    "aacc": Metric("aAcc"),
    "psnr_y": Metric("PSNR Y", "dB", 1.0, 2, bounds=_FREE),
    "ssim_y": Metric("SSIM Y", "", 1.0, 4),
    "psnr_rgb": Metric("PSNR RGB", "dB", 1.0, 2, bounds=_FREE),
    "ssim_rgb": Metric("SSIM RGB", "", 1.0, 4),
}

#: The metric that a task is ranked by.
HEADLINE = {"detection": "ap", "segmentation": "miou", "restoration": "psnr_y"}


def metric_of(name: str) -> Metric:
    """How the metric of that name is shown; recovery, harm and classes follow from their parts."""
    if name in _KNOWN:
        return _KNOWN[name]
    stem, _, kind = name.rpartition("_")
    if kind == "recovery":
        return Metric(f"{metric_of(stem).title} recovery", bounds=_FREE)
    if kind == "harm":
        shown = metric_of(stem)
        unit = "points" if shown.unit == "%" else shown.unit
        return Metric(f"{shown.title} harm", unit, shown.scale, shown.digits, bounds=_FREE)
    group, _, name_of_class = name.partition("/")
    if name_of_class:
        return Metric({"iou": "IoU", "ap": "AP"}.get(group, group) + f" {name_of_class}")
    return Metric(name, "", 1.0, 4, bounds=_FREE)


def written(value: float | None, digits: int, scale: float = 1.0) -> str:
    """A number with a fixed count of decimals, or the em dash; minus zero is zero."""
    if value is None:
        return MISSING
    text = f"{value * scale:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
