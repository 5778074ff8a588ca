"""What a training does: the YAML file of ``bench train``, checked before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.errors import BadConfig, BenchError
from bench.explain import explain
from bench.yaml_file import read_yaml


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Section):
    """Clean images: a folder, a glob pattern, or ``street:N`` for N rendered scenes.

    Attributes:
        images: Where they are.
        share: How often a sample comes from this source, relative to the others.
    """

    images: str
    share: float = Field(1.0, gt=0)


class RainChoice(_Section):
    """One of the rains that samples are drawn under.

    Attributes:
        kind: A family of rains that is drawn by strength: ``streaks`` (1/3 light, 2/3 medium, 1 heavy), ``wide`` (the
            same strengths, streaks of many more kinds), ``rainfall`` (mm/h), ``none``, or one of an installed package.
        share: How often, relative to the others.
        low: Least strength or rate.
        high: Greatest strength or rate; each sample draws uniformly between the two.
        then: A second rain on top of it, half of the time; its share counts for nothing.
    """

    kind: str
    share: float = Field(1.0, gt=0)
    low: float = 0.0
    high: float = 1.0
    then: RainChoice | None = None

    @model_validator(mode="after")
    def _ordered(self) -> RainChoice:
        from bench.rain import drawn_rain

        try:
            top = drawn_rain(self.kind).most
        except BenchError as error:  # told with the key's place
            raise ValueError(str(error)) from None
        if not 0 <= self.low <= self.high <= top:
            raise ValueError(f"low and high of {self.kind} must be ordered and within 0 and {top:g}")
        if self.then is not None and drawn_rain(self.then.kind).whole:
            raise ValueError(
                f"{self.then.kind} has a scene's depth and fog, so it comes first: name the streaks under then"
            )
        return self


class Data(_Section):
    """Where samples come from.

    Attributes:
        clean: Sources of clean images, rain drawn on the fly.
        pairs: Folders of rainy and clean images in any layout that ``--data pairs:`` reads, or list files in them;
            used as they are.
        pair_share: How often a sample is a pair where both kinds are given.
        rain: What is drawn on clean images.
        zoom: A crop is taken up to this many times the patch's size and reduced, which varies the scale.
        flips: Mirror left-right half of the time, and upside down one time in eight.
        gain: Brightness is multiplied by up to this factor or its inverse before the rain is drawn; 1 for
            never.
        jpeg: How often both images of a sample are compressed by JPEG of quality 50 to 95, the same for both: rain in
            compressed photos, without asking that compression be undone.
    """

    clean: tuple[Source, ...] = ()
    pairs: tuple[str, ...] = ()
    pair_share: float = Field(0.5, ge=0, le=1)
    rain: tuple[RainChoice, ...] = (
        RainChoice(kind="streaks", share=9, low=0.15, high=1.0),
        RainChoice(kind="none", share=1),
    )
    zoom: float = Field(2.0, ge=1)
    flips: bool = True
    gain: float = Field(1.0, ge=1)
    jpeg: float = Field(0.0, ge=0, le=1)


class Stage(_Section):
    """A stretch of the training.

    Attributes:
        until: The step at which it ends; the last one's is the length of the training.
        patch: Side of the square patches, pixels.
        batch: Patches per step and process.
        set: Attributes of the network in this stage, such as ``recursions``: a recursive network costs less
            while it learns the basics with one.
    """

    until: int = Field(gt=0)
    patch: int = Field(64, ge=16)
    batch: int = Field(8, ge=1)
    set: dict[str, bool | int | float] = {}


class Optimiser(_Section):
    """Adam with linear warm-up, a constant stretch and half a cosine down; gradients clipped by norm.

    Attributes:
        decay: Share of the steps, at the end, in which the rate falls from ``lr`` to ``floor``. With less than 1 a
            training can be prolonged: what came before the fall does not depend on its length.
        factors: Learning rates of parts of the network over ``lr``, by the first word of their weights' names: parts
            that begin afresh beside trained ones (``links: 7``) have to learn faster to become of use. A part with 0
            stays as it is.
    """

    lr: float = Field(1e-3, gt=0)
    decay: float = Field(1.0, gt=0, le=1)
    factors: dict[str, Annotated[float, Field(ge=0)]] = {}
    floor: float = Field(1e-6, ge=0)
    warmup: int = Field(200, ge=0)
    clip: float = Field(1.0, gt=0)
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0


class Loss(_Section):
    """Weights of the loss terms; the paper's sum is 0.1 MSE + (1 - SSIM) + 0.1 contrastive.

    Attributes:
        mse: Of the mean squared error.
        ssim: Of 1 - SSIM.
        l1: Of the mean absolute error.
        contrastive: Of the contrastive ratio.
        features: What the contrastive term looks through: ``efficientnet_lite0`` (ImageNet weights of a package),
            ``yolox_nano:FILE``, ``vgg19:FILE`` or ``vgg19:URL#sha256=HEX`` for ImageNet weights in torchvision's
            layout, or ``random`` for VGG-19's layers with weights of a fixed seed.
        negatives: Rainy images each restored one is pushed from: its own, then other rains of the same scene.
        detached: Cut the gradient of the contrastive term, as the released training code does; for ablation
            only.
    """

    mse: float = Field(0.1, ge=0)
    ssim: float = Field(1.0, ge=0)
    l1: float = Field(0.0, ge=0)
    contrastive: float = Field(0.1, ge=0)
    features: str = "random"
    negatives: int = Field(1, ge=1)
    detached: bool = False


class Gates(_Section):
    """How a network's own architecture parameters (RDMC's recruitment gates and up-sampling mix) are learnt.

    Attributes:
        learn: ``joint`` with the weights; ``held_out``: on the half of the images that the weights do not
            see, first order; ``fixed``: not at all.
        every: Steps of the weights per step of the gates (held_out).
        lr: Adam's rate for the gates (held_out).
    """

    learn: Literal["joint", "held_out", "fixed"] = "joint"
    every: int = Field(4, ge=1)
    lr: float = Field(3e-4, gt=0)


class Validation(_Section):
    """What the averaged weights are scored on while training.

    Attributes:
        images: Folders or glob patterns of clean images that are not trained on.
        pairs: Folders of pairs that are not trained on, each scored in its own rain.
        rain: Rains that fall on ``images``, as ``bench run --rain`` takes them.
        limit: Images per rain.
        every: Steps between two validations; 0 for none.
        side: Images are cropped in the centre to at most this side.
    """

    images: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    rain: tuple[str, ...] = ("streaks:light", "streaks:medium", "streaks:heavy")
    limit: int = Field(8, ge=1)
    every: int = Field(1000, ge=0)
    side: int = Field(256, ge=32)


class TrainConfig(_Section):
    """One training, completely: the same file and seed give the same weights.

    Attributes:
        network: A registered network's name, or ``FILE.py:OBJECT``.
        options: Its constructor's arguments.
        start: Weights to begin from: a file, or the name of a derainer whose weights ship.
        fresh: Parts of the network, by the first words of their weights' names, that the weights of ``start`` may lack;
            they begin afresh.
        dropped: Parts of the weights of ``start``, named likewise (``links.up4``), that the network does without; they
            are left out.
        average: Decay of the exponential moving average that is validated and exported; 0 for none.
        precision: ``bf16`` runs the network under autocast; the loss stays in fp32.
        channels_last: Memory layout; faster on most CPUs and on GPUs.
        workers: Processes that make batches; 0 makes them in the training process.
        threads: Threads of each process; 0 leaves torch's choice.
        checkpoint_every: Steps between checkpoints.
        keep: Checkpoints kept.
        log_every: Steps between lines of the log.
    """

    network: str = "rdmc"
    options: dict[str, Any] = {}
    start: str | None = None
    fresh: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    data: Data
    stages: tuple[Stage, ...] = Field(min_length=1)
    optimiser: Optimiser = Optimiser()
    loss: Loss = Loss()
    gates: Gates = Gates()
    average: float = Field(0.999, ge=0, lt=1)
    validation: Validation = Validation()
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = True
    seed: int = Field(0, ge=0, lt=1 << 63)
    workers: int = Field(0, ge=0)
    threads: int = Field(0, ge=0)
    checkpoint_every: int = Field(500, ge=1)
    keep: int = Field(2, ge=1)
    log_every: int = Field(50, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        ends = [stage.until for stage in self.stages]
        if ends != sorted(set(ends)):
            raise ValueError("stages must end at growing steps")
        if not self.data.clean and not self.data.pairs:
            raise ValueError("data names neither clean images nor pairs")
        return self

    @property
    def steps(self) -> int:
        """Length of the training."""
        return self.stages[-1].until

    def stage_at(self, step: int) -> Stage:
        """The stage that a step (from 0) belongs to; steps behind the end belong to the last one."""
        for stage in self.stages:
            if step < stage.until:
                return stage
        return self.stages[-1]


DEFAULT = "default"
"""The configuration of networks that have none of their own."""


def shipped_configs() -> dict[str, Path]:
    """The configurations that ship, by name."""
    import derainers

    root = Path(derainers.__file__).parent
    found = {path.stem: path for path in sorted(root.glob("nets/*/configs/*.yaml"))}
    return {**found, DEFAULT: Path(__file__).parent / "default.yaml"}


def shipped_config(name: str) -> Path:
    """The path of a configuration: ``name`` itself where it is a file, else the shipped one of that name.

    Raises:
        BadConfig: There is neither; the shipped ones are listed.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    found = shipped_configs()
    if name not in found:
        raise BadConfig(
            f"no training configuration {name!r}: give a YAML file, or one of the shipped {', '.join(found)}"
        )
    return found[name]


def config_for(network: str) -> Path:
    """The shipped configuration that is a network's own, else the default one."""
    found = shipped_configs()
    return found.get(network.replace("-", "_"), found[DEFAULT])


def load_config(path: Path, changes: dict[str, Any] | None = None) -> TrainConfig:
    """Read and check a training configuration.

    Args:
        path: YAML. Relative paths in it are meant from the folder the command runs in.
        changes: Top-level keys to set on top of the file, and keys of ``data`` and ``validation`` one by
            one.

    Raises:
        BadConfig: The file is missing, is not YAML, or has an unknown key (with the closest known one) or a
            bad value.
    """
    content = read_yaml(path, f"training configuration {path}")
    if not isinstance(content, dict):
        raise BadConfig(f"training configuration {path} must be a mapping of keys to values")
    merged = {**content, **(changes or {})}
    for section in ("data", "validation"):
        if changes and isinstance(content.get(section), dict) and isinstance(changes.get(section), dict):
            merged[section] = {**content[section], **changes[section]}
    try:
        return TrainConfig.model_validate(merged)
    except ValidationError as error:
        faults = "; ".join(explain(error, TrainConfig))
        raise BadConfig(f"training configuration {path}: {faults}") from None
