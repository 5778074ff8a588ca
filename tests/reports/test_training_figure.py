from __future__ import annotations

import json
from pathlib import Path

from reports.figures.training import draw_training, training_figure


def rows(count: int) -> list[dict]:
    found: list[dict] = [{"step": 50 * (i + 1), "loss": 1 / (i + 1)} for i in range(count)]
    for row in found[9::10]:
        row["validation"] = {
            "streaks:heavy": {"psnr_y": 20 + row["step"] / 1000},
            "pairs/mine": {"psnr_y": 30.0},
        }
    return found


def test_the_course_shows_loss_and_validation() -> None:
    loss, scores = training_figure(rows(20)).axes
    assert list(loss.lines[0].get_xdata()) == [row["step"] for row in rows(20)]
    assert [line.get_label() for line in scores.lines] == ["streaks:heavy", "pairs/mine"]
    assert list(scores.lines[0].get_ydata()) == [20.5, 21.0]
    assert len(training_figure(rows(5)).axes) == 1


def test_a_long_log_is_averaged() -> None:
    (line,) = training_figure(rows(1000)).axes[0].lines
    steps, values = line.get_xdata(), line.get_ydata()
    assert len(steps) == 200
    assert values[0] == sum(1 / (i + 1) for i in range(5)) / 5


def test_the_picture_lies_beside_the_log(tmp_path: Path) -> None:
    assert draw_training(tmp_path) is None
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(10)))
    assert draw_training(tmp_path) == tmp_path / "curve.png"
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
