"""Conformance: does a derainer do what the bench relies on? One verdict per property, each with what was seen.

The same checks stand behind ``bench check`` and the tests of the registered derainers. Images are drawn here, so that
nothing has to be at hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.allocator import release_freed_memory
from bench.errors import said
from bench.verdicts import Outcome, Verdict, attempt
from derainers.base import Derainer

if TYPE_CHECKING:
    Image = np.ndarray

#: Sizes (height, width) that every derainer is tried on.
SIZES = ((1, 1), (1, 7), (2, 3), (17, 31), (33, 32), (64, 97))
#: And this one, where the speed on the small ones promises that it ends within the time given.
LARGEST = (1024, 2048)
#: Batches and repetitions may differ by this much, in grey levels: sums in another order round differently.
TOLERANCE = 1
#: A derainer that changes a clean image more than this does harm beyond doubt (dB), as does one that repaints a flat
#: image by more than this (mean grey levels).
LEAST_CLEAN_PSNR, MOST_FLAT_CHANGE = 15.0, 64.0
#: Tiles should agree with the whole image to this (dB); between the two, the network looks at the whole image.
TILES_AGREE, TILES_DIFFER = 45.0, 30.0
#: The properties that show how values and colours are taken and returned.
_LOOKS = ("colour", "flat", "harm")


def run_checks(
    load: Callable[[str], Derainer], seconds: float = 60.0, only: Collection[str] | None = None
) -> list[Verdict]:
    """Check a derainer.

    Args:
        load: Loads it with the given ``tile``, as ``load_derainer(spec, tile=...)`` does.
        seconds: What the large image may take.
        only: The properties to check, ``size`` always among them; ``None`` for all.

    Returns:
        A verdict per property, in a fixed order. Where the first image already fails, the rest is skipped.
    """
    derainer = load("off")
    first = attempt("size", lambda: _size(derainer, seconds))
    checks: dict[str, Callable[[], Verdict]] = {name: partial(check, derainer) for name, check in _CHECKS}
    checks["tiles"] = partial(_tiles, derainer, load)
    chosen = {name: check for name, check in checks.items() if only is None or name in only}
    if first.outcome is Outcome.FAIL:
        return [first, *(Verdict(name, Outcome.SKIP, "the size check failed") for name in chosen)]
    return [first, *(attempt(name, check) for name, check in chosen.items())]


def looks_right(derainer: Derainer) -> bool:
    """Whether colours, flat images and clean ones come back by and large; False for what raises."""
    looks = [attempt(name, partial(check, derainer)) for name, check in _CHECKS if name in _LOOKS]
    return not any(verdict.outcome is Outcome.FAIL for verdict in looks)


def sample(height: int, width: int, seed: int = 0) -> Image:
    """Draw a clean picture: sky and ground, saturated rectangles, some texture.

    Returns:
        uint8 RGB (height, width, 3).
    """
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, 1, height)[:, None, None]
    picture = np.broadcast_to((1 - rows) * (120, 160, 210) + rows * (90, 80, 70), (height, width, 3)).copy()
    for _ in range(12):
        top, left = rng.integers(0, height), rng.integers(0, width)
        high, wide = rng.integers(1, height // 3 + 2), rng.integers(1, width // 3 + 2)
        picture[top : top + high, left : left + wide] = rng.choice((30, 90, 150, 220), 3)
    picture += rng.normal(0, 3, (height, width, 1))
    return np.rint(picture.clip(0, 255)).astype(np.uint8)


def _size(derainer: Derainer, seconds: float) -> Verdict:
    for height, width in SIZES:
        restored(derainer, sample(height, width))
    derainer(sample(64, 97))
    started = time.perf_counter()
    derainer(sample(64, 97))
    predicted = (time.perf_counter() - started) * LARGEST[0] * LARGEST[1] / (64 * 97)
    tried = f"{_text(SIZES[0])} to {_text(SIZES[-1])}"
    if predicted > seconds:
        return Verdict(
            "size", Outcome.PASS, f"kept from {tried}; {_text(LARGEST)} would take {predicted:.0f} s"
        )
    restored(derainer, sample(*LARGEST))
    return Verdict("size", Outcome.PASS, f"kept from {_text(SIZES[0])} to {_text(LARGEST)}")


def _type(derainer: Derainer) -> Verdict:
    image = sample(40, 56)
    before = image.copy()
    result = derainer(image)
    if not isinstance(result, np.ndarray) or result.dtype != np.uint8:
        kind = result.dtype if isinstance(result, np.ndarray) else type(result).__name__
        return Verdict("type", Outcome.FAIL, f"returned {kind}; it must be uint8, 0 to 255")
    if not (image == before).all():
        return Verdict("type", Outcome.FAIL, "wrote into the image that it was given")
    return Verdict("type", Outcome.PASS, "uint8, and the input is left alone")


def _finite(derainer: Derainer) -> Verdict:
    shape = (48, 48, 3)
    spot = np.zeros(shape, np.uint8)
    spot[24, 24] = 255
    stimuli = {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, shape, np.uint8),
        "one white pixel": spot,
    }
    for name, image in stimuli.items():
        try:
            restored(derainer, image)
        except Exception as error:  # whatever it raises is the finding
            return Verdict("finite", Outcome.FAIL, f"on {name}: {said(error)}")
    return Verdict("finite", Outcome.PASS, f"on {', '.join(stimuli)}")


def _deterministic(derainer: Derainer) -> Verdict:
    image = sample(64, 80)
    most = _most(derainer(image), derainer(image))
    if most:
        return Verdict("deterministic", Outcome.FAIL, f"the same image twice differs by {most} levels")
    return Verdict("deterministic", Outcome.PASS, "the same image twice gives the same bytes")


def _batch(derainer: Derainer) -> Verdict:
    images = [sample(48, 64, seed) for seed in range(3)] + [sample(24, 32, 3)]
    images[1] = 255 - images[1]
    alone = [derainer(image) for image in images]
    runs = [("in a batch", derainer.restore(images), alone)]
    runs.append(("in a batch the other way round", derainer.restore(images[::-1]), alone[::-1]))
    # On a CPU the harness runs images one by one; a network is shown a true batch as well.
    together = getattr(derainer, "restore_together", None)
    if together is not None:
        runs.append(("in one batch", together(images[:3]), alone[:3]))
    for how, results, expected in runs:
        if len(results) != len(expected):
            return Verdict("batch", Outcome.FAIL, f"{how}: {len(results)} results for {len(expected)} images")
        most = max(_most(one, other) for one, other in zip(results, expected, strict=True))
        if most > TOLERANCE:
            return Verdict(
                "batch", Outcome.FAIL, f"{how} an image comes out different by up to {most} levels"
            )
    return Verdict("batch", Outcome.PASS, "an image comes out the same alone, in any batch and in any order")


def _place(derainer: Derainer) -> Verdict:
    # An odd size: what pads by itself may cut back at the wrong side.
    image = sample(93, 101)
    grey, result = (picture.astype(np.float64).mean(2) for picture in (image, derainer(image)))
    ways = {"": grey, "mirrored": grey[:, ::-1], "upside down": grey[::-1], "turned": grey[::-1, ::-1]}
    found = {way: _best_shift(picture, result) for way, picture in ways.items()}
    way = max(found, key=lambda way: found[way][0])
    _, down, right = found[way]
    if way:
        return Verdict("place", Outcome.FAIL, f"the image is {way}")
    if (down, right) != (0, 0):
        return Verdict("place", Outcome.FAIL, f"the image is shifted by {down} rows and {right} columns")
    return Verdict("place", Outcome.PASS, "nothing is shifted")


def _best_shift(image: np.ndarray, result: np.ndarray) -> tuple[float, int, int]:
    """How far down and to the right an image has to be moved to be most like another.

    Returns:
        The correlation there, and the two distances.
    """
    spectra = [np.fft.rfft2(picture - picture.mean()) for picture in (image, result)]
    correlation = np.fft.irfft2(spectra[1] * spectra[0].conj(), image.shape)
    row, column = np.unravel_index(int(correlation.argmax()), image.shape)
    # Of the shifts that come to the same on a picture that repeats, the shorter one.
    down, right = (
        (int(at) + length // 2) % length - length // 2
        for at, length in zip((row, column), image.shape, strict=True)
    )
    return float(correlation.max()), down, right


def _colour(derainer: Derainer) -> Verdict:
    image = sample(96, 96, 1)
    result = derainer(image)
    if result.std(axis=(0, 1)).max() < 1:
        return Verdict("colour", Outcome.SKIP, "the image comes out flat")
    order = channel_order(image, result)
    if order != "RGB":
        return Verdict("colour", Outcome.FAIL, f"channels come out as {order} instead of RGB")
    return Verdict("colour", Outcome.PASS, "red, green and blue keep their places")


def channel_order(image: Image, result: Image) -> str:
    """Return which channel of an image each of the result's is most like, such as ``BGR``."""
    channels = np.concatenate([image, result], 2).reshape(-1, 6).astype(np.float64)
    related = np.corrcoef(channels.T + np.random.default_rng(0).normal(0, 1e-3, channels.T.shape))[3:, :3]
    return "".join("RGB"[index] for index in related.argmax(1))


