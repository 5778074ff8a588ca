"""Running a network as a derainer: colour, range, padding, precision, batches, tiles, and the way back to
uint8.

The network sees float32 NCHW, RGB in [0, 1], height and width multiples of what its card says, and returns
the same. What comes back is clamped to [0, 1] and rounded to uint8, as an image file would hold it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from bench.allocator import keep_freed_memory
from bench.device import gpu_advice, resolve_device
from bench.environment import processor
from bench.errors import ANYTHING, BadConfig, BenchError, said
from derainers.base import Card, DerainerError, FixedSize, NotFinite, Runtime, Unfit
from derainers.harness.interface import Interface, advice, described
from derainers.harness.padding import fit, pad_to_multiple
from derainers.harness.tiling import Tiles, parse_tile, restore_tiled

#: Raise when a change here changes results; it is part of every network's key.
HARNESS_VERSION = 1
#: Larger images than this (in pixels) are tiled under ``tile="auto"``. A fixed number rather than free
#: memory, so that a result does not depend on the machine: a Cityscapes frame is done whole.
WHOLE_PIXELS = 2048 * 1024
#: Pixels in one batch on a GPU. On a CPU one image fills the cores, and batches of one make results
#: independent of neighbours.
BATCH_PIXELS = 2048 * 1024
#: Side of the image that :meth:`NetworkDerainer.probe` runs.
PROBE_SIDE = 64

Forward = Callable[[torch.Tensor], torch.Tensor]


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 faster than float32.

    Processors may have AVX-512's bfloat16 products and gain nothing by them: AMD's run them faster than float32,
    Intel's at about half its rate (141 against 257 GFLOP/s on two threads of a Xeon) unless tile units (AMX) do
    them. The answer goes by the kind of processor and not by a stopwatch, since evidence is kept under the precision.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)

    def has(probe: str) -> bool:
        return bool(getattr(torch.cpu, probe, lambda: False)())

    return has("_is_amx_tile_supported") or (has("_is_avx512_bf16_supported") and "Intel" not in processor())


def resolve_precision(name: str, device: torch.device, bears_bf16: bool) -> str:
    """Turn ``auto`` into ``fp32`` or ``bf16``.

    Args:
        name: ``auto``, ``fp32`` or ``bf16``.
        device: Where the network will run.
        bears_bf16: Whether the network was measured to stay within 0.02 dB in bfloat16.

    Raises:
        BadConfig: If ``name`` is something else.
    """
    if name not in ("auto", "fp32", "bf16"):
        raise BadConfig(f"precision {name!r}: write auto, fp32 or bf16")
    if name == "auto":
        return "bf16" if bears_bf16 and has_bf16(device) else "fp32"
    return name


class NetworkDerainer:
    """A network as a derainer.

    Args:
        forward: NCHW float32 in [0, 1] to the same; usually an ``nn.Module``, which is moved to the device
            and put into evaluation mode.
        card: Its ``multiple``, ``least``, ``square`` and ``fixed`` say how images are brought to a size it takes.
        key: What the output depends on so far; precision, tiles and this harness's version are added.
        runtime: Device, precision and tiles.
        bears_bf16: Whether ``precision="auto"`` may choose bfloat16.
        whole_pixels: The largest image that ``tile="auto"`` leaves whole.
        lighten: Makes of the network, and of the type it computes in, a copy that computes the same faster.
        interface: What it takes and returns, where that is something else.
        remarks: What its user should know of how it was loaded.
    """

    def __init__(
        self,
        forward: Forward,
        card: Card,
        key: dict[str, Any],
        runtime: Runtime | None = None,
        *,
        bears_bf16: bool = False,
        whole_pixels: int = WHOLE_PIXELS,
        lighten: Callable[[Any, torch.dtype], torch.nn.Module] | None = None,
        interface: Interface | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        runtime = runtime or Runtime()
        self.device = torch.device(resolve_device(runtime.device))
        if self.device.type == "cpu":
            keep_freed_memory()
        self.precision = resolve_precision(runtime.precision, self.device, bears_bf16)
        self.card = card
        #: What happened that a user should know of, such as falling back to tiles.
        self.notes: list[str] = []
        self.remarks = tuple(remarks)
        if runtime.tile == "auto":
            self._tiles: Tiles | None = Tiles()
            self._whole = whole_pixels
            tile = f"auto: {self._tiles} above {whole_pixels} pixels"
        else:
            self._tiles = parse_tile(runtime.tile)
            self._whole = 0
            tile = str(self._tiles or "off")
        if card.fixed is not None:
            tile = f"fixed {card.fixed.side}"
        self.key = {**key, "harness": HARNESS_VERSION, "precision": self.precision, "tile": tile}
        #: The network, where it is an ``nn.Module`` and not just something that can be called.
        self.module = forward if isinstance(forward, torch.nn.Module) else None
        #: Whether every image goes through by itself, on a GPU too.
        self._alone = getattr(forward, "alone", None) is True
        if isinstance(forward, torch.nn.Module):
            forward = forward.eval().to(self.device)
            to_channels_last(forward)
            if lighten is not None:
                forward = lighten(forward, torch.bfloat16 if self.precision == "bf16" else torch.float32)
        if interface is not None and interface.key():
            self.key["interface"] = interface.key()
        self._interface = interface
        self._forward = forward if interface is None else interface.around(forward)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restore one uint8 RGB image."""
        return self.restore([image])[0]

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore several uint8 RGB images; those of one size go through the network together where that
        pays.

        Raises:
            DerainerError: If the network raises, or returns something that is not an image of the same size.
        """
        results: list[np.ndarray | None] = [None] * len(images)
        groups: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(images):
            groups.setdefault((image.shape[0], image.shape[1]), []).append(index)
        for (height, width), members in groups.items():
            if self._tiled(height, width):
                for index in members:
                    results[index] = self._restore_in_tiles(images[index])
                continue
            size = (
                max(1, BATCH_PIXELS // (height * width))
                if self.device.type == "cuda" and not self._alone
                else 1
            )
            for first in range(0, len(members), size):
                chunk = members[first : first + size]
                for index, restored in zip(
                    chunk, self._restore_whole([images[i] for i in chunk]), strict=True
                ):
                    results[index] = restored
        return [result for result in results if result is not None]

    def probe(self) -> None:
        """Find out before the first image what every image would show, where the network is a user's own.

        Raises:
            Unfit, BadConfig: If the network lacks an input or returns no image. What else it may raise can be due to
                the size of the small image that it is given, and is left to the run.
            NotFinite: If it returns NaN for a grey image and for one that is not flat.
        """
        if self._interface is None:
            return
        grey = np.full((PROBE_SIDE, PROBE_SIDE, 3), 127, np.uint8)
        noise = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint8)
        if (fault := self._not_finite(grey)) is not None and self._not_finite(noise) is not None:
            raise fault

    def _not_finite(self, image: np.ndarray) -> NotFinite | None:
        """Restore an image of which nothing is kept; see :meth:`probe`."""
        devices = [self.device] if self.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices):
                self.restore([image])
        except (Unfit, BadConfig):
            raise
        except NotFinite as fault:
            return fault
        except ANYTHING:
            pass
        return None

    def restore_together(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore images of one size in one batch, also where :meth:`restore` would take them one by one; not those of
        networks that take one size only, whose images go through in tiles, nor of those that want every image alone."""
        together = self.card.fixed is None and not self._alone
        return self._restore_whole(list(images)) if together else self.restore(images)

    def _tiled(self, height: int, width: int) -> bool:
        if self.card.fixed is not None:
            return True
        return (
            self._tiles is not None and height * width > self._whole and max(height, width) > self._tiles.size
        )

    def _restore_whole(self, images: list[np.ndarray]) -> list[np.ndarray]:
        height, width = images[0].shape[:2]
        fitted = [fit(image, self.card) for image in images]
        _, top, left = fitted[0]
        batch = np.stack([pixels for pixels, _, _ in fitted])
        try:
            restored = _to_uint8(self._run(batch)[:, :, top : top + height, left : left + width])
        except (torch.OutOfMemoryError, MemoryError):
            self._release()
            if len(images) > 1:
                return [self._restore_whole([image])[0] for image in images]
            tiles = self._tiles or Tiles()
            if max(height, width) <= tiles.size:
                raise DerainerError(
                    f"{self.card.name!r} ran out of memory on a {height}x{width} image; use another device"
                ) from None
            self.notes.append(f"out of memory on a {height}x{width} image: restored in tiles of {tiles}")
            return [self._restore_in_tiles(images[0])]
        return list(restored)

    def _restore_in_tiles(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]

        def part(tile: np.ndarray) -> np.ndarray:
            return self._run(tile[None])[0].permute(1, 2, 0).float().cpu().numpy()

        if self.card.fixed is not None:
            restored = _restore_fixed(part, image, self.card.fixed)
        else:
            padded = pad_to_multiple(image, self.card.multiple, self.card.least)
            restored = restore_tiled(part, padded, self._tiles or Tiles(), self.card.multiple)
        return np.rint(restored[:height, :width].clip(0.0, 1.0) * 255.0).astype(np.uint8)

    def _run(self, batch: np.ndarray) -> torch.Tensor:
        """Run the network on uint8 (N, H, W, 3); returns float (N, 3, H, W), checked."""
        with torch.inference_mode(), self._numerics():
            # Permuting NHWC bytes gives a channels-last NCHW tensor without a copy; the conversion keeps that
            # layout.
            pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2)
            inputs = pixels.to(torch.float32).div_(255.0)
            try:
                output = self._forward(inputs)
            except (torch.OutOfMemoryError, MemoryError, BenchError):
                raise
            except ANYTHING as error:
                if "not enough memory" in str(error) or "t allocate memory" in str(error):
                    raise MemoryError from None  # the CPU allocator raises a bare RuntimeError
                hint = _hint(error)
                raise (Unfit if hint else DerainerError)(
                    f"derainer {self.card.name!r} failed on a {batch.shape[1]}x{batch.shape[2]} image: "
                    f"{said(error)}{hint}"
                ) from error
            self._check(output, inputs)
            return output

    def _check(self, output: object, inputs: torch.Tensor) -> None:
        name = self.card.name
        if not isinstance(output, torch.Tensor):
            raise Unfit(f"derainer {name!r} returned {described(output)}: {advice(output)}")
        if output.shape != inputs.shape:
            raise (Unfit if _no_size_helps(output.shape[1:], inputs.shape[1:]) else DerainerError)(
                f"derainer {name!r} made {tuple(output.shape)} of {tuple(inputs.shape)}: the size must stay"
                f"{_axes(output.shape, inputs.shape)}"
            )
        if not output.is_floating_point():
            real = "; take its real part" if output.is_complex() else ""
            raise Unfit(
                f"derainer {name!r} returned {output.dtype}: it must return floats, RGB in [0, 1]{real}"
            )
        if not bool(torch.isfinite(output).all()):
            raise NotFinite(
                f"derainer {name!r} returned NaN or infinite values: look for a division, root or logarithm of zero in "
                f"its forward, and for NaN in its weights"
            )

    @contextlib.contextmanager
    def _numerics(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self.device.type == "cuda":
                # TensorFloat-32 would silently make "fp32" a 10-bit precision.
                stack.enter_context(
                    torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
                )
            if self.precision == "bf16":
                stack.enter_context(torch.autocast(self.device.type, torch.bfloat16))
            yield

    def _release(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def _no_size_helps(made: Sequence[int], given: Sequence[int]) -> bool:
    """Whether an output (C, H, W) has other axes or channels than its input, or half its size or double: no padding of
    the image would mend that."""
    if len(made) != len(given) or made[0] != given[0]:
        return True
    return any(a >= 2 * b or 2 * a <= b for a, b in zip(made[1:], given[1:], strict=True))


def _axes(made: Sequence[int], given: Sequence[int]) -> str:
    """What else must stay, where an output has other axes or channels than its input."""
    if len(made) != len(given):
        return ", with all axes: images in the batch, channels, height, width"
    return f", with three channels: pick or make the three of {made[1]}" if made[1] != given[1] else ""


#: Errors of networks that no image would mend, and what to do about them.
_HINTS = (
    (
        r"Expected more than 1 value per channel when training",
        "a BatchNorm layer computes as in training: leave .train() out of forward and track_running_stats at True, "
        "or use InstanceNorm",
    ),
    (
        r"does not require grad",
        "images come without gradients: where forward needs its own, compute them of a clone of the image within "
        "torch.inference_mode(False) and torch.enable_grad()",
    ),
    (
        r"to have 1 channels, but got 3 channels",
        "it takes grey images: have forward take the three channels apart, and put them together again",
    ),
)


def _hint(error: BaseException) -> str:
    """What to do about an error of a network that no image of the right kind would have caused."""
    for pattern, told in _HINTS:
        if re.search(pattern, str(error)):
            return f"; {told}"
    if isinstance(error, NotImplementedError) and '"forward"' in str(error):
        return ": write its forward(self, rainy), which returns the restored images"
    lacking = re.search(r"forward\(\) missing .* positional arguments?: '(\w+)'", str(error))
    if lacking is None:
        return gpu_advice(error)
    name = lacking[1]
    return (
        f"; give it with ?.inputs={{{name}: VALUE}}, or, where it is a tensor, with "
        f"inputs = {{{name!r}: torch.tensor([0])}} in its class"
    )


def to_channels_last(module: torch.nn.Module) -> None:
    """Let the weights of a network's convolutions lie as channels-last images do, in place.

    ``Module.to`` would do it, but fails where a network has a weight of five dimensions.
    """
    for weight in module.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def _to_uint8(output: torch.Tensor) -> np.ndarray:
    """Clamp and round float (N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3)."""
    rounded = output.float().clamp(0.0, 1.0).mul_(255.0).round_().to(torch.uint8)
    return rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _restore_fixed(
    part: Callable[[np.ndarray], np.ndarray], image: np.ndarray, fixed: FixedSize
) -> np.ndarray:
    """Restore through a network that takes squares of one size only, in overlapping tiles of that size."""
    padded = pad_to_multiple(image, 1, fixed.side)
    return restore_tiled(part, padded, Tiles(fixed.side, fixed.overlap), central=fixed.central)
