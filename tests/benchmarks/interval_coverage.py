"""How often 95 % intervals hold the truth, and how often equal derainers seem to differ, on simulated scenes.

    python tests/benchmarks/interval_coverage.py [TRIALS [SCENESxCLASSES ...]]

The scenes are those of tests/bench/score/stats/conftest.py, three objects in each on average. With 1,000 trials the
shares are good to about 0.7 points.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np

from bench.score.stats import (
    Sampled,
    detection_replicates,
    detection_scores,
    difference,
    estimate,
    resample_counts,
)
from bench.score.stats.bootstrap import interval

RESAMPLES = 1000
SETS = ("200x1", "200x3", "500x1", "500x8", "64x3", "64x8", "200x20")


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sets = [tuple(map(int, words.split("x"))) for words in sys.argv[2:] or SETS]
    path = Path(__file__).parents[1] / "bench" / "score" / "stats" / "conftest.py"
    spec = importlib.util.spec_from_file_location("stats_scenes", path)
    assert spec is not None
    assert spec.loader is not None
    scenes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scenes)
    print(f"{trials} sets each, {RESAMPLES} resamples; share of 95 % intervals of AP that hold the truth")
    print("scenes classes truth  mean   basic  percentile  equal derainers apart")
    for images, classes in sets:
        rng = np.random.default_rng(0)
        truth = np.mean(
            [detection_scores(scenes.simulated_table(100_000, classes, rng))["ap"] for _ in range(3)]
        )
        basic = percentile = apart = 0
        values = []
        for trial in range(trials):
            counts = resample_counts(images, RESAMPLES, trial)
            pair = []
            for noise in (1, 2):
                own = (
                    np.random.default_rng([trial, classes]),
                    np.random.default_rng([trial, classes, noise]),
                )
                table = scenes.simulated_table(images, classes, *own)
                pair.append(Sampled(detection_scores(table)["ap"], detection_replicates(table, counts)["ap"]))
            found, (low, high) = estimate(pair[0]), interval(pair[0].replicates)
            basic += found.low <= truth <= found.high
            percentile += low <= truth <= high
            apart += difference(*pair).excludes_zero
            values.append(pair[0].value)
        shares = f"{basic / trials:6.3f} {percentile / trials:8.3f} {apart / trials:12.3f}"
        print(f"{images:6d} {classes:7d} {truth:6.4f} {np.mean(values):6.4f} {shares}", flush=True)


if __name__ == "__main__":
    main()
