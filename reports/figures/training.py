"""The course of a training: its loss, and the PSNR of held-out images by rain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import OutputError
from reports.figures.style import drawing, grid_of, legend_below, look, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOG = "log.jsonl"
PICTURE = "curve.png"

#: Lines of the log that one point of the loss is the mean of, at most this many points to a curve.
_POINTS = 200


def draw_training(folder: Path) -> Path | None:
    """Write ``curve.png`` of a training's folder beside its log.

    Returns:
        The picture; None where the log has no line yet.

    Raises:
        OutputError: It cannot be written.
    """
    log = folder / LOG
    rows = (
        [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    )
    if not rows:
        return None
    path = folder / PICTURE
    with drawing():
        figure = training_figure(rows)
        try:
            figure.savefig(path, dpi=120, metadata={"Software": None})
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def training_figure(rows: list[dict[str, Any]]) -> Figure:
    """The loss by step, and beside it what validation scored where it was done.

    Args:
        rows: Lines of a training's log, in the order of their steps.
    """
    scored = [row for row in rows if row.get("validation")]
    figure, axes = grid_of(2 if scored else 1, 4.2, 3.0)
    size = max(1, len(rows) // _POINTS)
    groups = [rows[i : i + size] for i in range(0, len(rows), size)]
    axes[0].plot([g[-1]["step"] for g in groups], [sum(r["loss"] for r in g) / len(g) for g in groups])
    axes[0].set_title("loss of the training")
    axes[0].set_xlabel("step")
    if scored:
        rains = list(scored[-1]["validation"])
        for rain in rains:
            there = [row for row in scored if rain in row["validation"]]
            values = [row["validation"][rain]["psnr_y"] for row in there]
            axes[1].plot([row["step"] for row in there], values, label=shown(rain), **look(rain, rains))
        axes[1].set_title("PSNR on Y of held-out images, dB")
        axes[1].set_xlabel("step")
        legend_below(figure, axes[1:])
    return figure
