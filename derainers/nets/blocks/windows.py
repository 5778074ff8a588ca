"""What Uformer, AST and IDT share: attention in square windows, and the U-shaped network around it.

Between convolutions features are (N, H, W, C), which is how a channels-last map lies in memory: the linear layers
see pixels in a row, the convolutions a channels-last map, and neither copies. Cutting windows is one copy, putting
them back another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.layers import Named

#: What keeps a pixel from seeing one that a shift has brought beside it from the other side of the image (Liu et al.,
#: Swin Transformer, ICCV 2021).
_UNSEEN = -100.0


def to_windows(x: torch.Tensor, side: int) -> torch.Tensor:
    """Cut (N, H, W, C), H and W multiples of ``side``, into (N * windows, side * side, C), row by row."""
    count, height, breadth, width = x.shape
    grid = x.reshape(count, height // side, side, breadth // side, side, width)
    return grid.transpose(2, 3).reshape(-1, side * side, width)


def from_windows(windows: torch.Tensor, side: int, shape: Sequence[int]) -> torch.Tensor:
    """Undo :func:`to_windows` for a map of ``shape`` (N, H, W, C)."""
    count, height, breadth, width = shape
    grid = windows.reshape(count, height // side, breadth // side, side, side, width)
    return grid.transpose(2, 3).reshape(count, height, breadth, width)


def relative_index(side: int, reach: int | None = None) -> torch.Tensor:
    """Where a table of relative positions holds the entry for each pair of a window's pixels.

    Args:
        side: Of the window.
        reach: Of the table, which has (2 reach - 1)^2 entries; at least ``side``, which is the default.

    Returns:
        int64 (side^2, side^2): row of the query, column of the key.
    """
    reach = reach or side
    if side > reach:
        raise ValueError(f"a table for windows of {reach} has no entries for windows of {side}")
    line = torch.arange(side)
    rows, columns = (part.flatten() for part in torch.meshgrid(line, line, indexing="ij"))
    down = rows[:, None] - rows[None, :] + reach - 1
    right = columns[:, None] - columns[None, :] + reach - 1
    return down * (2 * reach - 1) + right


def shift_mask(height: int, breadth: int, side: int, shift: int, like: torch.Tensor) -> torch.Tensor:
    """What to add to attention's scores in a shifted map, so that opposite edges do not see each other.

    Returns:
        (windows, side^2, side^2) of the dtype and device of ``like``: 0 or -100.
    """

    def bands(length: int) -> torch.Tensor:
        places = torch.arange(length, device=like.device)
        return (places >= length - side).long() + (places >= length - shift).long()

    labels = 3 * bands(height)[:, None] + bands(breadth)[None, :]
    regions = to_windows(labels[None, :, :, None], side).squeeze(-1)
    return (regions[:, :, None] != regions[:, None, :]).to(like.dtype) * _UNSEEN


def on_map(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Apply a layer that takes (N, C, H, W) to (N, H, W, C)."""
    return layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Projection(nn.Module):
    """Queries from one linear layer; keys, values and what else is needed from another.

    Args:
        width: Channels.
        parts: How many maps the second layer gives.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, parts * width)

    def forward(self, tokens: torch.Tensor, heads: int) -> tuple[torch.Tensor, ...]:
        """(B, N, C) to the queries and each part, (B, heads, N, C / heads)."""
        maps = (self.to_q(tokens), *self.to_kv(tokens).chunk(self.parts, dim=-1))
        return tuple(part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in maps)


class WindowAttention(nn.Module):
    """Attention between the pixels of a window, with a learnt bias for each relative position.

    Args:
        width: Channels.
        heads: Groups of channels.
        side: Of the window.
        reach: Of the table of relative positions; ``side`` where it is left out.
        parts: What is projected beside the queries: keys, values, ...
        keeps_index: Whether the authors' files hold the table's index.
    """

    relative_position_index: torch.Tensor

    def __init__(
        self,
        width: int,
        heads: int,
        side: int,
        reach: int | None = None,
        parts: int = 2,
        keeps_index: bool = True,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Projection(width, parts)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * (reach or side) - 1) ** 2, heads))
        self.register_buffer("relative_position_index", relative_index(side, reach), persistent=keeps_index)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Let tokens see each other.

        Args:
            tokens: (B, N, C), B windows of N pixels.
            mask: (windows of one image, N, N), added to the scores.
        """
        query, key, *values = self.qkv(tokens, self.heads)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)[None]
        if mask is not None:
            bias = (bias + mask[:, None]).repeat(tokens.shape[0] // mask.shape[0], 1, 1, 1)
        mixed = self.mix(query, key, values, bias.to(query.dtype))
        return self.proj(mixed.transpose(1, 2).flatten(2))

    def mix(
        self, query: torch.Tensor, key: torch.Tensor, values: list[torch.Tensor], bias: torch.Tensor
    ) -> torch.Tensor:
        """(B, heads, N, D) each, and a bias that broadcasts to the scores, to (B, heads, N, D)."""
        return F.scaled_dot_product_attention(query, key, values[0], attn_mask=bias)


class ConvFeedForward(nn.Module):
    """A feed-forward part with a 3x3 depth-wise convolution in its middle ("LeFF"; Uformer, section 3.2).

    Args:
        width: Channels.
        hidden: Channels in the middle.
        residual: Whether what the convolution sees is added to what it gives, as IDT does.
    """

    def __init__(self, width: int, hidden: int, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.linear1 = nn.Sequential(nn.Linear(width, hidden), nn.GELU())
        self.dwconv = nn.Sequential(nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.GELU())
        self.linear2 = nn.Sequential(nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C) to the same."""
        inside = self.linear1(x)
        mixed = on_map(self.dwconv, inside)
        return self.linear2(mixed + inside if self.residual else mixed)


class WindowBlock(nn.Module):
    """Attention in windows and a feed-forward part, each normalised before and added to its input.

    Args:
        width: Channels.
        attention: Of a window's tokens; ``None`` for a block that has only the second half.
        feed_forward: On (N, H, W, C).
        side: Of the windows.
        shift: By how much the windows are moved down and to the right.
        modulated: Whether a learnt vector is added to each place of a window (Uformer, section 3.3).
    """

    def __init__(
        self,
        width: int,
        attention: nn.Module | None,
        feed_forward: nn.Module,
        side: int,
        shift: int = 0,
        modulated: bool = False,
    ) -> None:
        super().__init__()
        self.side = side
        self.shift = shift
        self.norm1 = nn.LayerNorm(width) if attention is not None else None
        self.attn = attention
        self.modulator = nn.Embedding(side * side, width) if modulated else None
        self.norm2 = nn.LayerNorm(width)
        self.mlp = feed_forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C), H and W multiples of the windows' side, to the same."""
        if self.attn is not None and self.norm1 is not None:
            x = x + self._attend(self.attn, self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def _attend(self, attention: nn.Module, x: torch.Tensor) -> torch.Tensor:
        shape, shift = x.shape, self.shift
        mask = shift_mask(shape[1], shape[2], self.side, shift, x) if shift else None
        tokens = to_windows(x.roll((-shift, -shift), (1, 2)) if shift else x, self.side)
        if self.modulator is not None:
            tokens = tokens + self.modulator.weight
        x = from_windows(attention(tokens, mask), self.side, shape)
        return x.roll((shift, shift), (1, 2)) if shift else x


class Stage(nn.Module):
    """Blocks in a row, under the authors' name."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C) to the same."""
        return self.blocks(x)


class MapLayers(Named):
    """Layers that take (N, C, H, W), under the authors' name for them, run on (N, H, W, C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C) to what the layers make of it."""
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class WindowUNet(nn.Module):
    """Uformer's U: four levels that halve the size, a bottleneck, four that double it; predicts what to add.

    The authors' networks take squares only, as they find a map's side from its number of pixels. Here a map keeps its
    shape, so that any multiple of (windows' side * 16) can go through.

    Args:
        width: Channels at full size; they double at each level down, and skip connections double those of the way up.
        stage: Makes one of the nine stages, on (N, H, W, C), from its index and its channels: 0 to 3 down, 4 the
            bottleneck, 5 to 8 up.
        bottleneck: The authors' name for stage 4.
    """

    def __init__(self, width: int, stage: Callable[[int, int], nn.Module], bottleneck: str) -> None:
        super().__init__()
        self._bottleneck = bottleneck
        self.input_proj = MapLayers("proj", nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(inplace=True))
        self.output_proj = MapLayers("proj", nn.Conv2d(2 * width, 3, 3, padding=1))
        for level in range(4):
            inner = width * 2**level
            self.add_module(f"encoderlayer_{level}", stage(level, inner))
            # "dowsample" is how the authors spell it.
            down = MapLayers("conv", nn.Conv2d(inner, 2 * inner, 4, stride=2, padding=1))
            self.add_module(f"dowsample_{level}", down)
        self.add_module(bottleneck, stage(4, 16 * width))
        for step in range(4):
            outer = width * 2 ** (3 - step)
            below = 2 * outer if step == 0 else 4 * outer
            up = MapLayers("deconv", nn.ConvTranspose2d(below, outer, 2, stride=2))
            self.add_module(f"upsample_{step}", up)
            self.add_module(f"decoderlayer_{step}", stage(5 + step, 2 * outer))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; not clamped."""
        x = self.input_proj(rainy.permute(0, 2, 3, 1))
        skips = []
        for level in range(4):
            skips.append(self.get_submodule(f"encoderlayer_{level}")(x))
            x = self.get_submodule(f"dowsample_{level}")(skips[-1])
        x = self.get_submodule(self._bottleneck)(x)
        for step in range(4):
            x = torch.cat([self.get_submodule(f"upsample_{step}")(x), skips.pop()], -1)
            x = self.get_submodule(f"decoderlayer_{step}")(x)
        return self.output_proj(x).permute(0, 3, 1, 2) + rainy
