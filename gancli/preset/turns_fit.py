"""Whether the turns of a preset can do what its objective, schedule and data ask of them."""

from gancli.objective import Objective
from gancli.objective.turn_settings import OF_REALS, SIDES, Turns


def turns_misfit(
    turns: Turns,
    objective: Objective,
    *,
    generator_batch_size: int | None,
    partial_batches: bool,
    classes: int,
) -> str | None:
    """Why the turns cannot serve, beginning with a field's path; None if they can.

    Args:
        turns: which turns there are.
        objective: whose terms act in them.
        generator_batch_size: how many fakes the generator's turn has, if another number.
        partial_batches: whether the last batch of an epoch is smaller.
        classes: how many classes fakes may be asked to show; 0: none.
    """
    reads = {side: objective.reads(side) for side in SIDES if objective.terms_of(side)}
    misfit = turns.misfit(reads, [f"objective.{name}" for name in objective.terms()])
    if misfit:
        return f"turns.{misfit}"
    for side in SIDES:
        if turns.of(side).labels == "real" and not classes:
            return f"turns.{side}.labels: this generator is not asked for classes: remove it"
    if generator_batch_size is not None and turns.has_real("generator", reads["generator"]):
        return (
            "schedule.generator_batch_size: the generator's turn has a real batch, whose size its "
            "fakes must have: remove it"
        )
    for side in reads:
        pairing = [name for name, term in objective.terms_of(side).items() if term.pairs()]
        others = turns.of(side).fakes != "fresh"
        if pairing and others and (partial_batches or generator_batch_size is not None):
            field = "partial_batches" if partial_batches else "generator_batch_size"
            return (
                f"schedule.{field}: objective.{pairing[0]} takes each real together with one fake, "
                f"and the fakes of turns.{side} may be more or fewer: remove one of the two"
            )
        if pairing and not reads[side] & OF_REALS:
            return f"objective.{pairing[0]}: it pairs samples, and declares no reals in reads()"
    return None


def chooses_number_of_fakes(turns: Turns, objective: Objective) -> bool:
    """Whether any turn makes fakes of new latents without a real batch, whose size they had."""
    return any(
        turns.of(side).fakes == "fresh" and not turns.has_real(side, objective.reads(side))
        for side in SIDES
        if objective.terms_of(side)
    )
