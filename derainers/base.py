"""What a derainer is: the protocol, its card, and how users name one.

A derainer takes an image and gives back an image of the same size. Everywhere outside a network an image is
uint8, HxWx3, RGB, C-contiguous. Anything with the attributes and methods of :class:`Derainer` is one; nobody
has to inherit from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bench.errors import BenchError
from bench.listing import labelled
from bench.plugins import Options, PlugIn, joined, parse, read_options

if TYPE_CHECKING:
    import numpy as np

    from bench.objects import Given


CHAIN, FLIP = "chain", "flip"
"""What a spec made of others has as its name."""


class DerainerError(BenchError):
    """A derainer that broke its contract while it ran: it raised, or returned no restored image."""


class Unfit(DerainerError):
    """What lacks an input, or returns no image, whatever it is given; the message says what to declare."""


class NotFinite(DerainerError):
    """What returns NaN or infinite values for an image."""


#: What a derainer is made of, in the order in which an overview shows them.
KINDS = (
    "reference",
    "filter",
    "model-driven",
    "recurrent",
    "convolutional",
    "frequency",
    "transformer",
    "all-in-one",
)


@dataclass(frozen=True)
class Published:
    """PSNR and SSIM as somebody published them.

    Attributes:
        set: The test set.
        psnr: In dB.
        ssim: ``None`` where it is not given.
        protocol: ``y`` or ``rgb``, as in ``psnr@y`` and ``psnr@rgb``.
        trained: What the network was trained on.
        source: Where it was read.
    """

    set: str
    psnr: float
    ssim: float | None
    protocol: str
    trained: str
    source: str


@dataclass(frozen=True)
class FixedSize:
    """The one size of input that a network takes: images go through it in overlapping squares of that size.

    Attributes:
        side: Of the squares, in pixels.
        overlap: The least that neighbours share, in pixels.
        central: Whether results are averaged with weights that fall with the distance to a square's middle, as some
            released test scripts do, instead of being blended across the overlaps.
    """

    side: int
    overlap: int
    central: bool = False


@dataclass(frozen=True)
class Card:
    """What one should know of a derainer before believing its numbers.

    Attributes:
        name: The name it is registered under, or the user's own.
        title: One line: what it is.
        paper: Authors, title and place of publication; empty for what has none.
        bibtex: The BibTeX entry, empty for what has none.
        year: Of publication.
        licence: Of the code that is run and of the weights, as far as their owners say.
        training_data: What the weights were trained on; it depends on the file for weights that the user
            brings.
        weights_sha256: Of the weights' file; ``None`` without weights, or before a file is loaded.
        params: Number of parameters; ``None`` where unknown.
        macs_256: Multiply-adds for a 256x256 image; ``None`` where unknown.
        multiple: Height and width of the input must be multiples of it (the harness pads by reflection, at the bottom
            and right).
        least: The smallest height and width of the input; ``None`` for two multiples.
        square: Whether the harness puts an image into the middle of a black square instead, as some released test
            scripts do; its side is a multiple of ``multiple``.
        fixed: For a network that takes one size only: which, and how larger images are cut and put together.
        weights_note: Where a user gets the weights, and under which terms.
        kind: One of :data:`KINDS`; empty where nobody said.
        published: What is published of it. Not kept in records, which say what was measured.
        learnt: The rains (``streaks``) and data sets (``Rain100H``, ``camvid/train``) that the weights have learnt
            from, as far as it is known; reports mark who has seen the test.
    """

    name: str
    title: str = ""
    paper: str = ""
    bibtex: str = ""
    year: int | None = None
    licence: str = "unknown"
    training_data: str = "unknown"
    weights_sha256: str | None = None
    params: int | None = None
    macs_256: int | None = None
    multiple: int = 1
    least: int | None = None
    square: bool = False
    fixed: FixedSize | None = None
    weights_note: str = ""
    kind: str = ""
    published: tuple[Published, ...] = ()
    learnt: tuple[str, ...] = ()

    def kept(self) -> dict[str, Any]:
        """What a record keeps of the card, as JSON."""
        card = asdict(self)
        del card["published"]
        return {**card, "learnt": list(self.learnt)}  # as it is read back


@dataclass(frozen=True)
class Setting:
    """A variant, as derainers are told of it that find their images by what the scenes are called.

    Attributes:
        rain: The rain's name; None where the data set brings its own.
        scenes: Scene id to the names of its image files, without suffix.
        images: Scene id to a file of the size that the scene's images have, where there is one.
    """

    rain: str | None
    scenes: Mapping[str, tuple[str, ...]]
    images: Mapping[str, Path] = field(default_factory=dict)


@runtime_checkable
class Derainer(Protocol):
    """Restores images.

    Further methods and attributes are optional, and looked for with ``getattr``:

    ``missing(ids: Sequence[str]) -> list[str]``
        The scenes that it cannot restore, out of ``ids``. Asked before a run, so that a gap is reported
        before work begins.
    ``restore_scenes(ids: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]``
        Like ``restore``, for derainers that need to know which scene an image shows (a folder of restored
        images does). Where it exists it is used instead of ``restore``.
    ``of_variant(setting: Setting) -> Derainer``
        The derainer as it serves the scenes of a variant; used there in its place, under the same key.
    ``remarks: Sequence[str]``
        What its user should know of how it was loaded; every record of it says so.
    """

    @property
    def card(self) -> Card:
        """The card, with the hash of the weights that were loaded."""

    @property
    def key(self) -> dict[str, Any]:
        """JSON: all that the output depends on, as code, weights, configuration, precision, tiles."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restore one image (uint8 RGB HxWx3 in and out)."""

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore several images, which may differ in size; each result is what it would be alone."""


@dataclass(frozen=True)
class DerainerSpec:
    """A derainer as the user named it: ``[LABEL=]NAME[?OPTIONS][:ARG]``.

    Attributes:
        label: What reports call it.
        name: A registered name, ``FILE.py:OBJECT``, ``torchscript``, ``onnx`` or ``folder``; ``chain`` or ``flip``
            for a derainer made of others.
        arg: Usually the weights' file; ``None`` where none was given.
        parts: What it is made of.
        query: What it is made with, as it was written; see :func:`bench.plugins.read_options`.
        given: What stands for an object that a script handed over.
    """

    label: str
    name: str
    arg: str | None = None
    parts: tuple[DerainerSpec, ...] = ()
    query: str = ""
    given: Given | None = None

    @property
    def options(self) -> Options:
        """What it is made with.

        Raises:
            BadConfig: If that is not written as options are.
        """
        return read_options(self.query)

    @property
    def plugin(self) -> PlugIn | None:
        """The object of the user's own that it is, its options included; None where it is none."""
        found = parse(self.name)
        return None if found is None else replace(found, query=self.query)

    @property
    def unlabelled(self) -> str:
        """How it is written without a label."""
        return compound_text(self.name, self.parts) if self.parts else joined(self.name, self.query, self.arg)

    def __str__(self) -> str:
        usual = compound_label(self.name, self.parts) if self.parts else default_label(self.name)
        return self.unlabelled if self.label == usual else labelled(self.label, self.unlabelled)


