"""Layers that compute what torch's do, in less time or memory; each says how."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn.functional import leaky_relu_, linear, normalize

FIRST_ITERATIONS = 15
"""Power iterations from which spectral norm starts."""
SPECTRAL_EPS = 1e-12
"""The least length that a vector is divided by; both are torch's."""
FROZEN_EPS = 1e-4
"""What frozen spectral norm adds to the length that a vector is divided by."""


def channels_last(images: Tensor) -> Tensor:
    """The images with their channels innermost in memory, which convolutions are fastest on."""
    return images.contiguous(memory_format=torch.channels_last)


class _Context(FunctionCtx):
    """The context in which a function keeps tensors for its derivative."""

    saved_tensors: tuple[Tensor, ...]
    slope: float


class _LeakySlope(torch.autograd.Function):
    """g times leaky ReLU's slope where it put out `y`: linear in g, and constant in y."""

    @staticmethod
    def forward(ctx: _Context, g: Tensor, y: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(y)
        ctx.slope = slope
        sloped: Tensor = torch.ops.aten.leaky_relu_backward(g, y, slope, True)
        return sloped

    @staticmethod
    def backward(ctx: _Context, g: Tensor) -> tuple[Tensor, None, None]:
        (y,) = ctx.saved_tensors
        return _LeakySlope.apply(g, y, ctx.slope), None, None


class _LeakyRelu(torch.autograd.Function):
    """Leaky ReLU, in place, whose second derivative is absent rather than a tensor of zeros."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor, slope: float) -> Tensor:
        y = leaky_relu_(x, slope)
        ctx.mark_dirty(x)
        ctx.save_for_backward(y)
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: _Context, g: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return _LeakySlope.apply(g, y.detach(), ctx.slope), None


class LeakyReluTwice(nn.LeakyReLU):
    """Leaky ReLU for networks whose gradient is penalised.

    torch's own has a second derivative of zeros, which autograd carries back through all layers
    below; here there is none to carry. Values and gradients are the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x's shape; x is overwritten if asked."""
        y: Tensor = _LeakyRelu.apply(x if self.inplace else x.clone(), self.negative_slope)
        return y


def leaky(slope: float, *, twice: bool = False, inplace: bool = True) -> nn.LeakyReLU:
    """A leaky ReLU.

    Args:
        slope: of negative inputs.
        twice: whether it will be differentiated twice.
        inplace: whether it overwrites its input, which no linear layer or norm needs again.
    """
    return (LeakyReluTwice if twice else nn.LeakyReLU)(slope, inplace=inplace)


class SeedConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution of (B, C, 1, 1), as the one matrix product it is."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return (B, out_channels, *kernel_size)."""
        del output_size
        seed = (x.flatten(1) @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])
        # Under autocast a wider bias would widen all that follows.
        return seed if self.bias is None else seed + self.bias.to(seed.dtype)[:, None, None]


