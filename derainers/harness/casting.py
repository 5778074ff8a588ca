"""Networks that compute in another precision, between float32 images."""

from __future__ import annotations

import torch


def cast(module: torch.nn.Module, kind: torch.dtype) -> torch.nn.Module:
    """Return a network that takes float32, gives what it gets to another one as ``kind``, and returns float32 again."""
    return _Cast(module, kind)


class _Cast(torch.nn.Module):
    def __init__(self, module: torch.nn.Module, kind: torch.dtype) -> None:
        super().__init__()
        self.module, self.kind = module, kind

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        restored = self.module(pixels.to(self.kind))
        return (
            restored.float()
            if isinstance(restored, torch.Tensor) and restored.is_floating_point()
            else restored
        )
