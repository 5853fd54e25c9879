"""A training step as data: a list of turns, each saying who steps and what they lose."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gancli.objective import Objective
from gancli.objective.penalties import judge_in_full_precision, wide, widened
from gancli.objective.term import Constraint, DiscriminatorScene, GeneratorScene, Side, Term
from gancli.parallel import World
from gancli.types import DiscriminatorOutput, Draws, Players, ReconstructorNet, Sample

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Turn:
    """One optimiser step."""

    name: Side
    steppers: tuple[str, ...]
    """the players whose weights move"""
    losses: Callable[[Draws], Losses]
    """the weighted summands, by term; the steppers descend their sum"""
    constraints: tuple[Constraint, ...] = ()
    deals_real: bool = False
    """whether the turn takes the next batch of real samples"""


def plan(
    objective: Objective, players: Players, discriminator_steps: int, turns_before: int = 0
) -> list[Turn]:
    """The whole step: the discriminator's turns, the generator's, and what both do together.

    Args:
        objective: what they lose.
        players: who they are.
        discriminator_steps: how many turns the discriminator has.
        turns_before: how many it had before this step, for terms that do not act in each.
    """
    of_generator, of_both = objective.terms_of("generator"), objective.terms_of("joint")
    constraints = tuple(objective.constraints().values())

    @cache
    def discriminator(turn: int) -> Turn:
        terms = objective.terms_of("discriminator")
        due = {name for name, term in terms.items() if turn % term.period() == 0}
        return Turn(
            name="discriminator",
            steppers=("discriminator",),
            losses=lambda dealer: discriminator_losses(terms, players, dealer, due),
            constraints=constraints,
            deals_real=True,
        )

    generator = Turn(
        name="generator",
        steppers=tuple(name for name in players.named() if name != "discriminator"),
        losses=lambda dealer: generator_losses(of_generator, players, dealer),
    )
    joint = Turn(
        name="joint",
        steppers=("generator", "discriminator"),
        losses=lambda dealer: joint_losses(of_both, players, dealer),
        constraints=constraints,
    )
    period = objective.period()
    first = [discriminator((turns_before + i) % period) for i in range(discriminator_steps)]
    return [*first, generator, *([joint] if of_both else [])]


def discriminator_losses(
    terms: Mapping[str, Term],
    players: Players,
    dealer: Draws,
    due: Collection[str] | None = None,
) -> Losses:
    """The weighted summands of the discriminator's loss, one a term that acts on its side.

    The order of the passes, fakes before reals, is part of the result where each one moves
    batch-norm statistics or spectral-norm vectors.

    Args:
        terms: those of its side.
        players: all networks.
        dealer: what the turn may draw.
        due: the terms that act in this turn; the summand of the others is 0. None: all act.
    """
    acting = {name: term for name, term in terms.items() if due is None or name in due}
    real, fake = dealer.real(), dealer.fake(players.generator)
    if players.reconstructor is not None:
        real = real._replace(z=_guess(players.reconstructor, real.x, dealer))
    if any(term.differentiates_real() for term in acting.values()):
        fake_verdict = _judge(players, fake)
        real = widened(real)
        real_verdict = judge_in_full_precision(players.discriminator, real)
    elif players.discriminator.is_per_sample:
        fake_verdict, real_verdict = _judge(players, fake.beside(real)).halves()
    else:
        fake_verdict, real_verdict = _judge(players, fake), _judge(players, real)
    scene = DiscriminatorScene(
        players.discriminator, real, fake, real_verdict, fake_verdict, dealer
    )
    resting = real_verdict.logit.new_zeros(())
    return {
        name: term.weight * term.discriminator(scene) if name in acting else resting
        for name, term in terms.items()
    }


def generator_losses(terms: Mapping[str, Term], players: Players, dealer: Draws) -> Losses:
    """The weighted summands of the generator's loss, one a term that acts on its side."""
    scene = _made(players, dealer)
    return {name: term.weight * term.generator(scene) for name, term in terms.items()}


def joint_losses(terms: Mapping[str, Term], players: Players, dealer: Draws) -> Losses:
    """The weighted summands of what generator and discriminator descend together."""
    scene = _made(players, dealer)
    return {name: term.weight * term.joint(scene) for name, term in terms.items()}


def _made(players: Players, dealer: Draws) -> GeneratorScene:
    """Fresh fakes, with the generator's graph, and the verdict on them."""
    latent = dealer.latent()
    fake = Sample.made(players.generator(latent), latent)
    return GeneratorScene(fake, _judge(players, fake), players.generator, players.reconstructor)


def _guess(reconstructor: ReconstructorNet, x: Tensor, dealer: Draws) -> Tensor:
    """A draw from the reconstructor's distribution of the noise behind x, without its graph."""
    with torch.no_grad():
        mean = reconstructor(x)
    return mean + reconstructor.noise * dealer.noise(mean)


def _judge(players: Players, sample: Sample) -> DiscriminatorOutput:
    """The discriminator's verdict; its logits are averaged in float32 at least."""
    verdict = players.discriminator(sample)
    heads = {name: wide(head) for name, head in verdict.heads.items()}
    return DiscriminatorOutput(wide(verdict.logit), heads)


def take(
    turn: Turn,
    players: Players,
    optimizers: Mapping[str, Optimizer],
    dealer: Draws,
    *,
    world: World,
    autocast: torch.dtype | None = None,
) -> Losses:
    """Take one turn: project, lose, backward, step, project. Returns the detached summands.

    Only the steppers' weights want gradients; a gradient the turn does not produce is None, and
    its parameter stays. `autocast` is the lower precision of the forward passes, if any.
    """
    weights = players.weights
    for name, parameters in weights.items():
        for parameter in parameters:
            parameter.requires_grad_(name in turn.steppers)
    device = weights["generator"][0].device
    _project(turn, players, "before")
    with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
        losses = turn.losses(dealer)
    for name in turn.steppers:
        optimizers[name].zero_grad(set_to_none=True)
    reduce(add, losses.values()).backward()  # type: ignore[no-untyped-call]
    world.average_(_gradients(weights[name] for name in turn.steppers))
    for name in turn.steppers:
        optimizers[name].step()
    _project(turn, players, "after")
    world.average_(_statistics(players.named().values()))
    return {name: loss.detach() for name, loss in losses.items()}


def _project(turn: Turn, players: Players, when: str) -> None:
    for constraint in turn.constraints:
        if constraint.when == when:
            constraint.project(players.discriminator)


def _gradients(players: Iterable[Iterable[nn.Parameter]]) -> Iterator[Tensor]:
    for parameters in players:
        for parameter in parameters:
            if parameter.grad is not None:
                yield parameter.grad


def _statistics(players: Iterable[nn.Module]) -> Iterator[Tensor]:
    for player in players:
        yield from (buffer for buffer in player.buffers() if buffer.is_floating_point())
