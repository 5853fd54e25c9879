"""Self-attention between the places of a feature map (Zhang et al. 2019, SAGAN)."""

import torch
from pydantic import Field
from torch import Tensor, nn

from gancli.networks.blocks import channels_last
from gancli.settings import Settings


class AttentionGate(nn.Module):
    """x plus gamma times another feature map; gamma is learned, and starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Return (B, C, H, W) of the same shape as both."""
        return torch.addcmul(x, self.gamma.to(x.dtype), other.to(x.dtype))


class SelfAttention2d(nn.Module):
    """x plus gamma times what each place gathers from all others (arXiv:1805.08318, eq. 1 to 3).

    As in the authors' code: queries and keys have an eighth of the channels, values half of them,
    keys and values are max-pooled by 2, and gamma starts at 0. The product with the softmax is
    written out, since torch's fused attention has no second derivative.

    Args:
        channels: of the feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.out = nn.Conv2d(half, channels, 1, bias=False)
        self.gate = AttentionGate()

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of the same shape; H and W are even."""
        query = self.query(x).flatten(2)
        key, value = (_pooled(layer(x)).flatten(2) for layer in (self.key, self.value))
        shares = torch.softmax(query.transpose(1, 2) @ key, dim=2)
        gathered = (value @ shares.transpose(1, 2)).view(-1, value.shape[1], *x.shape[2:])
        made: Tensor = self.gate(x, self.out(channels_last(gathered)))
        return made


class AttentionSpec(Settings):
    """The settings of networks in which places of a feature map may attend to each other."""

    attention: int | None = Field(default=None, ge=2, le=1024)
    """side (the shorter one) of the feature map whose places attend to each other (Zhang et al.
    2019); none: no such map"""

    def attentions(self, sides: list[int], widths: list[int]) -> nn.ModuleList:
        """What follows each feature map, of these sides and channels: attention, or nothing."""
        place = None if self.attention is None else sides.index(self.attention)
        return nn.ModuleList(
            SelfAttention2d(width) if n == place else nn.Identity()
            for n, width in enumerate(widths)
        )

    def attention_misfit(self, sides: list[int], longer: list[int]) -> str | None:
        """Why `attention` fits no feature map of these sides; None if it fits, or is not set.

        Args:
            sides: the shorter side of each map.
            longer: its other side.
        """
        even = [a for a, b in zip(sides, longer, strict=True) if not a % 2 and not b % 2]
        if self.attention is None or self.attention in even:
            return None
        able = ", ".join(map(str, dict.fromkeys(even)))
        return (
            f"attention is {self.attention}, and must be the side of one of its feature maps, "
            f"and even: {able or 'none is'}, which follow from the size of the data"
        )

    def nearest_attention(self, sides: list[int]) -> int | None:
        """The even side, of these, that is nearest to `attention`; None without one."""
        able = [side for side in sides if not side % 2]
        if self.attention is None or not able:
            return None
        return min(able, key=lambda side: abs(side - (self.attention or 0)))


def _pooled(x: Tensor) -> Tensor:
    """The largest of each 2x2 places; in CUDA's own max-pooling derivatives' sums have no order."""
    batch, channels, height, width = x.shape
    return x.view(batch, channels, height // 2, 2, width // 2, 2).amax((3, 5))
