"""How fast derainers run, against their plain form and against the machine. Prints a table; asserts nothing.

    python tests/benchmarks/bench_derainers.py [NAME ...] [--size N] [--precision bf16]

For every registered network: images/s through the harness (channels-last, folded norms, inference mode, memory kept
between layers, less arithmetic where the network has a way), and through the same network as anyone would call it
(NCHW float32, ``no_grad``, in a process without the harness); GFLOP/s (two per multiply-add of the plain form) of the
first as a share of what matrix products reach on this machine, in the same precision, in the same run; and how well
the two results agree. Weights are random: they change nothing here.
Both sides run in turn, and the faster of several passes counts, so that other work on the machine hurts both alike.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import torch

import derainers
from derainers.base import Runtime
from derainers.harness.conformance import sample
from derainers.harness.fold import fold_norms
from derainers.harness.load import _attribute
from derainers.harness.network import NetworkDerainer, has_bf16
from derainers.harness.timing import count_macs


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of one pass."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def matmul_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """GFLOP/s of square matrix products."""
    a, b = torch.rand(size, size).to(dtype), torch.rand(size, size).to(dtype)
    return 2 * size**3 / min(seconds_of(lambda: a @ b) for _ in range(6)) / 1e9


@cache
def plain_network(name: str) -> torch.nn.Module:
    """A registered network with weights that are the same in every process."""
    entry = derainers.registry.get(name)
    torch.manual_seed(0)
    return _attribute(entry.build)(**entry.config).eval()


def run_plain(name: str, batch: np.ndarray) -> tuple[float, np.ndarray]:
    """Run a network the plain way, on float32 NCHW; its seconds and what comes out."""
    network, given, results = plain_network(name), torch.from_numpy(batch), []
    with torch.no_grad():
        seconds = seconds_of(lambda: results.append(network(given)))
    return seconds, results[0].numpy()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [n for n in derainers.registry.names() if getattr(derainers.registry.get(n), "network", False)]
    parser.add_argument("names", nargs="*", default=known)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--precision", default="auto", help="of the harness's side: auto, fp32 or bf16")
    options = parser.parse_args()
    image = sample(options.size, options.size)
    batch = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)[None] / 255
    native = has_bf16(torch.device("cpu"))
    rates = {"fp32": matmul_rate(torch.float32)}
    if native or options.precision == "bf16":
        rates["bf16"] = matmul_rate(torch.bfloat16)
    print(f"{torch.get_num_threads()} threads; matrix products: ", end="")
    print(
        ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items()),
        "" if native else "(no bf16 hardware)",
    )
    print(
        f"{'derainer':<12}{'prec.':<7}{'img/s':>8}{'plain':>8}{'ratio':>7}{'GFLOP/s':>9}{'of matmul':>11}{'dB':>7}"
    )
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawned, torch.set_num_threads, (torch.get_num_threads(),)) as elsewhere:
        for name in options.names:
            entry = derainers.registry.get(name)
            module = plain_network(name)
            flops = 2 * count_macs(module, options.size, options.size)
            fold_norms(module)
            runtime = Runtime("cpu", options.precision)
            ours = NetworkDerainer(module, entry.card, {}, runtime, bears_bf16=entry.bears_bf16)
            restored = ours(image)
            _, output = elsewhere.submit(run_plain, name, batch).result()
            passes = [
                (
                    seconds_of(lambda ours=ours: ours(image)),
                    elsewhere.submit(run_plain, name, batch).result()[0],
                )  # type: ignore[misc]
                for _ in range(options.passes)
            ]
            fast, slow = (min(times) for times in zip(*passes, strict=True))
            expected = (output[0].clip(0, 1) * 255).round().transpose(1, 2, 0)
            error = float(((restored - expected) ** 2).mean())
            agree = "same" if error == 0 else f"{10 * np.log10(255**2 / error):.1f}"
            rate = flops / fast / 1e9
            share = rate / rates[ours.precision]
            print(
                f"{name:<12}{ours.precision:<7}{1 / fast:>8.2f}{1 / slow:>8.2f}{slow / fast:>7.2f}{rate:>9.0f}"
                f"{share:>10.0%} {agree:>7}",
                flush=True,
            )


if __name__ == "__main__":
    main()
