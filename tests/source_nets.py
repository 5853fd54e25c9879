"""Networks of other repositories, written out plainly with the names that they have there.

Each is what its repository's README or code says, and shares nothing with the program; adapters
let by_hand.py train them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot
from torch.nn.utils import spectral_norm as older_spectral_norm
from torch.nn.utils.parametrizations import spectral_norm

from gancli.types import DiscriminatorOutput, Latent, Sample

# --- xyfJASON/GANs-Implementations ---


def norm_or_not(has_norm: bool, width: int, *, images: bool = False) -> nn.Module:
    if not has_norm:
        return nn.Identity()
    return nn.BatchNorm2d(width) if images else nn.BatchNorm1d(width)


class Mlp(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, width: int, norms: Sequence[bool], *, sn: bool = False
    ) -> None:
        super().__init__()

        def linear(before: int, after: int) -> nn.Module:
            made = nn.Linear(before, after)
            return spectral_norm(made) if sn else made

        def block(norm: bool, after: int) -> nn.Sequential:
            return nn.Sequential(norm_or_not(norm, width), nn.LeakyReLU(0.2), linear(width, after))

        self.first_layer = linear(inputs, width)
        self.layers = nn.Sequential(*(block(norm, width) for norm in norms[:-1]))
        self.last_layer = block(norms[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.last_layer(self.layers(self.first_layer(x))))


class ClassNorm(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(width, affine=False)
        self.weights = nn.Embedding(classes, width)
        self.biases = nn.Embedding(classes, width)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        scale, shift = self.weights(label), self.biases(label)
        return cast(Tensor, self.bn(x) * scale[:, :, None, None] + shift[:, :, None, None])


class ImageMaker(nn.Module):
    def __init__(
        self, inputs: int, dim: int, *, norm: bool, classes: int = 0, channels: int = 3
    ) -> None:
        super().__init__()
        self.normed = bool(classes)
        widths = [4 * dim, 2 * dim, dim]

        def block(before: int, after: int) -> nn.Sequential:
            first = (
                ClassNorm(before, classes) if classes else norm_or_not(norm, before, images=True)
            )
            return nn.Sequential(first, nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1))

        self.first_conv = nn.ConvTranspose2d(inputs, widths[0], 4)
        self.layers = nn.Sequential(*(block(*pair) for pair in pairwise(widths)))
        self.last_conv = block(dim, channels)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.first_conv(z[:, :, None, None])
        for norm, activation, conv in [*self.layers, self.last_conv]:
            x = conv(activation(norm(x, label) if self.normed else norm(x)))
        return torch.tanh(x)


class ImageJudge(nn.Module):
    """With heads its last layers have other names."""

    def __init__(
        self,
        dim: int,
        *,
        norm: bool,
        inputs: int = 3,
        heads: dict[str, int] | None = None,
        sn: bool = False,
    ) -> None:
        super().__init__()
        widths = [dim, 2 * dim, 4 * dim]
        self.heads = heads

        def conv(before: int, after: int, kernel: int, stride: int, padding: int) -> nn.Module:
            made = nn.Conv2d(before, after, kernel, stride, padding)
            return spectral_norm(made) if sn else made

        def block(before: int, after: int, has_norm: bool) -> nn.Sequential:
            return nn.Sequential(
                norm_or_not(has_norm, before, images=True),
                nn.LeakyReLU(0.2),
                conv(before, after, 4, 2, 1),
            )

        self.first_conv = conv(inputs, dim, 4, 2, 1)
        self.layers = nn.Sequential(
            *(block(a, b, norm and n > 0) for n, (a, b) in enumerate(pairwise(widths)))
        )
        last = [norm_or_not(norm, widths[-1], images=True), nn.LeakyReLU(0.2)]
        if heads is None:
            self.last_conv = nn.Sequential(*last, conv(widths[-1], 1, 4, 1, 0))
        else:
            self.last = nn.Sequential(*last)
            self.disc_head = nn.Conv2d(widths[-1], 1, 4)
            for name, count in heads.items():
                self.add_module(name, nn.Conv2d(widths[-1], count, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.layers(self.first_conv(x))
        if self.heads is None:
            return self.last_conv(x).flatten(1), {}
        x = self.last(x)
        made = {name: self.get_submodule(name)(x).flatten(1) for name in self.heads}
        return self.disc_head(x).flatten(1), made


# --- adapters, by which by_hand.py trains them ---


class Maker(nn.Module):
    def __init__(self, net: nn.Module, shape: Sequence[int] = (), classes: int = 0) -> None:
        super().__init__()
        self.net, self.shape, self.classes = net, shape, classes

    def forward(self, latent: Latent) -> Tensor:
        parts = [latent.z]
        if isinstance(self.net, ImageMaker) and self.net.normed:
            return cast(Tensor, self.net(latent.z, latent.label))
        if self.classes and latent.label is not None:
            parts.append(one_hot(latent.label, self.classes).to(latent.z.dtype))
        if latent.category is not None and latent.code is not None:
            parts += [one_hot(latent.category, 10).to(latent.z.dtype), latent.code]
        made: Tensor = self.net(torch.cat(parts, 1))
        return torch.tanh(made).view(-1, *self.shape) if self.shape else made


HEADS = {"cls_head": "label", "c_disc_head": "category", "c_cont_head": "code"}


class Judge(nn.Module):
    def __init__(self, net: nn.Module, classes: int = 0, *, judges_noise: bool = False) -> None:
        super().__init__()
        self.net, self.classes, self.judges_noise = net, classes, judges_noise

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        x = sample.x
        if self.classes and sample.label is not None:
            planes = one_hot(sample.label, self.classes).to(x.dtype)[:, :, None, None]
            x = torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1)
        if isinstance(self.net, ImageJudge):
            logit, heads = self.net(x)
            return DiscriminatorOutput(logit[:, 0], {HEADS[k]: v for k, v in heads.items()})
        x = x.flatten(1)
        if self.judges_noise and sample.z is not None:
            x = torch.cat([x, sample.z], 1)
        return DiscriminatorOutput(self.net(x)[:, 0], {})


# --- koshian2/SNGAN ---


class FrozenNorm(nn.Module):
    """Divides a layer's weight as that repository does: nothing of the iteration is kept."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        weight = cast(Tensor, module.weight)
        del module._parameters["weight"]
        u = torch.randn(len(weight))
        module.register_parameter("weight_u", nn.Parameter(u / u.norm(), requires_grad=False))
        module.register_parameter(
            "weight_v", nn.Parameter(torch.randn(len(weight)), requires_grad=False)
        )
        module.register_parameter("weight_bar", nn.Parameter(weight.detach()))
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        bar, u = cast(Tensor, self.module.weight_bar), cast(Tensor, self.module.weight_u)
        matrix = bar.flatten(1)
        v = matrix.T @ u
        v = v / (v.norm() + 1e-4)
        u = matrix @ v
        u = u / (u.norm() + 1e-4)
        self.module.weight = bar / (u @ matrix @ v)
        return cast(Tensor, self.module(x))