def _flat(derainer: Derainer) -> Verdict:
    changes = {}
    for name, value in (("black", 0), ("white", 255), ("grey", 128)):
        image = np.full((48, 48, 3), value, np.uint8)
        changes[name] = float(np.abs(derainer(image).astype(int) - value).mean())
    detail = ", ".join(f"{name} by {change:.1f}" for name, change in changes.items())
    outcome = Outcome.FAIL if max(changes.values()) > MOST_FLAT_CHANGE else Outcome.PASS
    return Verdict("flat", outcome, f"flat images change on average: {detail} levels")


def _harm(derainer: Derainer) -> Verdict:
    scores = [psnr(derainer(sample(96, 128, seed)), sample(96, 128, seed)) for seed in range(2)]
    score = float(np.mean(scores))
    outcome = Outcome.FAIL if score < LEAST_CLEAN_PSNR else Outcome.PASS
    return Verdict("harm", outcome, f"a clean image comes back at {score:.1f} dB")


def _memory(derainer: Derainer) -> Verdict:
    peak = peak_memory(lambda: derainer(sample(256, 256)), getattr(derainer, "device", None))
    if peak is None:
        return Verdict("memory", Outcome.SKIP, "this system does not tell a process's peak")
    return Verdict("memory", Outcome.PASS, f"{peak / 2**20:.1f} MiB on top for a 256x256 image")


