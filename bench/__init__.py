"""derain-bench: measures whether deraining helps the networks that look at the image afterwards.

``from bench import run`` takes the same choices as ``bench run`` and returns the same rows; ``bench.check`` does what
``bench check`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import Run as Run
    from bench.api import load as load
    from bench.api import run as run
    from bench.checking import Checked as Checked
    from bench.checking import check as check

__version__ = "0.2.0"
__all__ = ["Checked", "Run", "__version__", "check", "load", "run"]


def __getattr__(name: str) -> Any:
    # The public functions pull in numpy and pandas; `import bench` (and so `bench --help`) must not.
    if name in ("load", "run", "Run"):
        from bench import api

        return getattr(api, name)
    if name in ("check", "Checked"):
        from bench import checking

        return getattr(checking, name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