class _Wrapped(nn.Module):
    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


class StandardMaker(nn.Module):
    def __init__(self, z_dim: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.dense = nn.Linear(z_dim, 4 * 4 * 8 * dim)
        for n, width in enumerate((8 * dim, 4 * dim, 2 * dim), 1):
            stage = _Wrapped(
                conv=nn.ConvTranspose2d(width, width // 2, 4, 2, 1),
                bn=nn.BatchNorm2d(width // 2),
            )
            self.add_module(f"conv{n}", stage)
        self.out = nn.Sequential(nn.Conv2d(dim, 3, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        x = self.dense(z).view(-1, 8 * self.dim, 4, 4)
        for n in (1, 2, 3):
            stage = self.get_submodule(f"conv{n}")
            x = torch.relu(stage.bn(stage.conv(x)))  # type: ignore[operator]
        return cast(Tensor, self.out(x))


class StandardJudge(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        before = 3
        for n, width in enumerate((dim, 2 * dim, 4 * dim), 1):
            convs = (nn.Conv2d(before, width, 3, 1, 1), nn.Conv2d(width, width, 4, 2, 1))
            stage = nn.Sequential(*(_Wrapped(conv=FrozenNorm(conv)) for conv in convs))
            self.add_module(f"conv{n}", stage)
            before = width
        self.conv4 = _Wrapped(conv=FrozenNorm(nn.Conv2d(before, 8 * dim, 3, 1, 1)))
        self.dense = nn.Linear(16 * 8 * dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        for stage in (self.conv1, self.conv2, self.conv3, [self.conv4]):
            for part in stage:  # type: ignore[union-attr]
                x = nn.functional.leaky_relu(part.conv(x), 0.1)  # type: ignore[operator]
        return cast(Tensor, self.dense(x.flatten(1)))


# --- w86763777/pytorch-gan-collections ---


class GroupedMaker(nn.Module):
    def __init__(self, z_dim: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(z_dim, 4 * 4 * 8 * dim)
        layers: list[nn.Module] = [nn.BatchNorm2d(8 * dim), nn.ReLU(True)]
        for width in (8 * dim, 4 * dim, 2 * dim):
            layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1)]
            layers += [nn.BatchNorm2d(width // 2), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.Conv2d(dim, 3, 3, 1, 1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        x = self.linear(z)
        return cast(Tensor, self.main(x.view(len(x), -1, 4, 4)))


class GroupedJudge(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in (dim, 2 * dim, 4 * dim):
            first, second = max(before, dim), 2 * width
            layers += [older_spectral_norm(nn.Conv2d(before, first, 3, 1, 1)), nn.LeakyReLU(0.1)]
            layers += [older_spectral_norm(nn.Conv2d(first, second, 4, 2, 1)), nn.LeakyReLU(0.1)]
            before = second
        layers += [older_spectral_norm(nn.Conv2d(before, before, 3, 1, 1)), nn.LeakyReLU(0.1)]
        self.main = nn.Sequential(*layers)
        self.linear = older_spectral_norm(nn.Linear(16 * before, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(self.main(x).flatten(1)))


class UpBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.shortcut = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.residual(x) + self.shortcut(x))


class ResidualMaker(nn.Module):
    def __init__(self, z_dim: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(z_dim, 16 * dim)
        self.blocks = nn.Sequential(*(UpBlock(dim) for _ in range(3)))
        self.output = nn.Sequential(
            nn.BatchNorm2d(dim), nn.ReLU(True), nn.Conv2d(dim, 3, 3, padding=1), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.linear(z)
        return cast(Tensor, self.output(self.blocks(x.view(len(x), -1, 4, 4))))


class DownBlock(nn.Module):
    def __init__(self, before: int, after: int, *, down: bool, first: bool = False) -> None:
        super().__init__()
        pool = [nn.AvgPool2d(2)] if down else []
        convs = [
            older_spectral_norm(nn.Conv2d(before, after, 3, padding=1)),
            nn.ReLU(),
            older_spectral_norm(nn.Conv2d(after, after, 3, padding=1)),
        ]
        self.residual = nn.Sequential(*([] if first else [nn.ReLU()]), *convs, *pool)
        short = [older_spectral_norm(nn.Conv2d(before, after, 1))] if down or first else []
        self.shortcut = nn.Sequential(*(pool + short if first else short + pool))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.residual(x) + self.shortcut(x))


class ResidualJudge(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            DownBlock(3, dim, down=True, first=True),
            DownBlock(dim, dim, down=True),
            DownBlock(dim, dim, down=False),
            DownBlock(dim, dim, down=False),
            nn.ReLU(),
        )
        self.linear = older_spectral_norm(nn.Linear(dim, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(self.model(x).sum(dim=[2, 3])))


# --- Victarry/Image-Generation-models ---


class NumberedMlp(nn.Module):
    """Layers `model.N` of `fc`, `bn` and an activation; a discriminator ends in `classifier`."""

    def __init__(
        self, sizes: Sequence[int], *, norm: bool, judges: bool, act: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.act, self.judges = act, judges
        pairs = list(pairwise(sizes))
        inner = pairs[:-1]
        self.model = nn.ModuleList()
        for n, (before, after) in enumerate(inner):
            layer = _Wrapped(fc=nn.Linear(before, after))
            if norm and not (judges and n == 0):
                layer.add_module("bn", nn.BatchNorm1d(after))
            self.model.append(layer)
        last = _Wrapped(fc=nn.Linear(*pairs[-1]))
        if judges:
            self.classifier = last
        else:
            self.model.append(last)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.model if self.judges else self.model[:-1]
        for layer in inner:
            x = layer.fc(x)  # type: ignore[operator]
            x = self.act(layer.bn(x) if hasattr(layer, "bn") else x)  # type: ignore[operator]
        last = self.classifier if self.judges else self.model[-1]
        return cast(Tensor, last.fc(x))  # type: ignore[operator]


# --- RebuildZoo/GANseries ---


class TinyMaker(nn.Module):
    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        sizes = [(inputs, 4 * dim, 4, 1, 0), (4 * dim, 2 * dim, 4, 2, 1), (2 * dim, dim, 2, 2, 1)]
        stages = [
            _Wrapped(deconv=nn.ConvTranspose2d(*size, bias=False), bn=nn.BatchNorm2d(size[1]))
            for size in sizes
        ]
        self.G_deconv = nn.Sequential(*stages, nn.ConvTranspose2d(dim, 1, 2, 2, 0, bias=False))

    def forward(self, z: Tensor) -> Tensor:
        *stages, last = self.G_deconv
        x = z[:, :, None, None]
        for stage in stages:
            x = torch.relu(stage.bn(stage.deconv(x)))  # type: ignore[operator]
        return torch.sigmoid(last(x))


class TinyJudge(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        sizes = [(1, dim, 4, 2, 1), (dim, 2 * dim, 2, 2, 1), (2 * dim, 4 * dim, 4, 2, 1)]
        stages = []
        for n, size in enumerate(sizes):
            stage = _Wrapped(sn_conv=older_spectral_norm(nn.Conv2d(*size, bias=False)))
            if n:
                stage.add_module("bn", nn.BatchNorm2d(size[1]))
            stages.append(stage)
        self.D_conv = nn.Sequential(*stages)
        self.D_head = nn.Sequential(older_spectral_norm(nn.Conv2d(4 * dim, 1, 4, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.D_conv:
            x = stage.sn_conv(x)  # type: ignore[operator]
            x = nn.functional.leaky_relu(stage.bn(x) if hasattr(stage, "bn") else x, 0.2)  # type: ignore[operator]
        return cast(Tensor, self.D_head(x).flatten(1))


# --- kwotsin/mimicry, whose blocks enlarge bilinearly ---


class BilinearBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(width, width, 3, padding=1)
        self.c2 = nn.Conv2d(width, width, 3, padding=1)
        self.b1, self.b2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.c_sc = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        def up(maps: Tensor) -> Tensor:
            return interpolate(maps, scale_factor=2, mode="bilinear")

        h = self.c1(up(torch.relu(self.b1(x))))
        return cast(Tensor, self.c2(torch.relu(self.b2(h))) + self.c_sc(up(x)))


class BilinearMaker(nn.Module):
    def __init__(self, z_dim: int, dim: int) -> None:
        super().__init__()
        self.l1 = nn.Linear(z_dim, 16 * dim)
        self.block2, self.block3, self.block4 = (BilinearBlock(dim) for _ in range(3))
        self.b5, self.c5 = nn.BatchNorm2d(dim), nn.Conv2d(dim, 3, 3, padding=1)
