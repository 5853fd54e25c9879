"""Residual blocks, which add what two convolutions make of their input to it (He et al. 2016)."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from gancli.networks.generating import normed

Resize = Literal["up", "down", "none"]


class Residual(nn.Module):
    """x plus what two 3x3 convolutions make of it, at twice or half the side if asked.

    Where side or channels change, x passes a 1x1 convolution, at the smaller of both sides: it
    commutes with nearest upsampling and with average pooling.

    Args:
        inputs: channels of x.
        outputs: channels of what is returned.
        resize: nearest upsampling by 2, average pooling by 2, or neither.
        before: whether norms and activations stand before the convolutions and a larger map is
            pooled last (He et al. 2016, arXiv:1603.05027); otherwise after them, and it is pooled
            first.
        norms: of `inputs` (or, after the convolutions, `outputs`) and of `outputs` channels.
        activations: the first must not overwrite its input where nothing normalises that.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        resize: Resize,
        *,
        before: bool,
        norms: tuple[nn.Module, nn.Module],
        activations: tuple[nn.Module, nn.Module],
    ) -> None:
        super().__init__()
        self.resize = resize
        self.before = before
        self.norm1, self.norm2 = norms
        self.activation1, self.activation2 = activations
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or resize != "none":
            self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """Return (B, outputs, H, W) of the side asked for."""
        small = avg_pool2d(x, 2) if self.resize == "down" else x
        skipped = self._enlarged(self.shortcut(small))
        return skipped + (self._before(x, label) if self.before else self._after(small, label))

    def _before(self, x: Tensor, label: Tensor | None) -> Tensor:
        x = self._enlarged(self.activation1(normed(self.norm1, x, label)))
        x = self.conv2(self.activation2(normed(self.norm2, self.conv1(x), label)))
        return avg_pool2d(x, 2) if self.resize == "down" else x

    def _after(self, x: Tensor, label: Tensor | None) -> Tensor:
        x = self.activation1(normed(self.norm1, self.conv1(self._enlarged(x)), label))
        made: Tensor = self.activation2(normed(self.norm2, self.conv2(x), label))
        return made

    def _enlarged(self, x: Tensor) -> Tensor:
        return interpolate(x, scale_factor=2.0) if self.resize == "up" else x