@dataclass(frozen=True)
class Runtime:
    """How derainers are to run.

    Attributes:
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (bfloat16 where hardware has it and the derainer was found to bear it), ``fp32``
            or ``bf16``.
        tile: ``auto`` (large images only), ``off``, or ``SIZE[+OVERLAP]`` in pixels.
        trust: SHA-256 of weights files that may be unpickled although they are not plain weights.
    """

    device: str = "auto"
    precision: str = "auto"
    tile: str = "auto"
    trust: str | None = None


def compound_label(kind: str, parts: Sequence[DerainerSpec]) -> str:
    """What a compound is called: ``a+b``, ``flip(a)``."""
    return f"flip({parts[0].label})" if kind == FLIP else "+".join(part.label for part in parts)


def compound_text(kind: str, parts: Sequence[DerainerSpec]) -> str:
    """How a compound is written."""
    return f"flip({parts[0]})" if kind == FLIP else "+".join(map(str, parts))


def default_label(name: str) -> str:
    """The label of a derainer that was given none: its name; for ``my.py:fn`` it is ``fn``."""
    plugin = parse(name)
    return name if plugin is None else plugin.name


def checked(result: object, image: np.ndarray, who: str) -> np.ndarray:
    """Return ``result`` if it is a restored form of ``image``.

    Args:
        result: What a derainer returned.
        image: What it was given, uint8 HxWx3.
        who: The derainer's name, for the message.

    Raises:
        DerainerError: If it is not a uint8 array of the image's size.
    """
    import numpy as np

    from bench.images import unlike

    fault = unlike(result, image)
    if fault is not None:
        raise DerainerError(f"derainer {who!r} {fault}")
    return np.ascontiguousarray(result)  # type: ignore[call-overload]
