"""Published networks computed faster: batch norms folded into convolutions, channels last.

In evaluation a batch norm is a fixed scale and shift of what the convolution before it gives, so
both are one convolution. The features are equal but for rounding; so are those of images that the
network sees in smaller pieces, which fit a processor's cache. In bfloat16 they are not.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gancli.errors import UsageError
from gancli.plurals import counted

Forward = Literal["exact", "folded", "fast"]
"""How a network is computed: as it was published, folded, or folded in bfloat16."""
FUSED_DTYPES = (torch.float32, torch.bfloat16)
PIECES = (8, 4, 16, 32, 64)
"""Images that the network may see together; the first is what two cores like best."""
LOOKS_PER_CHOICE = 2
"""How often each choice is timed: the shorter time counts, as the first look also prepares."""
COMPARED_IMAGES = 16
"""On which the deviation of bfloat16 is measured."""

See = Callable[[Tensor], tuple[Tensor, ...]]


class FoldedConv(nn.Module):
    """A convolution with the batch norm after it in its weights, and a ReLU."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        # In float64, so that folding adds no error of its own.
        dtype = conv.weight.dtype
        folded = fuse_conv_bn_eval(conv.double(), norm.double())
        self.conv: nn.Conv2d = folded.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        """What convolution, batch norm and ReLU give together; (B, C, H, W) both."""
        conv = self.conv
        x = x.to(conv.weight.dtype)
        if x.device.type != "cpu" or x.dtype not in FUSED_DTYPES or not fuses_relu():
            return F.relu(conv(x), inplace=True)
        geometry = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, conv.weight, conv.bias, *geometry, "relu", [], ""
        )
        return found


@cache
def fuses_relu() -> bool:
    """Whether this torch has oneDNN's convolution with a ReLU, which its compiler uses, too."""
    x, weight, bias = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1), torch.full((1,), -0.5)
    try:
        found = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, [0, 0], [1, 1], [1, 1], 1, "relu", [], ""
        )
    # It is of torch's own use, and may be elsewhere, or otherwise, in another version.
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(found, x / 2)


def fold_norms(net: nn.Module) -> int:
    """Replace each block of `conv`, `bn` and ReLU by a folded one; returns how many there were."""
    count = 0
    for parent in list(net.modules()):
        for name, block in list(parent.named_children()):
            conv, norm = getattr(block, "conv", None), getattr(block, "bn", None)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, FoldedConv(conv, norm).requires_grad_(False).eval())
                count += 1
    return count


def halve(net: nn.Module) -> nn.Module:
    """Compute a folded network's convolutions and linear layers in bfloat16."""
    for layer in net.modules():
        if isinstance(layer, FoldedConv | nn.Linear):
            layer.to(torch.bfloat16)
    return net


def refuse_without_bf16(device: torch.device) -> None:
    """Refuse `--fast` where bfloat16 would be slower.

    Raises:
        UsageError: the device does not compute in it.
    """
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        told = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        able = device.type == "cpu" and told is not None and bool(told())
    if not able:
        raise UsageError(
            f"--fast computes in bfloat16, which this {device.type} device does not do faster: "
            "leave it out"
        )


class PieceChoice(NamedTuple):
    """How many images a network sees together, and by how many threads."""

    pieces: int
    threads: int


