"""Qualitative panels: the same scene clean, rainy and restored, with what the model saw drawn on it.

Which scenes and which crops is decided by rules, not by taste: `choose_scenes` and `largest_change`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        verdicts: For each box ``hit``, ``miss`` or ``false alarm``, or nothing where nobody judged.
        wrong: bool HxW, pixels of the mask that are wrong; drawn in red.
        scene: The scene's id, said beside its row.
        note: What stands under the picture.
    """

    label: str
    image: Image
    boxes: npt.NDArray[np.floating] | None = None
    names: Sequence[str] = ()
    mask: npt.NDArray[np.integer] | None = None
    verdicts: Sequence[str] = ()
    wrong: npt.NDArray[np.bool_] | None = None
    scene: str = ""
    note: str = ""


#: How a judged box is drawn: colour and dashes.
_VERDICTS: Mapping[str, tuple[str, Any]] = {
    "hit": ("#009e73", "-"),
    "miss": ("#cc79a7", "--"),
    "false alarm": ("#d55e00", "-"),
}
_UNJUDGED: tuple[str, Any] = ("#d55e00", "-")
_WRONG = "#e00000"


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
    every = [panel for scene in scenes for panel in scene]
    noted, judged = any(p.note for p in every), _legend(every)
    with drawing():
        height = size * sum(shapes) + 0.4 + 0.18 * noted * len(scenes) + 0.3 * bool(judged)
        figure = Figure(figsize=(size * len(labels), height))
        figure.set_layout_engine("none")
        grid = figure.add_gridspec(
            len(shapes),
            len(labels),
            height_ratios=shapes,
            wspace=0.02,
            hspace=0.12 if noted else 0.02,
            left=0.03,
            right=0.995,
            top=1 - 0.3 / height,
            bottom=(0.1 + 0.2 * noted + 0.3 * bool(judged)) / height,
        )
        line = 0
        for number, (scene, crop) in enumerate(zip(scenes, windows, strict=True)):
            for column, panel in enumerate(scene):
                axis = figure.add_subplot(grid[line, column])
                _draw(axis, panel, None, crop)
                if number == 0:
                    axis.set_title(shown(panel.label))
                if column == 0 and panel.scene:
                    _beside(axis, panel.scene)
                if crop is not None:
                    axis = figure.add_subplot(grid[line + 1, column])
                    _draw(axis, panel, crop, None)
                if panel.note:
                    _below(axis, panel.note)
            line += 2 if crop is not None else 1
        if judged:
            figure.legend(handles=judged, loc="lower center", ncols=len(judged), fontsize=7)
    return figure


def _legend(panels: Sequence[Panel]) -> list[Any]:
    """What the colours of judged boxes and pixels mean, of those that are there."""
    from matplotlib.lines import Line2D

    there = {verdict for panel in panels for verdict in panel.verdicts}
    entries = [
        Line2D([], [], color=colour, linestyle=dashes, label=verdict)
        for verdict, (colour, dashes) in _VERDICTS.items()
        if verdict in there
    ]
    if any(panel.wrong is not None for panel in panels):
        entries.append(Line2D([], [], color=_WRONG, linewidth=5, label="wrong class"))
    return entries


def _beside(axis: Axes, text: str) -> None:
    axis.text(
        -0.02, 0.5, shown(text), rotation=90, fontsize=7, ha="right", va="center", transform=axis.transAxes
    )


def _below(axis: Axes, text: str) -> None:
    axis.text(0.5, -0.02, shown(text), fontsize=7, ha="center", va="top", transform=axis.transAxes)


def _draw(axis: Axes, panel: Panel, window: Crop | None, frame: Crop | None) -> None:
    from matplotlib.patches import Rectangle

    axis.imshow(_shown_image(panel), interpolation="nearest")
    axis.set_axis_off()
    boxes = [] if panel.boxes is None else list(panel.boxes)
    names = list(panel.names) or [""] * len(boxes)
    verdicts = list(panel.verdicts) or [""] * len(boxes)
    for (x1, y1, x2, y2), name, verdict in zip(boxes, names, verdicts, strict=True):
        colour, dashes = _VERDICTS.get(verdict, _UNJUDGED)
        # White under the colour, so that a box shows on any ground.
        for edge, width in (("white", 2.4), (colour, 1.2)):
            axis.add_patch(
                Rectangle(
                    (x1, y1),
                    x2 - x1,
                    y2 - y1,
                    fill=False,
                    edgecolor=edge,
                    linewidth=width,
                    linestyle=dashes if edge == colour else "-",
                )
            )
        if name:
            note = {"facecolor": colour, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
            axis.text(x1, y1, shown(name), fontsize=5, color="white", va="bottom", bbox=note, clip_on=True)
    if frame is not None:
        corner = (frame.left, frame.top)
        axis.add_patch(
            Rectangle(corner, frame.width, frame.height, fill=False, edgecolor="yellow", linewidth=1.2)
        )
    if window is not None:
        axis.set_xlim(window.left - 0.5, window.left + window.width - 0.5)
        axis.set_ylim(window.top + window.height - 0.5, window.top - 0.5)


def _shown_image(panel: Panel) -> Image:
    """The image under its mask and what of that is wrong."""
    image = panel.image if panel.mask is None else _tinted(panel.image, panel.mask)
    if panel.wrong is None:
        return image
    import matplotlib.colors

    red = np.array(matplotlib.colors.to_rgb(_WRONG)) * 255
    return np.where(panel.wrong[..., None], 0.3 * image + 0.7 * red, image).round().astype(np.uint8)


def _tinted(image: Image, mask: npt.NDArray[np.integer]) -> Image:
    """The image with every class in a colour of its own, half transparent; 255 stays as it is."""
    import matplotlib

    colours = (np.array(matplotlib.colormaps["tab20"].colors) * 255).round()  # type: ignore[attr-defined]
    tint = colours[np.asarray(mask) % len(colours)]
    mixed = np.where((np.asarray(mask) == 255)[..., None], image, (image + tint) / 2)
    return mixed.round().astype(np.uint8)
