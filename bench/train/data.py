"""Training samples: patches of clean images with rain drawn on them, or of pairs.

A batch depends on the seed and the number of its step alone, so a resumed training sees what an
uninterrupted one would have seen, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.rain import drawn_rain
from bench.seeds import rng_from
from bench.train.pools import Pool
from bench.vocabulary import DRY

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from bench.train.config import Data, RainChoice, TrainConfig

#: Least and greatest quality of compressed samples.
_QUALITY = (50, 95)


def draw_sample(
    pools: Sequence[Pool], data: Data, patch: int, rng: np.random.Generator, others: int = 0
) -> tuple[np.ndarray, ...]:
    """Draw one training sample.

    Args:
        pools: Where images come from.
        data: The configuration's section.
        patch: Side of the patch.
        rng: The only source of randomness.
        others: How many other rains of the same scene to draw beside it.

    Returns:
        Rainy and clean patch and the other rains, uint8 RGB, ``patch`` x ``patch`` x 3.
    """
    pool = pools[_choose([p.share for p in pools], rng)]
    index = pool.draw(rng)
    if pool.rainy:
        # The rain of a pair has its own scale: it is neither zoomed nor turned upside down.
        clean, rainy = pool.clean[index], pool.rainy[index]
        cut = _crop(clean.shape, patch, rng)
        clean, rainy = cut(clean), cut(rainy)
        if data.flips and rng.random() < 0.5:
            rainy, clean = rainy[:, ::-1], clean[:, ::-1]
    else:
        rainy, clean = _rain(pool.clean[index], data, patch, rng)
    sample = (rainy, clean, *(_other(clean, data, rng) for _ in range(others)))
    if data.jpeg and rng.random() < data.jpeg:
        quality = int(rng.integers(_QUALITY[0], _QUALITY[1] + 1))
        return tuple(_compressed(image, quality) for image in sample)
    return sample


def _rain(
    image: np.ndarray, data: Data, patch: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A patch of an image with one of the rains on it, and without."""
    choice = data.rain[_choose([c.share for c in data.rain], rng)]
    strength = float(rng.uniform(choice.low, choice.high))
    drawn = drawn_rain(choice.kind)
    if drawn.whole and strength > 0:
        whole = _brightened(_reduced(image, data, patch, rng), data, rng)
        whole = np.ascontiguousarray(whole[:, ::-1]) if data.flips and rng.random() < 0.5 else whole
        cut = _crop(whole.shape, patch, rng)
        rainy, clean = cut(drawn.add(whole, strength, rng)), cut(whole)
    else:
        clean = _augment(image, data, patch, rng)
        rainy = drawn.add(np.ascontiguousarray(clean), strength, rng)
    if choice.then is not None and rng.random() < 0.5:
        second = choice.then
        rainy = _fall(rainy, second, rng)
    return rainy, clean


def _other(clean: np.ndarray, data: Data, rng: np.random.Generator) -> np.ndarray:
    """Another rain of a scene: one that can fall on a patch, and there has to be one."""
    wet = [c for c in data.rain if c.kind != DRY and not drawn_rain(c.kind).whole]
    if not wet:
        return drawn_rain("streaks").add(clean, float(rng.uniform(0.1, 1.0)), rng)
    return _fall(clean, wet[_choose([c.share for c in wet], rng)], rng)


