"""What bfloat16 costs in PSNR and what it saves in time, of networks with trained weights. Prints a table.

    python tests/benchmarks/bench_precision.py LABEL=NAME[:WEIGHTS] ... --data pairs:DIR [--images N]

Each pair is restored in float32 and in bfloat16, in turn, so that other work on the machine hurts both alike. A network
whose greatest loss is at most 0.02 dB on its own kind of rain bears bfloat16, and its card's entry may say so
(``bears_bf16``); ``--precision auto`` then takes it where the processor multiplies it natively.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from bench.data import open_data
from bench.engine.versions import read_variant
from bench.rain import parse_rain
from derainers import load_derainer, parse_derainers
from derainers.base import Derainer
from derainers.harness.network import has_bf16
from downstream.measures.fidelity import score_pair

BEARABLE = 0.02
"""In dB; what DESIGN asks of a faster form."""


def timed(derainer: Derainer, image: np.ndarray) -> tuple[np.ndarray, float]:
    """Restore an image; the seconds too."""
    started = time.perf_counter()
    restored = derainer(image)
    return restored, time.perf_counter() - started


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("derainers", nargs="+")
    parser.add_argument("--data", required=True)
    parser.add_argument("--rain", default="own", help="of pairs: own, the rain that they have")
    parser.add_argument("--images", type=int, default=4)
    options = parser.parse_args()
    data = open_data(options.data).first(options.images)
    rain = parse_rain(options.rain)
    native = has_bf16(torch.device("cpu"))
    print(f"{len(data.scenes)} scenes of {data.name}, {torch.get_num_threads()} threads", end="")
    print("" if native else " (no bf16 hardware: its times are an emulation's)")
    print(
        f"{'derainer':<12}{'fp32, dB':>10}{'bf16, dB':>10}{'mean':>9}{'worst':>9}{'times as fast':>15}  bears it"
    )
    for spec in parse_derainers(",".join(options.derainers)):
        forms = [load_derainer(spec, "cpu", precision) for precision in ("fp32", "bf16")]
        psnr: list[list[float]] = [[], []]
        seconds: list[list[float]] = [[], []]
        for scene in data.scenes:
            clean, rainy = read_variant(data, rain, 0, scene)
            assert clean is not None
            for form, derainer in enumerate(forms):
                restored, spent = timed(derainer, rainy)
                psnr[form].append(score_pair(restored, clean)["psnr_y"])
                seconds[form].append(spent)
        lost = [after - before for before, after in zip(*psnr, strict=True)]
        ratio = statistics.median(a / b for a, b in zip(*seconds, strict=True))
        print(
            f"{spec.label:<12}{statistics.mean(psnr[0]):>10.3f}{statistics.mean(psnr[1]):>10.3f}"
            f"{statistics.mean(lost):>+9.3f}{min(lost):>+9.3f}{ratio:>15.2f}  "
            f"{'yes' if min(lost) >= -BEARABLE else 'no'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
