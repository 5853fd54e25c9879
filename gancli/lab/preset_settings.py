"""A preset as the page's engine takes it: one JSON table."""

from typing import Any

from gancli.data import DataSpec, Mixture
from gancli.lab.engine_parts import TUNABLE
from gancli.networks.mlp import MlpSpec
from gancli.objective.context import Side
from gancli.objective.plan_step import plan
from gancli.objective.term import Constraint, Term, declared
from gancli.objective.turn import Turn
from gancli.preset import Preset
from gancli.state import build_players

LabTable = dict[str, Any]
STAND_IN = 7000.5
"""A number that no equation has, which stands in one for a field's value."""


def lab_settings(preset: Preset) -> LabTable:
    """What the engine needs of a preset that it can train (`engine_parts.lacking` is None).

    Everything but the data: the prior, networks, optimisers, turns with their terms, constraints
    and schedule, with names and values as in the preset.
    """
    boundary = preset.objective.adversarial.boundary
    return {
        "model": preset.name,
        "prior": _fields(preset.prior, "z_dim", "distribution", "scale", "low"),
        "players": {name: _network(preset, name) for name in preset.players()},
        "optimizers": {
            name: spec.model_dump(mode="json", exclude={"plateau"})
            for name, spec in preset.optimizers().items()
        },
        "turns": _turns(preset),
        "constraints": [
            {"name": name, **_numbers(name, held), "equation": _equation(name, held)}
            for name, held in preset.objective.constraints().items()
        ],
        "boundary": boundary,
        "schedule": _schedule(preset),
    }


def data_settings(spec: DataSpec) -> LabTable:
    """A mixture as the engine takes it."""
    if not isinstance(spec, Mixture):
        raise TypeError("only mixtures have such settings")
    names = ("kind", "layout", "modes", "extent", "std", "points_per_mode", "scale")
    return _fields(spec, *names)


def _fields(table: object, *names: str) -> LabTable:
    return {name: getattr(table, name) for name in names}


def _network(preset: Preset, player: str) -> LabTable:
    spec = preset.players()[player].network
    if not isinstance(spec, MlpSpec):
        raise TypeError("only perceptrons have such settings")
    names = (
        "width", "multipliers", "slope", "norm", "norm_start", "spectral", "power_iteration",
        "init", "gain",
    )  # fmt: skip
    found = _fields(spec, *names)
    found["output"] = getattr(spec, "output", "linear")
    # A discriminator's first hidden layer is never normalised.
    found["first_norm"] = player == "generator"
    found["judges_noise"] = player == "discriminator" and preset.judged_noise > 0
    if player == "reconstructor" and preset.reconstructor is not None:
        found["noise"] = preset.reconstructor.noise
    return found


def _schedule(preset: Preset) -> LabTable:
    names = (
        "steps", "batch_size", "discriminator_steps", "lr_decay_start", "ema_decay", "ema_warmup",
        "log_every", "looks_every",
    )  # fmt: skip
    return _fields(preset.schedule, *names)


def _turns(preset: Preset) -> list[LabTable]:
    """Each side's turn once, in the order of a step."""
    turns = plan(preset.objective, build_players(preset, 0), 1, preset.turns)
    return [
        {
            "side": turn.name,
            "steppers": list(turn.steppers),
            "takes_real": turn.takes_real,
            "judged_first": turn.spec.judged_first,
            "terms": [_term(turn, name, term) for name, term in turn.terms.items()],
        }
        for turn in turns
    ]


def _term(turn: Turn, name: str, term: Term) -> LabTable:
    return {
        "name": name,
        **_numbers(name, term),
        "reads": sorted(declared(name, term, turn.name)),
        "equation": _equation(name, term, turn.name),
    }


def _numbers(name: str, part: Term | Constraint) -> LabTable:
    return {**part.model_dump(mode="json"), "tunable": list(TUNABLE.get(name, ()))}


def _equation(name: str, part: Term | Constraint, *side: Side) -> str:
    """The equation in symbols, with {FIELD} for each number that the page may change."""
    stand_ins = {field: STAND_IN + place for place, field in enumerate(TUNABLE.get(name, ()))}
    text: str = part.model_copy(update=stand_ins).equation(*side)
    for field, number in stand_ins.items():
        text = text.replace(f"{number:g}", f"{{{field}}}")
    return text