def _speed(derainer: Derainer) -> Verdict:
    image = sample(256, 256)
    derainer(image)  # the first one pays for what is set up once
    times: list[float] = []
    while len(times) < 5 or (len(times) < 20 and sum(times) < 2):
        started = time.perf_counter()
        derainer(image)
        times.append(time.perf_counter() - started)
        if times[0] > 10:
            break
    middle, low, high = (float(np.percentile(times, part)) for part in (50, 25, 75))
    counted = f"median of {len(times)}, the middle half {1000 * low:.3g} to {1000 * high:.3g}"
    return Verdict(
        "speed",
        Outcome.PASS,
        f"{1 / middle:.3g} images/s at 256x256: {1000 * middle:.3g} ms, {counted}, {_place_of(derainer)}",
    )


def _place_of(derainer: Derainer) -> str:
    """Where a derainer runs, as far as it says."""
    device = getattr(derainer, "device", None)
    if device is not None and device.type != "cpu":
        return str(device)
    import torch

    threads = torch.get_num_threads()
    return f"on {threads} thread{'s' if threads > 1 else ''}"


def _tiles(derainer: Derainer, load: Callable[[str], Derainer]) -> Verdict:
    tiled = load("128+64")
    if "tile" not in tiled.key:
        return Verdict("tiles", Outcome.SKIP, "a function sees whole images only")
    image = sample(160, 192)
    score = psnr(tiled(image), derainer(image))
    if score < TILES_DIFFER:
        return Verdict("tiles", Outcome.FAIL, f"tiles and the whole image agree to {score:.1f} dB only")
    if score < TILES_AGREE:
        detail = f"tiles and the whole image agree to {score:.1f} dB: the network looks at the whole image"
        return Verdict("tiles", Outcome.NOTE, detail)
    return Verdict("tiles", Outcome.PASS, f"tiles and the whole image agree to {score:.1f} dB")


