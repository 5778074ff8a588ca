"""How fast derainers run, against their plain form and against the machine. Prints a table; asserts nothing.

    python tests/benchmarks/bench_derainers.py [NAME ...] [--size N]

For every registered network: images/s through the harness (channels-last, folded norms, inference mode, the precision
that ``auto`` picks), and through the same network as anyone would call it (NCHW float32, ``no_grad``); GFLOP/s (two per
multiply-add) of the first as a share of what matrix products reach on this machine, in the same precision, in the same
run. Weights are random: they change nothing here. Both sides run in turn, and the faster of several passes counts, so
that other work on the machine hurts both alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import derainers
from derainers.base import Runtime
from derainers.checks import sample
from derainers.fold import fold_norms
from derainers.load import _attribute
from derainers.network import NetworkDerainer, has_bf16
from derainers.profile import count_macs


def fastest(first: Callable[[], object], second: Callable[[], object], passes: int) -> tuple[float, float]:
    """Seconds of two pieces of work, run in turn; the fastest pass of each after one that is not counted."""
    first(), second()
    best = [float("inf"), float("inf")]
    for _ in range(passes):
        for index, work in enumerate((first, second)):
            started = time.perf_counter()
            work()
            best[index] = min(best[index], time.perf_counter() - started)
    return best[0], best[1]


def matmul_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """GFLOP/s of square matrix products."""
    a, b = torch.rand(size, size).to(dtype), torch.rand(size, size).to(dtype)
    seconds, _ = fastest(lambda: a @ b, lambda: None, 5)
    return 2 * size**3 / seconds / 1e9


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [n for n in derainers.registry.names() if getattr(derainers.registry.get(n), "network", False)]
    parser.add_argument("names", nargs="*", default=known)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    image = sample(options.size, options.size)
    batch = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
    native = has_bf16(torch.device("cpu"))
    rates = {"fp32": matmul_rate(torch.float32)}
    if native:
        rates["bf16"] = matmul_rate(torch.bfloat16)
    print(f"{torch.get_num_threads()} threads; matrix products: ", end="")
    print(
        ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items()),
        "" if native else "(no bf16 hardware)",
    )
    print(
        f"{'derainer':<12}{'prec.':<7}{'img/s':>8}{'plain':>8}{'ratio':>7}{'GFLOP/s':>9}{'of matmul':>11}{'dB':>7}"
    )
    for name in options.names:
        entry = derainers.registry.get(name)
        torch.manual_seed(0)
        plain = _attribute(entry.build)(**entry.config).eval()
        flops = 2 * count_macs(plain, options.size, options.size)
        module = _attribute(entry.build)(**entry.config).eval()
        module.load_state_dict(plain.state_dict())
        fold_norms(module)
        ours = NetworkDerainer(module, entry.card, {}, Runtime("cpu"), bears_bf16=entry.bears_bf16)

        def run_plain(plain: torch.nn.Module = plain) -> torch.Tensor:
            with torch.no_grad():
                return plain(batch)

        fast, slow = fastest(lambda ours=ours: ours(image), run_plain, options.passes)  # type: ignore[misc]
        expected = (run_plain()[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
        error = float(((ours(image) - expected) ** 2).mean())
        agree = "same" if error == 0 else f"{10 * np.log10(255**2 / error):.1f}"
        rate = flops / fast / 1e9
        share = rate / rates[ours.precision]
        print(
            f"{name:<12}{ours.precision:<7}{1 / fast:>8.2f}{1 / slow:>8.2f}{slow / fast:>7.2f}{rate:>9.0f}"
            f"{share:>10.0%} {agree:>7}"
        )


if __name__ == "__main__":
    main()
