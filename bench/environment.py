"""What a run says of the machine and the versions it used."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import bench

_PACKAGES = (
    "torch",
    "numpy",
    "opencv-python",
    "pycocotools",
    "mmengine",
    "mmcv",
    "mmcv-lite",
    "mmdet",
    "mmsegmentation",
)


def versions() -> dict[str, str]:
    """Return the versions of the packages that results may depend on; absent ones are left out."""
    found = {"python": platform.python_version(), "derain-bench": bench.__version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the processor's name, without anything that tells one machine of its kind from another."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def described() -> str:
    """The version of the bench, then a line for each package that results depend on, the system and the processor."""
    found = versions()
    lines = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{processor()}, {os.cpu_count()} cores",
    }
    ours = f"derain-bench {found.pop('derain-bench')}"
    return "\n".join((ours, *(f"  {name}: {value}" for name, value in {**found, **lines}.items())))
