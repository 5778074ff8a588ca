"""Fits NIQE's model of undistorted photos, the one that comes with the program.

    python -m bench.tools.niqe --images 'bsds500/test/*.jpg' --out downstream/measures/models/niqe.npz

As the paper says: of each photo, the blocks whose mean local deviation is above three quarters of the sharpest block's;
the model is the mean and the covariance of their 36 numbers over all photos.
"""

from __future__ import annotations

import argparse
import glob
from collections.abc import Iterable
from pathlib import Path

import numpy as np

#: Share of the sharpest block's mean local deviation above which a block is taken.
SHARP = 0.75


def fit(images: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a model's mean (float64, 36) and covariance (float64, 36x36), and how many blocks it is made of.

    Args:
        images: uint8 RGB HxWx3, each of at least one block of 96x96.
    """
    from downstream.measures.natural import block_features, sharpness

    taken = []
    for image in images:
        sharp = sharpness(image)
        features = block_features(image)[sharp > SHARP * sharp.max()]
        taken.append(features[~np.isnan(features).any(axis=1)])
    table = np.concatenate(taken)
    return table.mean(axis=0), np.cov(table, rowvar=False), len(table)


def main() -> None:
    """Fit and write."""
    from bench.images import read_image

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", required=True, help="pattern of undistorted photos")
    parser.add_argument("--out", required=True, type=Path, help="the model, .npz")
    options = parser.parse_args()
    paths = sorted(glob.glob(options.images))
    mean, covariance, blocks = fit(read_image(Path(path)) for path in paths)
    np.savez_compressed(options.out, mean=mean, covariance=covariance)
    print(f"{len(paths)} photos, {blocks} sharp blocks")


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()