class InPieces:
    """Shows a network images in pieces; the first ones settle which size is the fastest.

    No image is looked at twice for that, and features do not depend on the choice.
    """

    def __init__(
        self,
        see: See,
        choices: Sequence[PieceChoice] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Wrap a network.

        Args:
            see: takes uint8 images of (B, C, H, W).
            choices: what to try; None: some sizes with the threads there are, one with half of
                them.
            clock: tells the time in seconds.
        """
        self._see, self._clock = see, clock
        self._choices = list(choices or _choices())
        self._left = [choice for choice in self._choices for _ in range(LOOKS_PER_CHOICE)]
        self._seconds: dict[PieceChoice, float] = {}

    @property
    def best(self) -> PieceChoice:
        """The fastest so far."""
        return min(self._choices, key=lambda each: self._seconds.get(each, torch.inf))

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """What the network gives for all of them, each (B, ...)."""
        threads, seen = torch.get_num_threads(), []
        try:
            start = 0
            while start < len(images):
                choice = self._next(len(images) - start)
                torch.set_num_threads(choice.threads)
                piece = images[start : start + choice.pieces]
                seen.append(self._timed(piece, choice))
                start += len(piece)
        finally:
            torch.set_num_threads(threads)
        return tuple(torch.cat(parts) for parts in zip(*seen, strict=True))

    def _next(self, images: int) -> PieceChoice:
        """One that is not known yet and that there are images for; else the best."""
        fit = next((each for each in self._left if each.pieces <= images), None)
        if fit is None:
            return self.best
        self._left.remove(fit)
        return fit

    def _timed(self, piece: Tensor, choice: PieceChoice) -> tuple[Tensor, ...]:
        began = self._clock()
        found = self._see(piece)
        if len(piece) == choice.pieces:
            each = (self._clock() - began) / len(piece)
            self._seconds[choice] = min(each, self._seconds.get(choice, torch.inf))
        return found


def _choices() -> list[PieceChoice]:
    threads = torch.get_num_threads()
    same = [PieceChoice(pieces, threads) for pieces in PIECES]
    # Two threads of one core may be slower than one.
    return [*same, PieceChoice(PIECES[0], threads // 2)] if threads > 1 else same


@dataclass
class Arithmetic:
    """How an extractor is computed, as far as it is known by now."""

    forward: Forward = "exact"
    dtype: Literal["float32", "bfloat16"] = "float32"
    pieces: InPieces | None = None
    """what shows it images; None: it sees a whole batch"""
    deviation: float | None = None
    """of bfloat16: how far features are off those in float32, relative to their length, on the
    first images that were looked at"""

    def __str__(self) -> str:
        if self.forward == "exact":
            return ""
        if self.pieces is None:
            return self.forward
        pieces, threads = self.pieces.best
        return f"{self.forward}, {pieces} images at a time, {counted(threads, 'thread')}"


def computed(net: nn.Module, forward: Forward, device: torch.device) -> tuple[See, Arithmetic]:
    """A network as it is to be computed; `net` is changed.

    Args:
        net: takes uint8 images of (B, 3, H, W) and gives features first; it has been trained.
        forward: how; folding changes nothing where there are no batch norms.
        device: where.

    Raises:
        UsageError: bfloat16 is asked for, and the device or the network does not gain by it.
    """
    if forward == "exact":
        return net.to(device), Arithmetic()
    folded = fold_norms(net)
    if forward == "fast":
        refuse_without_bf16(device)
    if not folded:
        return net.to(device), Arithmetic()
    net = net.to(device)
    whole = None
    if forward == "fast":
        whole, net = copy.deepcopy(net), halve(net)
    if device.type == "cpu" or forward == "fast":
        # In float32, GPUs are as fast or faster with channels first.
        net = net.to(memory_format=torch.channels_last)
    see: See = InPieces(net) if device.type == "cpu" else net
    pieces = see if isinstance(see, InPieces) else None
    arithmetic = Arithmetic(forward, "bfloat16" if whole else "float32", pieces)
    return (see if whole is None else _compared(see, whole, arithmetic)), arithmetic


def _compared(see: See, whole: nn.Module, arithmetic: Arithmetic) -> See:
    """The same, and note how far its first features are off those of another network."""

    def look(images: Tensor) -> tuple[Tensor, ...]:
        found = see(images)
        if arithmetic.deviation is None:
            few = images[:COMPARED_IMAGES]
            wanted = whole(few)[0].double()
            off = (found[0][: len(few)].double() - wanted).norm() / wanted.norm()
            arithmetic.deviation = float(off)
        return found

    return look
