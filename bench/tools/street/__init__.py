"""The renderer of the street set, and the training of the models that are embedded for it."""

from __future__ import annotations

from .render import RenderedScene, render_scene

__all__ = ["RenderedScene", "render_scene"]
