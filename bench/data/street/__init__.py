"""The embedded street set: rendered street scenes with exact boxes, masks and depth."""

from __future__ import annotations

from .render import RenderedScene, render_scene

__all__ = ["RenderedScene", "render_scene"]
