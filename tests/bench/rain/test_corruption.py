"""The package's corruptions in a present environment, against what it gave in one of its time."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.errors import BadConfig, MissingDependency, UnknownName
from bench.rain import RainError, add_rain, corruption, parse_rain, rain_entries
from bench.rain.corruption import BENCHMARK, VALIDATION

#: SHA-256 (first digits) of severities 1 to 5 of :func:`picture`, one after the other, from imagecorruptions 1.1.2 with
#: NumPy 1.23.5, SciPy 1.9.3 and scikit-image 0.20.0 after ``np.random.seed(3)``, as
#: `tests/benchmarks/outside_corruptions.py` prints them. They were printed on a processor with AVX-512.
ORIGINAL = {
    "gaussian_noise": "000d6f9dfe0644d3",
    "shot_noise": "a761efb4693491ff",
    "defocus_blur": "dc0c906476bfe12c",
    "motion_blur": "05931a139405acb4",
    "zoom_blur": "762fb5585a73437e",
    "snow": "8bc131c89852ec90",
    "frost": "7cb8e611ac36c05e",
    "fog": "a9c315c17c143864",
    "brightness": "0766d1b22e3b1b69",
    "contrast": "3bae752797b6aa87",
    "elastic_transform": "660a0d68e5642e76",
    "pixelate": "3566211ded4cd43a",
    "jpeg_compression": "3b8d089507a1eb71",
    "speckle_noise": "8204b2db0c3fb48e",
    "spatter": "d93a9cea2da79185",
    "saturate": "2ae6801dfb3374d3",
}


#: What comes out on a processor without it, where arithmetic in floats rounds otherwise.
WITHOUT_AVX512 = {"motion_blur": "d585965726927c42"}


def picture() -> np.ndarray:
    y, x = np.indices((64, 96))
    return np.stack([(x * 2 + y) % 256, (255 - x * 2 - y // 2) % 256, (x * y // 8) % 256], axis=2).astype(
        np.uint8
    )


class Seed:
    """A generator whose first draw is 3."""

    def integers(self, high: int, dtype: type) -> np.uint32:
        return np.uint32(3)


def all_severities(kind: str) -> bytes:
    return b"".join(parse_rain(f"corruption:{kind}:{s}")(picture(), Seed()).tobytes() for s in range(1, 6))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ORIGINAL)
def test_pixels_are_those_of_the_package_in_its_time(kind: str) -> None:
    found = hashlib.sha256(all_severities(kind)).hexdigest()[:16]
    assert found in (ORIGINAL[kind], WITHOUT_AVX512.get(kind))


@pytest.mark.parametrize("kind", sorted({*BENCHMARK, *VALIDATION} - {*ORIGINAL}))
def test_the_others_grow_with_severity_and_come_again(kind: str) -> None:
    """Their pixels hang on scikit-image: its noise was never seeded, its blur rounds otherwise by one level."""
    image = picture()
    falls = [add_rain(parse_rain(f"corruption:{kind}:{s}"), image, "a", 0) for s in (1, 3, 5)]
    changes = [np.abs(fall.astype(int) - image).mean() for fall in falls]
    assert 0 < changes[0] < changes[2]
    assert np.array_equal(falls[1], add_rain(parse_rain(f"corruption:{kind}:3"), image, "a", 0))


def test_nothing_of_the_process_is_touched() -> None:
    import sys

    before = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    loaded = set(sys.modules)  # by other tests: MMEngine looks configs up through pkg_resources
    rain = parse_rain("corruption:impulse_noise:2")
    first = add_rain(rain, picture(), "a", 0)
    assert not np.array_equal(first, add_rain(rain, picture(), "b", 0))
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[arg-type]
    assert not {"imagecorruptions", "pkg_resources"} & (set(sys.modules) - loaded)
    assert not hasattr(np, "float_")


def test_threads_do_not_share_a_generator() -> None:
    rain = parse_rain("corruption:shot_noise:3")
    alone = [add_rain(rain, picture(), str(i), 0) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: add_rain(rain, picture(), str(i), 0), range(8)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("spec", "kind", "said"),
    [
        ("corruption:fogg:3", UnknownName, "did you mean corruption:fog:3"),
        ("corruption", UnknownName, "corruption"),
        ("corruption:fog", BadConfig, "write a severity from 1 to 5 after the name, e.g. corruption:fog:3"),
        ("corruption:fog:6", BadConfig, "write a severity from 1 to 5"),
    ],
)
def test_mistakes_are_one_line(spec: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        parse_rain(spec)
    assert "\n" not in str(caught.value)


def test_small_images_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RainError, match="takes images of 32x32 pixels and up, this one is 40x31"):
        add_rain(parse_rain("corruption:snow:1"), np.zeros((31, 40, 3), np.uint8), "a", 0)
    monkeypatch.setattr(corruption, "PACKAGE", "imagecorruptions_not_there")
    corruption._file.cache_clear()
    with pytest.raises(MissingDependency, match=r"pip install 'derain-bench\[corruptions\]'"):
        parse_rain("corruption:snow:1")
    corruption._file.cache_clear()
    (entry,) = (entry for entry in rain_entries() if entry.name.startswith("corruption:"))
    assert all(kind in entry.title for kind in BENCHMARK)