def _fall(image: np.ndarray, choice: RainChoice, rng: np.random.Generator) -> np.ndarray:
    strength = float(rng.uniform(choice.low, choice.high))
    return drawn_rain(choice.kind).add(np.ascontiguousarray(image), strength, rng)


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """An image as JPEG of a quality leaves it."""
    import cv2

    bgr = np.ascontiguousarray(image[..., ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[arg-type]


def _choose(shares: Sequence[float], rng: np.random.Generator) -> int:
    edges = np.cumsum(shares)
    return min(int(np.searchsorted(edges, rng.random() * edges[-1], side="right")), len(shares) - 1)


def _crop(shape: tuple[int, ...], side: int, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A function that cuts one random square; images smaller than it are continued by reflection."""
    import cv2

    missing = [max(0, side - n) for n in shape[:2]]
    top = int(rng.integers(max(0, shape[0] - side) + 1))
    left = int(rng.integers(max(0, shape[1] - side) + 1))

    def cut(image: np.ndarray) -> np.ndarray:
        if any(missing):
            image = cv2.copyMakeBorder(image, 0, missing[0], 0, missing[1], cv2.BORDER_REFLECT)
        return image[top : top + side, left : left + side]

    return cut


def _zoom(image: np.ndarray, data: Data, patch: int, rng: np.random.Generator) -> float:
    most = max(1.0, min(data.zoom, min(image.shape[:2]) / patch))
    return float(most ** rng.random())


def _reduced(image: np.ndarray, data: Data, patch: int, rng: np.random.Generator) -> np.ndarray:
    """A whole image, reduced by up to the zoom."""
    import cv2

    zoom = _zoom(image, data, patch, rng)
    size = [max(patch, round(n / zoom)) for n in (image.shape[1], image.shape[0])]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if zoom > 1 else image


def _brightened(image: np.ndarray, data: Data, rng: np.random.Generator) -> np.ndarray:
    import cv2

    if data.gain == 1:
        return image
    return cv2.convertScaleAbs(np.ascontiguousarray(image), alpha=float(data.gain ** rng.uniform(-1, 1)))


def _augment(image: np.ndarray, data: Data, patch: int, rng: np.random.Generator) -> np.ndarray:
    import cv2

    side = round(patch * _zoom(image, data, patch, rng))
    clean = _crop(image.shape, side, rng)(image)
    if side != patch:
        clean = cv2.resize(clean, (patch, patch), interpolation=cv2.INTER_AREA)
    if data.flips:
        if rng.random() < 0.5:
            clean = clean[:, ::-1]
        if rng.random() < 0.125:
            clean = clean[::-1]
    return np.ascontiguousarray(_brightened(clean, data, rng))


class Batches:
    """Whole batches by the number of the step: what the loader's workers hold.

    Attributes:
        metainfo: What MMEngine's loop asks a data set for; there is nothing to tell.

    Args:
        config: The training.
        pools: From `read_pools`.
        rank: Of this process.
        world: Number of processes.
    """

    metainfo: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, config: TrainConfig, pools: tuple[Pool, ...], rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        held_out = config.gates.learn == "held_out"
        self.pools = tuple(p.half(0, config.seed) for p in pools) if held_out else pools
        self.gate_pools = tuple(p.half(1, config.seed) for p in pools) if held_out else ()

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> dict[str, Any]:
        """The batch of a step: ``rainy`` and ``clean``, uint8 NCHW; every so often also ``gate_rainy``,
        ``gate_clean``."""
        batch = self._draw("train", self.pools, step)
        if self.gate_pools and step % self.config.gates.every == 0:
            gate = self._draw("gates", self.gate_pools, step)
            batch |= {f"gate_{name}": value for name, value in gate.items()}
        return batch

    def _draw(self, purpose: str, pools: tuple[Pool, ...], step: int) -> dict[str, Any]:
        import torch

        stage = self.config.stage_at(step)
        first = (step * self.world + self.rank) * stage.batch
        loss = self.config.loss
        count = loss.negatives - 1 if loss.contrastive and purpose == "train" else 0
        seeds = (rng_from(purpose, self.config.seed, first + i) for i in range(stage.batch))
        samples = [draw_sample(pools, self.config.data, stage.patch, rng, count) for rng in seeds]
        rainy, clean, *others = (
            torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2)) for images in zip(*samples, strict=True)
        )
        batch = {"rainy": rainy, "clean": clean}
        return {**batch, "others": torch.cat(others)} if others else batch


class StepSampler:
    """The numbers of the steps that are left; ``start`` is set where a training resumes."""

    def __init__(self, steps: int) -> None:
        self.start, self.steps = 0, steps

    def __iter__(self) -> Any:
        return iter(range(self.start, self.steps))

    def __len__(self) -> int:
        return self.steps - self.start


def make_loader(batches: Batches, workers: int) -> DataLoader:
    """A loader that hands out one whole batch per step."""
    from torch.utils.data import DataLoader

    return DataLoader(
        batches,  # type: ignore[arg-type]
        batch_size=None,
        sampler=StepSampler(len(batches)),
        num_workers=workers,
        persistent_workers=workers > 0,
    )
