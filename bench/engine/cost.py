"""What derainers cost beside what they gain, for ``bench profile``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.deadline import unit
from bench.errors import ANYTHING, BadConfig, BadWeights, blame

if TYPE_CHECKING:
    import numpy as np

    from derainers import Derainer, DerainerSpec
    from derainers.harness.timing import Cost

#: The rain that gains are measured under, drawn on the embedded scenes.
RAIN = "streaks:medium"


@dataclass(frozen=True)
class Row:
    """One derainer's cost and gain.

    Attributes:
        label: What the user calls it.
        cost: What it costs on this machine.
        gain: PSNR on Y over the rainy image's, in dB, averaged over scenes; ``None`` where it was not measured.
        random: Whether the weights are random, as nobody gave any: what a network costs does not depend on them, but
            what it gains does.
    """

    label: str
    cost: Cost
    gain: float | None
    random: bool


@dataclass(frozen=True)
class Fault:
    """A derainer that could not be measured, and why, in one line that names it."""

    reason: str


def all_specs() -> tuple[DerainerSpec, ...]:
    """Every registered derainer but the reference rows."""
    from bench.vocabulary import REFERENCES
    from derainers import DerainerSpec, registry

    return tuple(DerainerSpec(name, name) for name in registry.names() if name not in REFERENCES)


def parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Read sizes as users write them, ``WIDTHxHEIGHT`` separated by commas.

    Returns:
        Height and width of each, from small to large.

    Raises:
        BadConfig: If one is not written so.
    """
    sizes = []
    for part in text.split(","):
        width, _, height = part.strip().partition("x")
        if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
            raise BadConfig(
                f"sizes {text!r}: write WIDTHxHEIGHT, separated by commas, such as 256x256,480x320"
            )
        sizes.append((int(height), int(width)))
    return tuple(sorted(sizes, key=lambda size: size[0] * size[1]))


def profile_derainers(
    specs: Sequence[DerainerSpec],
    device: str,
    precision: str,
    scenes: int,
    sizes: Sequence[tuple[int, int]],
    progress: Callable[[str], None],
    trust: str | None = None,
) -> Iterator[Row | Fault]:
    """Measure derainers, one after the other; one that cannot be loaded or run does not keep the others from it.

    Each is given out when it is done, since one that takes too long ends the process (:mod:`bench.deadline`).

    Args:
        specs: The derainers; a registered network without weights runs with random ones.
        device: As in ``load_derainer``.
        precision: Likewise.
        scenes: How many embedded scenes the gain is measured on; 0 leaves it out.
        sizes: Height and width of the images that are timed.
        progress: Called with each label before it is measured.
        trust: As in ``load_derainer``.
    """
    from derainers.harness.timing import measure

    pairs = list(_pairs(scenes))
    for spec in specs:
        progress(spec.label)
        try:
            derainer, trained = load_any(spec, device, precision, trust)
            with unit(f"derainer {spec.label}", "be measured"):
                gain = _gain(derainer, pairs) if trained and pairs else None
                row = Row(spec.label, measure(derainer, sizes), gain, random=not trained)
        except ANYTHING as error:  # anyone's code and files
            yield Fault(blame(spec.label, error))
        else:
            yield row


def check_plot(path: Path) -> None:
    """Check that a plot can be drawn in the format that a file's name asks for.

    Raises:
        BadConfig: If not; the formats are named.
    """
    from matplotlib.figure import Figure

    known = sorted(Figure().canvas.get_supported_filetypes())
    if path.suffix and path.suffix[1:].lower() not in known:
        raise BadConfig(f"--plot {path}: no image format {path.suffix}; known: {', '.join(known)}")


def draw(rows: Sequence[Row], size: tuple[int, int], path: Path) -> None:
    """Plot time against multiply-adds, and gain against time, as an image file.

    Derainers whose multiply-adds or whose gain is unknown are not on the respective side; rings have random weights.

    Args:
        rows: What was measured.
        size: Height and width of the smallest images, whose time is shown.
        path: The file; its ending says the format.

    Raises:
        OutputError: If the file cannot be written.
    """
    import io

    from matplotlib.figure import Figure

    from bench.files import write_atomic
    from reports.figures.names import name_points

    figure = Figure(figsize=(13, 6), layout="constrained")
    shown = f"milliseconds for {size[1]}x{size[0]}, on this machine"
    sides = figure.subplots(1, 2)
    sides[0].set(xscale="log", yscale="log", xlabel="GMACs at 256x256 (rings: random weights)", ylabel=shown)
    sides[1].set(xscale="log", xlabel=shown, ylabel=f"PSNR on Y gained under {RAIN} (dB)")
    points: tuple[dict[str, tuple[float, float]], ...] = ({}, {})
    for row in rows:
        seconds = row.cost.seconds[0]
        if seconds is None:
            continue
        if row.cost.macs:
            points[0][row.label] = row.cost.macs / 1e9, 1000 * seconds
        if row.gain is not None:
            points[1][row.label] = 1000 * seconds, row.gain
    hollow = {row.label for row in rows if row.random}
    for axes, places in zip(sides, points, strict=True):
        for label, (x, y) in places.items():
            axes.scatter(x, y, facecolors="none" if label in hollow else "tab:blue", edgecolors="tab:blue")
        axes.grid(alpha=0.3)
        axes.margins(0.15)  # room for names
    figure.draw_without_rendering()  # the names' places hang on the axes' last size
    for axes, places in zip(sides, points, strict=True):
        name_points(axes, places, size=8)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix[1:].lower() or "png", dpi=150)
    write_atomic(path, data.getvalue())


def load_any(spec: DerainerSpec, device: str, precision: str, trust: str | None) -> tuple[Derainer, bool]:
    """Load a derainer, with random weights where it is a network that comes without; tells whether it is trained."""
    from derainers import Entry, load_derainer, registry

    try:
        return load_derainer(spec, device, precision, trust=trust), True
    except BadWeights:
        if spec.arg is not None or spec.parts or not isinstance(registry.get(spec.name), Entry):
            raise
    from derainers.harness.load import load_untrained

    return load_untrained(registry.get(spec.name), device, precision, spec.options.arguments), False


def _pairs(scenes: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """The first embedded scenes, rainy and clean."""
    from bench.data import open_data
    from bench.rain import add_rain, parse_rain

    if scenes < 1:
        return
    data = open_data("street").first(scenes)
    rain = parse_rain(RAIN)
    for scene in data.scenes:
        clean = data.clean(scene)
        assert clean is not None
        yield add_rain(rain, clean, scene.id, 0), clean


def _gain(derainer: Derainer, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    from downstream.measures.fidelity import score_pair

    if hasattr(derainer, "restore_scenes"):
        return None
    gains = [
        score_pair(derainer(rainy), clean)["psnr_y"] - score_pair(rainy, clean)["psnr_y"]
        for rainy, clean in pairs
    ]
    return float(sum(gains) / len(gains))
