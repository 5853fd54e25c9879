"""The textbook's loop: separate passes, torch's default optimisers, losses read at every step."""

import copy
import itertools

import torch

from gancli.bench.recipe import Loop, LoopDraws, Recipe


def plain(recipe: Recipe, draws: LoopDraws) -> Loop:  # noqa: C901 - read from top to bottom
    """Train as tutorials do; each `next` takes one step of the generator and tells both losses."""
    generator, discriminator = recipe.generator, recipe.discriminator
    loss, gp, r1, clip = recipe.loss, recipe.gradient_penalty, recipe.r1, recipe.clip
    d_optimizer = recipe.textbook_optimizer("discriminator")
    g_optimizer = recipe.textbook_optimizer("generator")
    average = copy.deepcopy(generator)
    for step in itertools.count():
        for _ in range(recipe.turns):
            d_optimizer.zero_grad()
            fake = generator(draws.latent()).detach()
            real = draws.real().requires_grad_(r1 is not None)
            fake_logit, real_logit = discriminator(fake), discriminator(real)
            d_loss = loss.weight * loss.tell_apart(fake_logit, real_logit)
            if gp is not None:
                alpha = draws.mix()
                mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
                total = discriminator(mixed).sum()
                (slope,) = torch.autograd.grad(total, mixed, create_graph=True)
                d_loss = d_loss + gp.weight * ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
            if r1 is not None:
                (slope,) = torch.autograd.grad(real_logit.sum(), real, create_graph=True)
                half = 0.5 if r1.halved else 1.0
                d_loss = d_loss + r1.weight * half * slope.flatten(1).square().sum(1).mean()
            d_loss.backward()  # type: ignore[no-untyped-call]
            d_optimizer.step()
            if clip is not None:
                for parameter in discriminator.parameters():
                    parameter.data.clamp_(-clip.bound, clip.bound)
        g_optimizer.zero_grad()
        g_loss = loss.weight * loss.deceive(discriminator(generator(draws.latent())))
        g_loss.backward()  # type: ignore[no-untyped-call]
        g_optimizer.step()
        if recipe.preset.average_kept:
            decay = recipe.decay_at(step)
            for kept, now in zip(average.parameters(), generator.parameters(), strict=True):
                kept.data.mul_(decay).add_(now.data, alpha=1 - decay)
        yield d_loss.item(), g_loss.item()
