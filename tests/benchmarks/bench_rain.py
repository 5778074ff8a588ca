"""Times the rains, on one core, next to what must happen to the image anyway: decoding its PNG.

Run ``python tests/benchmarks/bench_rain.py``. Times are medians over scenes of the processor time used, so
that other work on the machine counts little; the ratio says how many times as long as decoding the same image
a rain takes.
"""

from __future__ import annotations

import statistics
import time

import cv2
import numpy as np

from bench.rain import add_rain, parse_rain
from bench.rain.streaks import draw_streaks
from bench.seeds import rng_from

RAINS = ("streaks:light", "streaks:medium", "streaks:heavy", "rainfall:5", "rainfall:50", "rainfall:200")
SCENES = 24


def median_ms(times: list[float]) -> float:
    return 1e3 * statistics.median(times)


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{'rain':<16} {'image':>10} {'time':>9} {'of decoding':>12}")
    for width, height in ((640, 480), (2048, 1024)):
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
        image = cv2.GaussianBlur(noise, (0, 0), 3)
        png = cv2.imencode(".png", image)[1]
        rains = [parse_rain(spec) for spec in RAINS]
        times: dict[str, list[float]] = {rain.name: [] for rain in rains} | {"decode": []}
        for scene in range(-1, SCENES if width < 1000 else SCENES // 3):
            for name, act in [("decode", lambda s: cv2.imdecode(png, cv2.IMREAD_COLOR))] + [  # noqa: B023
                (rain.name, lambda s, rain=rain: add_rain(rain, image, str(s), 0))  # noqa: B023
                for rain in rains
            ]:
                start = time.thread_time()
                act(scene)
                if scene >= 0:
                    times[name].append(time.thread_time() - start)
        decode = median_ms(times.pop("decode"))
        for name, values in times.items():
            ms = median_ms(values)
            print(f"{name:<16} {f'{width}x{height}':>10} {ms:6.1f} ms {ms / decode:12.2f}")
    for side in (64, 128):
        spans = []
        for scene in range(100):
            rng = rng_from(scene)
            start = time.thread_time()
            draw_streaks((side, side), rng, scene / 99)
            spans.append(time.thread_time() - start)
        print(f"{'draw_streaks':<16} {f'{side}x{side}':>10} {median_ms(spans):6.2f} ms")


if __name__ == "__main__":
    main()