class WholeConv2d(nn.Conv2d):
    """A convolution whose kernel covers the image, as the one matrix product it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, out_channels, 1, 1), x being (B, C, *kernel_size) or that flattened."""
        return linear(x.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


class _Divided(torch.autograd.Function):
    """W / sigma and sigma = u^T W v, of a matrix W and constant vectors u and v.

    The derivative is (g - <g, W/sigma> u v^T) / sigma. Left to itself, autograd goes back through
    quotient, dot and product, and writes twice as many tensors of W's size.
    """

    @staticmethod
    def forward(ctx: _Context, matrix: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        sigma = torch.dot(u, torch.mv(matrix, v))
        divided = matrix / sigma
        # Both are outputs, so that a second derivative sees that they depend on W.
        ctx.save_for_backward(divided, sigma, u, v)
        return divided, sigma

    @staticmethod
    def backward(ctx: _Context, of_divided: Tensor, of_sigma: Tensor) -> tuple[Tensor, None, None]:
        divided, sigma, u, v = ctx.saved_tensors
        along = of_sigma - (of_divided * divided).sum() / sigma
        return torch.addr(of_divided / sigma, along * u, v), None, None


class SpectralNorm(nn.Module):
    """A weight divided by its largest singular value (Miyato et al. 2018, algorithm 1).

    What torch's own spectral norm computes, kept out of autocast, whose half types would round the
    singular vectors that it accumulates, and cheaper to differentiate. There is one power iteration
    per training forward and none in evaluation.

    Args:
        weight: of any shape with two axes or more; not kept.
        dim: its axis of output channels, which become the matrix's rows.
        v_first: an iteration moves v before u, as in the paper and in torch's older spectral norm,
            and none is made at the start; otherwise as torch's parametrization.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, dim: int = 0, *, v_first: bool = False) -> None:
        super().__init__()
        self.dim = dim
        self.v_first = v_first
        matrix = _as_matrix(weight, dim)
        rows, columns = matrix.shape
        u, v = matrix.new_empty(rows).normal_(), matrix.new_empty(columns).normal_()
        self.register_buffer("_u", normalize(u, dim=0, eps=SPECTRAL_EPS))
        self.register_buffer("_v", normalize(v, dim=0, eps=SPECTRAL_EPS))
        self._iterate(matrix, 0 if v_first else FIRST_ITERATIONS)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight divided by its largest singular value, as estimated so far."""
        matrix = _as_matrix(weight, self.dim)
        with torch.autocast(weight.device.type, enabled=False):
            if self.training:
                self._iterate(matrix, 1)
            # Clones: another pass moves the vectors before this one is differentiated.
            divided, _ = _Divided.apply(matrix, self._u.clone(), self._v.clone())
        return _unfolded(divided, weight, self.dim)

    @torch.no_grad()
    def sigma(self, weight: Tensor) -> Tensor:
        """The largest singular value of a weight that is not divided yet, as estimated so far."""
        return torch.dot(self._u, torch.mv(_as_matrix(weight, self.dim), self._v))

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Move u and v, in place, towards the first singular vectors."""
        for _ in range(times):
            for moves_u in (not self.v_first, self.v_first):
                if moves_u:
                    normalize(torch.mv(matrix, self._v), dim=0, eps=SPECTRAL_EPS, out=self._u)
                else:
                    normalize(torch.mv(matrix.T, self._u), dim=0, eps=SPECTRAL_EPS, out=self._v)


class FrozenSpectralNorm(nn.Module):
    """A weight divided by an estimate of its largest singular value that is always too low.

    As in the koshian2/SNGAN repository: each pass, in training and in evaluation, makes one power
    iteration from the vector u that was drawn at the start, keeps nothing of it, and is
    differentiated through it.

    Args:
        weight: of any shape with two axes or more; not kept.
        dim: its axis of output channels, which become the matrix's rows.
    """

    _u: Tensor

    def __init__(self, weight: Tensor, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim
        matrix = _as_matrix(weight, dim)
        u = matrix.new_empty(len(matrix)).normal_()
        self.register_buffer("_u", u / (u.norm() + FROZEN_EPS))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight divided by the estimate."""
        matrix = _as_matrix(weight, self.dim)
        with torch.autocast(weight.device.type, enabled=False):
            v = torch.mv(matrix.T, self._u)
            v = v / (v.norm() + FROZEN_EPS)
            u = torch.mv(matrix, v)
            sigma = torch.dot(u / (u.norm() + FROZEN_EPS), u)
            return _unfolded(matrix / sigma, weight, self.dim)


def _as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with a row for each output channel."""
    return weight.movedim(dim, 0).flatten(1)


def _unfolded(matrix: Tensor, weight: Tensor, dim: int) -> Tensor:
    """The matrix in the shape of the weight it was made from."""
    return matrix.view(weight.movedim(dim, 0).shape).movedim(0, dim)
