"""A training step as data: a list of turns, each saying who steps and what they lose."""

from gancli.objective.context import Side
from gancli.objective.objective import Objective
from gancli.objective.term import Term
from gancli.objective.turn import Turn
from gancli.objective.turn_settings import SIDES, Turns
from gancli.types import DiscriminatorNet, Players


def plan(
    objective: Objective,
    players: Players,
    discriminator_steps: int,
    turns: Turns | None = None,
) -> list[Turn]:
    """The whole step: the discriminator's turns, the generator's, and what both do together.

    Args:
        objective: what they lose.
        players: who they are.
        discriminator_steps: how many turns the discriminator has.
        turns: in which order, and on what; None: as a preset that does not say so.
    """
    acting = [side for side in SIDES if objective.terms_of(side)]
    table = (turns or Turns()).among(acting)
    held = tuple(objective.constraints().values())
    steppers: dict[Side, tuple[str, ...]] = {
        "discriminator": ("discriminator",),
        "generator": tuple(name for name in players.named() if name != "discriminator"),
        "joint": ("generator", "discriminator"),
    }
    sources = {table.source(side) for side in table.order}
    kept_by_generator = {
        table.source(side)
        for side in table.order
        if side != "discriminator" and table.of(side).fakes == "kept"
    }
    step = []
    for side in table.order:
        turn = Turn(
            name=side,
            steppers=steppers[side],
            terms=_terms(objective, side, players.discriminator),
            spec=table.of(side),
            constraints=held if "discriminator" in steppers[side] else (),
            views=objective.views(),
            hands_on=side in sources,
            hands_on_graph=side in kept_by_generator,
            own_optimizer=side == "joint" and table.joint.optimizer is not None,
        )
        step += [turn] * (discriminator_steps if side == "discriminator" else 1)
    return step


def _terms(objective: Objective, side: Side, discriminator: DiscriminatorNet) -> dict[str, Term]:
    """The terms of a side, none of which asks twice for what would be the same."""
    # A view changes samples at random, each time they are shown.
    repeats = discriminator.repeats_itself and not objective.views()
    found = objective.terms_of(side).items()
    return {name: term.in_one_pass() if repeats else term for name, term in found}
