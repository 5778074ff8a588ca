"""What derainers cost beside what they gain, for ``bench profile``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import ANYTHING, BadWeights, blame

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
        gain: PSNR on Y over the rainy image's, in dB, averaged over scenes; ``None`` where the weights are random, as
            nobody gave any: what a network costs does not depend on them.
    """

    label: str
    cost: Cost
    gain: float | None


@dataclass(frozen=True)
class Fault:
    """A derainer that could not be measured, and why, in one line that names it."""

    reason: str


def all_specs() -> tuple[DerainerSpec, ...]:
    """Every registered derainer but the reference rows."""
    from bench.vocabulary import REFERENCES
    from derainers import DerainerSpec, registry

    return tuple(DerainerSpec(name, name) for name in registry.names() if name not in REFERENCES)


def profile_derainers(
    specs: Sequence[DerainerSpec], device: str, precision: str, scenes: int, progress: Callable[[str], None]
) -> list[Row | Fault]:
    """Measure derainers, one after the other; one that cannot be loaded or run does not keep the others from it.

    Args:
        specs: The derainers; a registered network without weights runs with random ones.
        device: As in ``load_derainer``.
        precision: Likewise.
        scenes: How many embedded scenes the gain is measured on; 0 leaves it out.
        progress: Called with each label before it is measured.
    """
    from derainers.harness.timing import measure

    pairs = list(_pairs(scenes))
    rows: list[Row | Fault] = []
    for spec in specs:
        progress(spec.label)
        try:
            derainer, trained = _load(spec, device, precision)
            gain = _gain(derainer, pairs) if trained and pairs else None
            rows.append(Row(spec.label, measure(derainer), gain))
        except ANYTHING as error:  # anyone's code and files
            rows.append(Fault(blame(spec.label, error)))
    return rows


def draw(rows: Sequence[Row], path: Path) -> None:
    """Plot gain against multiply-adds as an image file; derainers whose gain is unknown are left out.

    Raises:
        OutputError: If the file cannot be written.
    """
    import io

    from matplotlib.figure import Figure

    from bench.files import write_atomic

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        seconds = row.cost.seconds[0]
        if row.gain is None or seconds is None:
            continue
        axes.scatter(1000 * seconds, row.gain, color="tab:blue")
        axes.annotate(row.label, (1000 * seconds, row.gain), xytext=(5, 4), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds for 256x256, on this machine")
    axes.set_ylabel(f"PSNR on Y gained under {RAIN} (dB)")
    axes.grid(alpha=0.3)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lstrip(".") or "png", dpi=150)
    write_atomic(path, data.getvalue())


def _load(spec: DerainerSpec, device: str, precision: str) -> tuple[Derainer, bool]:
    """Load a derainer, with random weights where it is a network that comes without; tells whether it is trained."""
    from derainers import Entry, load_derainer, registry

    try:
        return load_derainer(spec, device, precision), True
    except BadWeights:
        if spec.arg is not None or spec.parts or not isinstance(registry.get(spec.name), Entry):
            raise
    from derainers.harness.load import load_untrained

    return load_untrained(registry.get(spec.name), device, precision), False


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
