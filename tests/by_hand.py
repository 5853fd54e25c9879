"""The reference's training loop, written out: one pass after the other, and torch's own losses.

It shares the networks with the program, and nothing of its objective or its turns. The order of the
passes is the reference's: fakes before reals, except in the one model that judges reals first. It
shows in batch-norm statistics and spectral-norm vectors, and barely in a loss.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss, relu

from gancli.types import DiscriminatorNet, Draws, Players, Sample, WeightOptimizer


def entropy(logit: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))


def square(logit: Tensor, target: float) -> Tensor:
    return mse_loss(logit, torch.full_like(logit, target))


@dataclass(frozen=True)
class Loss:
    tell_apart: Callable[[Tensor, Tensor], Tensor]
    """of the logits of fakes and of reals"""
    deceive: Callable[[Tensor], Tensor]


VANILLA = Loss(lambda f, r: (entropy(r, 1) + entropy(f, 0)) / 2, lambda f: entropy(f, 1))
HINGE = Loss(lambda f, r: (relu(1 - r) + relu(1 + f)).mean(), lambda f: -f.mean())
SQUARES = Loss(lambda f, r: (square(r, 1) + square(f, 0)) / 2, lambda f: square(f, 1) / 2)
WASSERSTEIN = Loss(lambda f, r: f.mean() - r.mean(), lambda f: -f.mean())
# Here generated pairs are the class 1, and the generator descends the logit itself.
PAIRS = Loss(lambda f, r: (entropy(f, 1) + entropy(r, 0)) / 2, lambda f: f.mean())


@dataclass(frozen=True)
class Recipe:
    """What a model adds to the plain loop; weights are factors of a mean."""

    loss: Loss = VANILLA
    r1: float = 0.0
    """of half the squared gradient, by a pass of its own"""
    penalty: float = 0.0
    clip: float = 0.0
    orthogonal: bool = False


RECIPES = {
    "dcgan-r1": Recipe(r1=10),
    "eigengan": Recipe(HINGE, r1=10, orthogonal=True),
    "gan-r1": Recipe(r1=10),
    "infogan": Recipe(r1=10),
    "lsgan": Recipe(SQUARES),
    "sngan-hinge": Recipe(HINGE),
    "veegan": Recipe(PAIRS),
    "wgan": Recipe(WASSERSTEIN, clip=0.01),
    "wgan-gp-ring8": Recipe(WASSERSTEIN, penalty=0.1),
    "wgan-gp-cifar10": Recipe(WASSERSTEIN, penalty=10),
}
"""By model, or by model and data set; the others are plain."""


def recipe_of(model: str, dataset: str) -> Recipe:
    return RECIPES.get(f"{model}-{dataset}") or RECIPES.get(model, Recipe())


def slope(discriminator: DiscriminatorNet, sample: Sample) -> Tensor:
    x = sample.x.detach().requires_grad_()
    logit = discriminator(sample._replace(x=x)).logit
    return torch.autograd.grad(logit.sum(), x, create_graph=True)[0].flatten(1)


def discriminator_loss(recipe: Recipe, players: Players, dealer: Draws) -> Tensor:
    judge, real = players.discriminator, dealer.real()
    if players.reconstructor is not None:
        with torch.no_grad():
            guess = players.reconstructor(real.x)
        real = real._replace(z=guess + dealer.normal("guess", guess))
        on_real = judge(real)
    fake = made(players, dealer)
    fake = fake._replace(x=fake.x.detach())
    on_fake = judge(fake)
    if players.reconstructor is None:
        on_real = judge(real)
    loss = recipe.loss.tell_apart(on_fake.logit, on_real.logit)
    if "label" in on_real.heads and real.label is not None:
        loss = loss + cross_entropy(on_real.heads["label"], real.label)
    if recipe.r1:
        loss = loss + recipe.r1 / 2 * slope(judge, real).square().sum(1).mean()
    if recipe.penalty:
        share = dealer.uniform("mix", None)
        mixed = real._replace(x=share * real.x + (1 - share) * fake.x)
        loss = loss + recipe.penalty * (slope(judge, mixed).norm(dim=1) - 1).square().mean()
    return loss


def generator_loss(recipe: Recipe, players: Players, dealer: Draws) -> Tensor:
    fake = made(players, dealer)
    verdict = players.discriminator(fake)
    loss = recipe.loss.deceive(verdict.logit)
    if "label" in verdict.heads and fake.label is not None:
        loss = loss + cross_entropy(verdict.heads["label"], fake.label)
    if players.reconstructor is not None and fake.z is not None:
        loss = loss + mse_loss(players.reconstructor(fake.x), fake.z)
    if recipe.orthogonal:
        for basis in players.generator.bases():
            loss = loss + mse_loss(basis @ basis.T, torch.eye(len(basis), dtype=basis.dtype))
    return loss


def information_loss(players: Players, dealer: Draws) -> Tensor:
    fake = made(players, dealer)
    heads = players.discriminator(fake).heads
    assert fake.category is not None and fake.code is not None
    return cross_entropy(heads["category"], fake.category) + mse_loss(heads["code"], fake.code)


def made(players: Players, dealer: Draws) -> Sample:
    latent = dealer.latent()
    return Sample.made(players.generator(latent), latent)


def turn(
    recipe: Recipe,
    steppers: list[str],
    players: Players,
    optimizers: Mapping[str, WeightOptimizer],
    dealer: Draws,
) -> float:
    """One optimiser step of these players; returns what they descended."""
    if steppers == ["discriminator"]:
        loss = discriminator_loss(recipe, players, dealer)
    elif "discriminator" in steppers:
        loss = information_loss(players, dealer)
    else:
        loss = generator_loss(recipe, players, dealer)
    for optimizer in optimizers.values():
        optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for name in steppers:
        optimizers[name].step()
    if recipe.clip and steppers == ["discriminator"]:
        for parameter in players.discriminator.parameters():
            parameter.data.clamp_(-recipe.clip, recipe.clip)
    return loss.item()
