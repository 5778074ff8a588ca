"""Prints the calibration tables of ``docs/rain.md``.

Run ``python docs/rain_calibration.py [SHARED]``. SHARED holds ``data/coco_tiny`` (photos) and
``data/weather_cityscapes`` (clean frames and the same in 100 mm/h by an outside renderer); by default it is
the folder in ``$DERAIN_BENCH_SHARED``, else ``../shared`` beside the checkout.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bench.images import read_image
from bench.rain import add_rain, parse_rain
from downstream.measures.fidelity import score_pair_y

ROOT = Path(__file__).resolve().parent.parent


def row(name: str, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> str:
    """One line of a table, from (rainy, clean) pairs."""
    psnr, ssim, contrast, brighter = np.transpose(
        [
            (*score_pair_y(rainy, clean).values(), rainy.std() / clean.std(), rainy.mean() - clean.mean())
            for rainy, clean in pairs
        ]
    )
    return (
        f"| {name} | {psnr.mean():.2f} | {psnr.std():.2f} | {ssim.mean():.3f} | {contrast.mean():.2f} "
        f"| {brighter.mean():+.1f} |"
    )


def table(title: str, rows: Iterable[str]) -> None:
    """Print a Markdown table."""
    print(f"{title}\n\n| rain | psnr@y | s.d. | ssim@y | contrast | mean |\n|---|---|---|---|---|---|")
    for line in rows:
        print(line)
    print()


def rained(name: str, scenes: dict[str, np.ndarray]) -> str:
    """The row of one of our rains, with seed 0."""
    rain = parse_rain(name)
    return row(name, [(add_rain(rain, image, scene, 0), image) for scene, image in scenes.items()])


def main() -> None:
    """Print both tables."""
    beside = os.environ.get("DERAIN_BENCH_SHARED", ROOT.parent / "shared")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else beside) / "data"
    photos = {path.stem: read_image(path) for path in sorted((data / "coco_tiny/val2017").glob("*.jpg"))}
    rains = ["streaks:light", "streaks:medium", "streaks:heavy"] + [
        f"rainfall:{r}" for r in (5, 25, 50, 100, 200)
    ]
    table(f"{len(photos)} COCO photos", (rained(name, photos) for name in rains))

    folder = data / "weather_cityscapes"
    frames = {path.stem: read_image(path) for path in sorted((folder / "norain").glob("*.png"))}
    outside = [(read_image(folder / "rain" / f"{name}.png"), clean) for name, clean in frames.items()]
    ours = [rained(f"rainfall:{r}", frames) for r in (5, 25, 50, 100, 200)]
    table(f"{len(frames)} Cityscapes frames", [row("outside renderer, 100 mm/h", outside), *ours])


if __name__ == "__main__":
    main()
