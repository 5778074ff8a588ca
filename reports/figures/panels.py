"""Qualitative panels: the same scene clean, rainy and restored, with what the model saw drawn on it.

Which scenes and which crops is decided by rules, not by taste: `choose_scenes` and `largest_change`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from reports.figures.style import drawing, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Panel:
    """One version of a scene.

    Attributes:
        label: The derainer, `clean` or `none`.
        image: uint8 RGB HxWx3.
        boxes: (n, 4) as x1, y1, x2, y2 in pixels, of what the model found.
        names: A name for each box.
        mask: Integer HxW class indices, 255 for none; drawn half transparent.
    """

    label: str
    image: Image
    boxes: npt.NDArray[np.floating] | None = None
    names: Sequence[str] = ()
    mask: npt.NDArray[np.integer] | None = None


@dataclass(frozen=True)
class Crop:
    """A window in pixels."""

    left: int
    top: int
    width: int
    height: int


def choose_scenes(before: npt.ArrayLike, after: npt.ArrayLike, count: int = 3) -> list[int]:
    """Scenes to show: the largest gain, the largest loss and the median change, then by size of change.

    Args:
        before: (n,) a score per scene on rainy images.
        after: (n,) the score on derained images.
        count: How many.

    Returns:
        Up to `count` different indices; scenes without both scores are never chosen.
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    order = [int(i) for i in np.argsort(change, kind="stable") if np.isfinite(change[i])]
    if not order:
        return []
    wanted = [order[-1], order[0], order[len(order) // 2], *sorted(order, key=lambda i: -abs(change[i]))]
    return list(dict.fromkeys(wanted))[:count]


def largest_change(first: Image, second: Image, width: int, height: int) -> Crop:
    """The window in which two images differ most: the largest mean absolute difference over all channels.

    Args:
        first: uint8 HxWx3.
        second: uint8 HxWx3.
        width: Of the window, cut to the image.
        height: Of the window, cut to the image.

    Raises:
        ValueError: If the images differ in shape.
    """
    if first.shape != second.shape:
        raise ValueError(f"Expected images of one shape, but got {first.shape} and {second.shape}")
    rows, columns = first.shape[:2]
    width, height = min(width, columns), min(height, rows)
    gap = np.abs(first.astype(np.int32) - second.astype(np.int32)).sum(axis=2, dtype=np.int64)
    total = np.zeros((rows + 1, columns + 1), dtype=np.int64)
    total[1:, 1:] = gap.cumsum(axis=0).cumsum(axis=1)
    sums = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    return Crop(int(left), int(top), width, height)


def draw_panels(scenes: Sequence[Sequence[Panel]], crops: Sequence[Crop | None] = ()) -> Figure:
    """A row per scene, a column per version; a second row shows the scene's crop where there is one.

    Args:
        scenes: Each scene's panels, in one order of labels.
        crops: One per scene, or none.

    Returns:
        The figure; `reports.figures.style.save` writes it.

    Raises:
        ValueError: If there is nothing to draw or scenes have different labels.
    """
    if not scenes or not scenes[0]:
        raise ValueError("Expected at least one scene with one panel")
    labels = [panel.label for panel in scenes[0]]
    if any([panel.label for panel in scene] != labels for scene in scenes):
        raise ValueError("Expected the same labels in every scene")
    from matplotlib.figure import Figure

    windows = list(crops) or [None] * len(scenes)
    shapes = []
    for scene, crop in zip(scenes, windows, strict=True):
        rows, columns = scene[0].image.shape[:2]
        shapes += [rows / columns] + ([crop.height / crop.width] if crop else [])
    size = 2.4
    with drawing():
        figure = Figure(figsize=(size * len(labels), size * sum(shapes) + 0.4))
        grid = figure.add_gridspec(len(shapes), len(labels), height_ratios=shapes, wspace=0.02, hspace=0.02)
        line = 0
        for number, (scene, crop) in enumerate(zip(scenes, windows, strict=True)):
            for column, panel in enumerate(scene):
                axis = figure.add_subplot(grid[line, column])
                _draw(axis, panel, None, crop)
                if number == 0:
                    axis.set_title(shown(panel.label))
                if crop is not None:
                    _draw(figure.add_subplot(grid[line + 1, column]), panel, crop, None)
            line += 2 if crop is not None else 1
    return figure


def _draw(axis: Axes, panel: Panel, window: Crop | None, frame: Crop | None) -> None:
    from matplotlib.patches import Rectangle

    axis.imshow(
        panel.image if panel.mask is None else _tinted(panel.image, panel.mask), interpolation="nearest"
    )
    axis.set_axis_off()
    names = list(panel.names) or [""] * (0 if panel.boxes is None else len(panel.boxes))
    for (x1, y1, x2, y2), name in zip(panel.boxes if panel.boxes is not None else (), names, strict=True):
        # White under black, so that a box shows on any ground.
        for colour, width in (("white", 2.4), ("#d55e00", 1.2)):
            axis.add_patch(
                Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=width)
            )
        if name:
            note = {"facecolor": "#d55e00", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
            axis.text(x1, y1, shown(name), fontsize=5, color="white", va="bottom", bbox=note, clip_on=True)
    if frame is not None:
        corner = (frame.left, frame.top)
        axis.add_patch(
            Rectangle(corner, frame.width, frame.height, fill=False, edgecolor="yellow", linewidth=1.2)
        )
    if window is not None:
        axis.set_xlim(window.left - 0.5, window.left + window.width - 0.5)
        axis.set_ylim(window.top + window.height - 0.5, window.top - 0.5)


def _tinted(image: Image, mask: npt.NDArray[np.integer]) -> Image:
    """The image with every class in a colour of its own, half transparent; 255 stays as it is."""
    import matplotlib

    colours = (np.array(matplotlib.colormaps["tab20"].colors) * 255).round()  # type: ignore[attr-defined]
    tint = colours[np.asarray(mask) % len(colours)]
    mixed = np.where((np.asarray(mask) == 255)[..., None], image, (image + tint) / 2)
    return mixed.round().astype(np.uint8)