_CHECKS: Sequence[tuple[str, Callable[[Derainer], Verdict]]] = (
    ("type", _type),
    ("finite", _finite),
    ("deterministic", _deterministic),
    ("batch", _batch),
    ("place", _place),
    ("colour", _colour),
    ("flat", _flat),
    ("harm", _harm),
    ("memory", _memory),
    ("speed", _speed),
)


def peak_memory(work: Callable[[], object], device: object = None) -> int | None:
    """How many bytes more than before a piece of work holds at its peak.

    Args:
        work: Called once.
        device: A CUDA ``torch.device`` to look at instead of this process's memory.

    Returns:
        The bytes; ``None`` where the system does not say (only Linux does).
    """
    if (found := _held(work, device)) is None:
        return None
    before, peak = found
    return max(0, peak - before)


def peak_held(work: Callable[[], object], device: object = None) -> int | None:
    """How many bytes this process, or a GPU, holds at the peak of a piece of work, networks and libraries included.

    Args:
        work: Called once.
        device: A CUDA ``torch.device`` to look at instead of this process's memory.

    Returns:
        The bytes; ``None`` where the system does not say (only Linux does).
    """
    found = _held(work, device)
    return None if found is None else found[1]


def _held(work: Callable[[], object], device: object) -> tuple[int, int] | None:
    """Call some work once; return the bytes that are held before it and at its peak, None where nobody says."""
    if getattr(device, "type", "cpu") == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)  # type: ignore[arg-type]
        before = torch.cuda.memory_allocated(device)  # type: ignore[arg-type]
        work()
        return before, torch.cuda.max_memory_allocated(device)  # type: ignore[arg-type]
    release_freed_memory()  # what is kept for the next request would hide what this one takes
    try:
        # Writing 5 sets the high-water mark back to what is held now; see proc(5).
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        before = _status("VmRSS")
    except OSError:
        work()
        return None
    work()
    return before, _status("VmHWM")


def _status(field: str) -> int:
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise OSError(f"no {field}")


def restored(derainer: Derainer, image: Image) -> Image:
    """Restore an image.

    Raises:
        DerainerError: If its size changes.
    """
    from derainers.base import DerainerError

    result = derainer(image)
    if getattr(result, "shape", None) != image.shape:
        shape = getattr(result, "shape", None)
        raise DerainerError(f"{_text(image.shape)} became {_text(shape) if shape else type(result).__name__}")
    return result


def _text(shape: Sequence[int]) -> str:
    return "x".join(str(length) for length in shape[:2])


def _most(one: Image, other: Image) -> int:
    return 255 if one.shape != other.shape else int(np.abs(one.astype(int) - other.astype(int)).max())


def psnr(one: Image, other: Image) -> float:
    """PSNR over all channels in dB, 99 for equal images; a measure of agreement, not of quality."""
    error = float(((one.astype(np.float64) - other.astype(np.float64)) ** 2).mean())
    return 99.0 if error == 0 else min(99.0, 10 * np.log10(255**2 / error))
