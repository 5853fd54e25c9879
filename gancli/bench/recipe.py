"""What the plain loops are given: networks, numbers, formulas and draws, without any framework."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from gancli.data import Dataset
from gancli.networks.plain import plain_discriminator, plain_generator
from gancli.objective import R1, GradientPenalty, WeightClip
from gancli.objective.adversarial import SeparateAdversarial
from gancli.preset import Preset
from gancli.state import build_players
from gancli.types import DiscriminatorNet, GeneratorNet, Latent, Sample, WeightOptimizer

Loop = Iterator[tuple[float, float] | None]
"""Each `next` takes one step of the generator; the textbook's loop also tells the losses."""
LOOPED = (SeparateAdversarial, R1, GradientPenalty, WeightClip)
"""The parts of an objective that the loops know."""


class LoopDraws(Protocol):
    """Where a loop's batches and random numbers come from."""

    def real(self) -> Tensor:
        """(B, *x) real samples, as the networks see them."""
        ...

    def latent(self) -> Tensor:
        """(B, z_dim) fresh latents."""
        ...

    def mix(self) -> Tensor:
        """(B, 1, ...) numbers uniform on [0, 1), or a single one for the whole batch."""
        ...


class TorchDraws:
    """Draws by torch's own generator, from data that sit on the device."""

    def __init__(self, preset: Preset, data: Dataset, device: torch.device) -> None:
        self.preset = preset
        self.device = device
        self.x = data.x.to(device)
        self.batch_size = preset.schedule.batch_size

    def real(self) -> Tensor:
        """Samples drawn with replacement, mirrored and noised as the preset says."""
        spec = self.preset.data
        index = torch.randint(len(self.x), (self.batch_size,), device=self.device)
        x = spec.to_network(self.x[index], torch.float32)
        if spec.flip:
            mirrored = torch.rand(self.batch_size, 1, 1, 1, device=self.device) < 0.5
            x = torch.where(mirrored, x.flip(-1), x)
        return x + spec.noise * torch.rand_like(x) if spec.noise else x

    def latent(self) -> Tensor:
        """Latents of the preset's prior."""
        prior = self.preset.prior
        shape = (self.batch_size, prior.z_dim)
        if prior.distribution == "normal":
            return torch.randn(shape, device=self.device) * prior.scale
        low = -prior.scale if prior.low is None else prior.low
        return low + (prior.scale - low) * torch.rand(shape, device=self.device)

    def mix(self) -> Tensor:
        """Mixing numbers of the gradient penalty."""
        penalty = self.preset.objective.find(GradientPenalty)
        count = self.batch_size if penalty and penalty.per_sample else 1
        return torch.rand(count, *[1] * len(self.preset.data.shape.x), device=self.device)


class Recipe:
    """A preset in plain terms, its networks as they start.

    The optimisers' settings stay as they are at the first step, and no step is warmed up.
    """

    def __init__(
        self, preset: Preset, generator: nn.Module, discriminator: nn.Module, device: torch.device
    ) -> None:
        self.preset = preset
        self.generator = generator.to(device)
        """(B, z_dim) to (B, *x)"""
        self.discriminator = discriminator.to(device)
        """(B, *x) to (B,) logits"""
        self.networks = (self.generator, self.discriminator)
        self.turns = preset.schedule.discriminator_steps
        self.decay_at = preset.schedule.ema_decay_at
        adversarial = preset.objective.adversarial
        if not isinstance(adversarial, SeparateAdversarial):
            raise ValueError(f"the loops know no loss of logits taken together: {preset.name}")
        self.loss = adversarial
        self.gradient_penalty = preset.objective.find(GradientPenalty)
        self.r1 = preset.objective.find(R1)
        self.clip = preset.objective.find(WeightClip)

    def textbook_optimizer(self, player: str) -> WeightOptimizer:
        """The player's optimiser, in torch's default implementation."""
        return self._optimizer(player, fast=False)

    def fast_optimizer(self, player: str) -> WeightOptimizer:
        """The player's optimiser, in torch's fastest implementation."""
        return self._optimizer(player, fast=True)

    def _optimizer(self, player: str, *, fast: bool) -> WeightOptimizer:
        spec = self.preset.players()[player].optimizer
        return spec.build_by_torch(getattr(self, player).parameters(), fast=fast)


def textbook_recipe(preset: Preset, seed: int, device: torch.device) -> Recipe:
    """The preset with networks as `nn.Sequential`s, and the weights our own start from."""
    specs, shape = preset.players(), preset.data.shape
    generator = plain_generator(specs["generator"].network, preset.prior.z_dim, shape)
    discriminator = plain_discriminator(specs["discriminator"].network, shape)
    built = build_players(preset, seed)
    for net, ours in ((generator, built.generator), (discriminator, built.discriminator)):
        weights = zip(net.state_dict(), ours.state_dict().values(), strict=True)
        net.load_state_dict(dict(weights))
    return Recipe(preset, generator, discriminator, device)


def fast_recipe(preset: Preset, seed: int, device: torch.device) -> Recipe:
    """The preset with our networks."""
    built = build_players(preset, seed)
    return Recipe(preset, _Maker(built.generator), _Judge(built.discriminator), device)


class _Maker(nn.Module):
    """A generator of tensors from tensors."""

    def __init__(self, net: GeneratorNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor) -> Tensor:
        return self.net(Latent(z))


class _Judge(nn.Module):
    """A discriminator that says its logits."""

    def __init__(self, net: DiscriminatorNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(Sample(x)).logit
