"""`gan train --dry-run`: the step as it will run, read off the objects themselves."""

from itertools import groupby

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from gancli.networks.summary import parameter_count, summarise
from gancli.objective.plan_step import plan
from gancli.objective.turn import Turn
from gancli.plurals import counted
from gancli.preset import Preset, to_toml
from gancli.prior import Prior
from gancli.report.console import console, say
from gancli.state import build_players
from gancli.types import Latent, Players, Sample


def print_plan(preset: Preset) -> None:
    """Print turns, networks, deviations and the resolved preset; needs no data."""
    players = build_players(preset, seed=0)
    say(f"{preset.name} on {preset.dataset}, variant {preset.variant}: {preset.paper}")
    say(f"{preset.summary}\n")
    turns = plan(preset.objective, players, preset.schedule.discriminator_steps, preset.turns)
    console().print(_turn_table(preset, turns), soft_wrap=False)
    for turn in dict.fromkeys(turns):
        say(f"{turn.name} turn: {_sample_words(turn)}")
    own = preset.turns.joint.optimizer
    if own is not None:
        say(f"joint turn's own optimiser: {_optimizer_words(own)}")
    _say_schedule(preset)
    for table in _network_tables(preset, players):
        console().print(table, soft_wrap=False)
    for remark in remarks(preset):
        say(f"note: {remark}")
    deviations = preset.deviations_in_force()
    if deviations:
        say("where this differs from the paper:")
        for path, said in deviations.items():
            say(f"  {path}: {said}")
    say(f"\nthe preset as it will be used:\n\n{to_toml(preset)}")


def remarks(preset: Preset) -> list[str]:
    """What is allowed and yet rarely meant, a sentence each."""
    network = preset.discriminator.network
    penalties = [n for n, term in preset.objective.terms().items() if term.differentiates_input()]
    if not (penalties and network.couples_samples):
        return []
    return [
        f"objective.{penalties[0]} with batch norm in the discriminator: the gradient at one "
        "sample contains that of the others in its batch (Gulrajani et al. 2017, section 4); "
        "--set discriminator.network.norm=none does without"
    ]


def _turn_table(preset: Preset, turns: list[Turn]) -> Table:
    table = Table(title="one step", title_justify="left")
    for heading in ("turn", "times", "who steps", "term", "weight", "equation"):
        table.add_column(heading, overflow="fold")
    for turn, group in groupby(turns):
        terms = preset.objective.terms_of(turn.name)
        rows = [
            (name, f"{term.weight:g}", term.equation(turn.name)) for name, term in terms.items()
        ]
        if turn.constraints:
            held = preset.objective.constraints()
            rows += [(name, "", constraint.equation()) for name, constraint in held.items()]
        rows += [(name, "", view.equation()) for name, view in turn.views.items()]
        times, who = str(len(list(group))), ", ".join(turn.steppers)
        first = (turn.name, times, who)
        for index, row in enumerate(rows):
            table.add_row(*map(escape, (first if index == 0 else ("",) * len(first)) + row))
    return table


def _sample_words(turn: Turn) -> str:
    """On what a turn works, in words."""
    fakes = {"fresh": "new fakes", "kept": "the same fakes", "remade": "fakes of the same latents"}
    words = [fakes[turn.spec.fakes]]
    if turn.has_real:
        words.append("the next real batch" if turn.takes_real else "a look at the next real batch")
    if turn.spec.labels == "real":
        words.append("its labels")
    if turn.spec.judged_first == "real":
        words.append("reals judged first")
    return ", ".join(words)


def _say_schedule(preset: Preset) -> None:
    schedule = preset.schedule
    say(
        f"{counted(schedule.steps, 'step')} of batches of {schedule.batch_size}; "
        f"r = D(x), f = D(G(z)), sp = softplus; {_latent_words(preset.prior)}"
    )
    if schedule.warmup:
        warm = schedule.warmup
        say(
            f"{counted(warm.steps, 'discriminator turn')} in each of the first {warm.first:,} steps"
            + (f", and in 1 of every {warm.every:,}" if warm.every else "")
        )
    if preset.average_kept:
        say(f"the generator's moving average is kept, decay {schedule.ema_decay:g}")
    say("")


def _latent_words(prior: Prior) -> str:
    """What the generator is fed, in words."""
    words = [f"z: {counted(prior.z_dim, 'number')}, {prior.distribution}"]
    if prior.categories:
        words.append(f"one of {counted(prior.categories, 'category', 'categories')}")
    if prior.codes:
        words.append(f"{counted(prior.codes, 'code')}, {prior.code_distribution}")
    if prior.levels:
        layers, directions = prior.levels
        words.append(
            f"{counted(directions, 'coordinate')} for each of {counted(layers, 'layer')}, normal"
        )
    return "; ".join(words)


def _network_tables(preset: Preset, players: Players) -> list[Table]:
    x, latent = torch.zeros(2, *preset.data.shape.x), preset.prior.at(range(2))
    if preset.classes:
        latent = latent._replace(label=torch.zeros(2, dtype=torch.int64))
    inputs: dict[str, Latent | Sample | Tensor] = {
        "generator": latent,
        "discriminator": Sample.made(x, latent),
        "reconstructor": x,
    }
    specs = preset.players()
    tables = []
    for name, net in players.named().items():
        total = parameter_count(net)
        title = f"{name}: {total:,} parameters; {_optimizer_words(specs[name].optimizer)}"
        table = Table("layer", "what", "output", title=title, title_justify="left")
        table.add_column("parameters", justify="right")
        for row in summarise(net, inputs[name]):
            shape = "x".join(map(str, row.output))
            count = f"{row.parameters:,}" if row.parameters else ""
            table.add_row(row.path, escape(row.layer), shape, count)
        tables.append(table)
    return tables


def _optimizer_words(spec: object) -> str:
    said = [text for text in str(spec).split(" ") if not text.endswith("=None")]
    return " ".join(said).replace("kind=", "").replace("'", "")
