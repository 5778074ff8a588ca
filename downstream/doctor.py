"""What this environment lacks for downstream models, each with the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from packaging.version import InvalidVersion, Version

from downstream.models.index import installed_folder

LITE = "pip install 'derain-bench[lite]'"

#: Import name, distributions that provide it (the maintained forks second), what it is for, how it is had.
NEEDED = (
    (
        "torch",
        ("torch",),
        "every network",
        "pip install torch --index-url https://download.pytorch.org/whl/cpu",
    ),
    ("pycocotools", ("pycocotools",), "the detection task", "pip install pycocotools"),
    ("mmengine", ("mmengine", "onedl-mmengine"), "downstream models", "pip install mmengine"),
    (
        "pkg_resources",
        ("setuptools",),
        "a model config that inherits another (MMEngine looks through it; setuptools has it up to 81)",
        "pip install 'setuptools<82'",
    ),
    ("mmcv", ("mmcv", "mmcv-lite", "onedl-mmcv"), "downstream models", LITE),
    ("mmdet", ("mmdet", "onedl-mmdetection"), "the detection task", LITE),
    ("mmseg", ("mmsegmentation", "onedl-mmsegmentation"), "the segmentation task", LITE),
    ("ftfy", ("ftfy",), "the segmentation task (mmsegmentation imports it, but does not ask for it)", LITE),
)


@dataclass(frozen=True)
class Problem:
    """Something that keeps a part of the program from working.

    Attributes:
        what: The fault and its consequence.
        fix: A command, or what to do.
    """

    what: str
    fix: str


def problems() -> list[Problem]:
    """Look for missing and clashing packages, importing none of them."""
    found = [
        Problem(f"{name} is not installed: {purpose} cannot run", fix)
        for name, _, purpose, fix in NEEDED
        if not _present(name)
    ]
    return found + _torch_version() + _mmcv_twice() + _mmcv_version() + _mmcv_ops()


def ops_kind() -> str:
    """Return ``compiled`` where mmcv brings its extension, ``fallback`` where not, ``none`` without mmcv."""
    folder = installed_folder("mmcv")
    if folder is None:
        return "none"
    return "compiled" if any(folder.glob("_ext*.so")) or any(folder.glob("_ext*.pyd")) else "fallback"


def _torch_version() -> list[Problem]:
    version = _version(("torch",))
    if version is None or version >= Version("2.6"):
        return []
    return [
        Problem(
            f"torch {version} cannot read checkpoints as plain data with all that OpenMMLab's carry",
            "pip install 'torch>=2.6'",
        )
    ]


def _mmcv_twice() -> list[Problem]:
    held = [name for name in ("mmcv", "mmcv-lite", "onedl-mmcv") if _version((name,)) is not None]
    if len(held) < 2:
        return []
    return [
        Problem(
            f"{' and '.join(held)} are both installed: they overwrite each other's files",
            f"pip uninstall -y {' '.join(held)}, then install one of them",
        )
    ]


def _mmcv_version() -> list[Problem]:
    """MMDetection 3.3 and MMSegmentation 1.2 refuse mmcv from 2.2 on; their forks do not."""
    mmcv = _version(("mmcv", "mmcv-lite"))
    strict = [name for name in ("mmdet", "mmsegmentation") if _version((name,)) is not None]
    if mmcv is None or not strict or Version("2.0.0rc4") <= mmcv < Version("2.2.0"):
        return []
    return [Problem(f"{' and '.join(strict)} refuse mmcv {mmcv}", "pip install 'mmcv-lite>=2.0.1,<2.2'")]


def _mmcv_ops() -> list[Problem]:
    """A compiled extension that was built for another torch is worse than none: only loading it tells."""
    if ops_kind() != "compiled" or not _present("torch"):
        return []
    from downstream.models.mmops import extension_fault

    said = extension_fault()
    if said is None:
        return []
    return [
        Problem(
            f"mmcv's compiled operations do not load ({said}); plain ones are used instead",
            "install an mmcv that was built for this torch, or mmcv-lite",
        )
    ]


def _present(name: str) -> bool:
    return installed_folder(name) is not None


def _version(names: tuple[str, ...]) -> Version | None:
    for name in names:
        try:
            return Version(metadata.version(name))
        except (metadata.PackageNotFoundError, InvalidVersion):
            continue
    return None
