"""What the recruitment links of trained RDMC weights do: their gates by rain, and what switching them off costs.

    python -m bench.tools.rdmc.recruitment --images 'held_out/*.png' --out gates.png

prints PSNR on Y with all links, with none, and with each one switched off, and draws the gates. Static gates are one
number for each link; dynamic ones are computed from the image, so their mean over the channels of a link is shown for
every rain and recursion.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from torch import Tensor

    from bench.train.validate import ValidationSet
    from derainers.nets.rdmc.network import RDMC

RAINS = ("none", "streaks:light", "streaks:medium", "streaks:heavy", "rainfall:100")


@contextmanager
def without(network: RDMC, links: tuple[str, ...]) -> Iterator[None]:
    """The network with some links switched off; the others keep their gates."""
    own = network.gates.of

    def fewer(deepest: Tensor) -> Mapping[str, Tensor]:
        return {name: gate for name, gate in own(deepest).items() if name not in links}

    network.gates.of = fewer  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del network.gates.of


def worth(network: RDMC, scenes: ValidationSet) -> dict[str, dict[str, float]]:
    """PSNR on Y by what is switched off (nothing, everything, each link) and by rain.

    Args:
        network: In evaluation mode.
        scenes: Held-out images in rains.
    """
    from bench.train.validate import score

    choices: dict[str, tuple[str, ...]] = {"all links": (), "no links": network.active}
    choices |= {f"without {name}": (name,) for name in network.active}
    found = {}
    for said, links in choices.items():
        with without(network, links):
            found[said] = {rain: row["psnr_y"] for rain, row in score(network, scenes).items()}
    return found


def mean_gates(network: RDMC, scenes: ValidationSet) -> dict[str, np.ndarray]:
    """Mean gate by rain: (recursions, links), over images and over the channels of a link."""
    import numpy as np
    import torch

    from bench.train.model import to_float

    seen: list[list[float]] = []
    own = network.gates.of

    def noted(deepest: Tensor) -> Mapping[str, Tensor]:
        gates = own(deepest)
        seen.append([float(gates[name].mean()) for name in network.active])
        return gates

    network.gates.of = noted  # type: ignore[method-assign, assignment]
    found = {}
    try:
        for rain, pairs in scenes.pairs.items():
            seen.clear()
            for rainy, _ in pairs:
                x = torch.from_numpy(rainy).permute(2, 0, 1)[None]
                with torch.inference_mode():
                    network(to_float(x, torch.device("cpu"), channels_last=True))
            found[rain] = np.array(seen).reshape(len(pairs), network.recursions, -1).mean(0)
    finally:
        del network.gates.of
    return found


def figure_of(gates: Mapping[str, np.ndarray], links: tuple[str, ...]) -> Figure:
    """One field for each rain: recursions by links."""
    from reports.figures.style import grid_of

    figure, axes = grid_of(len(gates), 1.4 + 0.25 * len(links), 1.9)
    for axis, (rain, values) in zip(axes, gates.items(), strict=True):
        axis.imshow(values, vmin=0, vmax=max(1.0, *(float(v.max()) for v in gates.values())), cmap="cividis")
        for (row, column), value in ((at, values[at]) for at in _places(values)):
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", color="white", fontsize=7)
        axis.set_xticks(range(len(links)), links, rotation=45)
        axis.set_yticks(range(len(values)), [f"recursion {i + 1}" for i in range(len(values))])
        axis.set_title(rain)
        axis.grid(False)
    return figure


def _places(values: np.ndarray) -> Iterator[tuple[int, int]]:
    import numpy as np

    yield from np.ndindex(*values.shape)


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: PSNR with all links, then what each choice changes."""
    whole = found["all links"]
    lines = ["| links | " + " | ".join(whole) + " |", "|:--" + "|--:" * len(whole) + "|"]
    lines.append("| all links | " + " | ".join(f"{v:.2f}" for v in whole.values()) + " |")
    for said, scores in found.items():
        if said != "all links":
            lines.append(
                f"| {said} | " + " | ".join(f"{scores[r] - v:+.2f}" for r, v in whole.items()) + " |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table and draw the gates."""
    from bench.train.config import Validation
    from bench.train.validate import read_validation
    from derainers import registry
    from derainers.harness.load import WEIGHTS_FOLDER, load_module
    from reports.figures.style import drawing

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER / "rdmc.safetensors")
    parser.add_argument("--images", nargs="+", required=True, help="folders or patterns of clean images")
    parser.add_argument("--rain", nargs="+", default=RAINS)
    parser.add_argument("--limit", type=int, default=8, help="images per rain")
    parser.add_argument("--out", type=Path, required=True, help="the picture")
    arguments = parser.parse_args()
    images, rain = tuple(arguments.images), tuple(arguments.rain)
    scenes = read_validation(Validation(images=images, rain=rain, limit=arguments.limit), seed=0)
    network, *_ = load_module(registry.get("rdmc"), arguments.weights)
    print(table(worth(network, scenes)))  # type: ignore[arg-type]
    with drawing():
        figure = figure_of(mean_gates(network, scenes), network.active)  # type: ignore[arg-type]
        figure.savefig(arguments.out, dpi=150)
    print(arguments.out)


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()
