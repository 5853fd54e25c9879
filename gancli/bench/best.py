"""The fastest loop we know how to write by hand, without regard to generality.

Against the textbook's: no weight gradients for the network that does not step; fused optimisers;
one pass over fakes and reals, and one over the fakes of all the discriminator's turns, where
nothing couples the samples of a batch; no read of the device. Its networks are ours, which hold
the tricks of single layers.
"""

import itertools

import torch

from gancli.bench.recipe import Loop, LoopDraws, Recipe


def best(recipe: Recipe, draws: LoopDraws) -> Loop:
    """Train as fast as plain PyTorch goes; each `next` takes one step of the generator."""
    generator, discriminator, turns = recipe.generator, recipe.discriminator, recipe.turns
    loss, gp, r1, clip = recipe.loss, recipe.gradient_penalty, recipe.r1, recipe.clip
    d_optimizer = recipe.fast_optimizer("discriminator")
    g_optimizer = recipe.fast_optimizer("generator")
    g_weights, d_weights = ([p.data for p in net.parameters()] for net in recipe.networks)
    make = torch.no_grad()(generator)
    average = [weight.clone() for weight in g_weights]
    coupled, apart = bool(list(generator.buffers())), r1 or list(discriminator.buffers())
    for step in itertools.count():
        discriminator.requires_grad_(True)
        drawn = [draws.latent() for _ in range(turns)]
        for fake in map(make, drawn) if coupled else make(torch.cat(drawn)).chunk(turns):
            real = draws.real().requires_grad_(r1 is not None)
            pair = (fake, real) if apart else (torch.cat([fake, real]),)
            fake_logit, real_logit = torch.cat([discriminator(x) for x in pair]).chunk(2)
            d_loss = loss.weight * loss.tell_apart(fake_logit, real_logit)
            if gp is not None:
                mixed = torch.lerp(fake, real, draws.mix()).requires_grad_(True)
                (slope,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
                norm = torch.linalg.vector_norm(slope.flatten(1), dim=1)
                d_loss = d_loss + gp.weight * (norm - 1).square().mean()
            if r1 is not None:
                (slope,) = torch.autograd.grad(real_logit.sum(), real, create_graph=True)
                d_loss = d_loss + r1.weight / (1 + r1.halved) * slope.square().sum() / len(slope)
            d_optimizer.zero_grad()
            d_loss.backward()  # type: ignore[no-untyped-call]
            d_optimizer.step()
            if clip is not None:
                torch._foreach_clamp_min_(d_weights, -clip.bound)
                torch._foreach_clamp_max_(d_weights, clip.bound)
        discriminator.requires_grad_(False)
        g_optimizer.zero_grad()
        g_loss = loss.weight * loss.deceive(discriminator(generator(draws.latent())))
        g_loss.backward()  # type: ignore[no-untyped-call]
        g_optimizer.step()
        if recipe.preset.average_kept:
            torch._foreach_lerp_(average, g_weights, 1 - recipe.decay_at(step))
        yield None
