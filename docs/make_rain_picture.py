"""Makes ``docs/rain_levels.jpg``: one embedded street scene under every rain.

Run ``python docs/make_rain_picture.py``. The scene has exact depth, so the fog follows its geometry.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bench.data import open_data
from bench.rain import add_rain, parse_rain

SCENE = 16
RAINS = (
    "none",
    "rainfall:5",
    "rainfall:25",
    "rainfall:50",
    "rainfall:100",
    "rainfall:200",
    "streaks:light",
    "streaks:medium",
    "streaks:heavy",
)
COLUMNS = 3
LABEL = 22


def main() -> None:
    """Write the picture."""
    data = open_data("street")
    scene = data.scenes[SCENE]
    clean, depth = data.clean(scene), data.depth(scene)
    if clean is None:
        raise SystemExit(f"scene {scene.id} has no clean image")
    panels = []
    for name in RAINS:
        panel = add_rain(parse_rain(name), clean, scene.id, 0, depth)
        strip = np.full((LABEL, panel.shape[1], 3), 255, np.uint8)
        text = f"{name} mm/h" if name.startswith("rainfall") else name
        cv2.putText(strip, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
        panels.append(
            cv2.copyMakeBorder(np.vstack([strip, panel]), 0, 6, 3, 3, cv2.BORDER_CONSTANT, value=(255,) * 3)
        )
    rows = [np.hstack(panels[i : i + COLUMNS]) for i in range(0, len(panels), COLUMNS)]
    # A JPEG: the picture is to look at, and as a PNG it would be a twentieth of all that the project may weigh.
    pixels = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(Path(__file__).with_name("rain_levels.jpg")), pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
