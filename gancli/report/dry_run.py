"""`gan train --dry-run`: the step as it will run, read off the objects themselves."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor, nn

from gancli.catalog.fields import leaves
from gancli.networks.layers import OutputSpec
from gancli.networks.summary import parameter_count, summarise
from gancli.objective.plan_step import plan
from gancli.objective.turn import Turn
from gancli.optimizers import OptimizerSpec
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.preset import Preset, to_toml
from gancli.report.console import console, say
from gancli.settings import Settings
from gancli.state import build_players
from gancli.types import Latent, Players, Sample


def print_plan(preset: Preset, typed: Sequence[str] = (), *, full: bool = False) -> None:
    """Print the turns and what differs from the paper; needs no data.

    Args:
        preset: what would be trained.
        typed: words of the command that trains it, to say how more is shown.
        full: whether to print every layer and field, too.
    """
    players = build_players(preset, seed=0)
    say(f"{preset.name} on {preset.dataset}, variant {preset.variant}: {preset.paper}")
    say(f"{preset.summary}\n" if preset.source is None else preset.summary)
    if preset.source is not None:
        say(f"settings from {preset.source}\n")
    turns = plan(preset.objective, players, preset.schedule.discriminator_steps, preset.turns)
    if full:
        console().print(_turn_table(preset, turns), soft_wrap=False)
    else:
        _say_turns(preset, turns)
    _say_schedule(preset, turns)
    if full:
        for table in _network_tables(preset, players):
            console().print(table, soft_wrap=False)
    else:
        say("\n".join(_network_titles(preset, players).values()))
    for remark in remarks(preset):
        say(f"note: {remark}")
    _say_deviations(preset)
    if full:
        say(f"\nthe preset as it will be used:\n\n{to_toml(preset)}")
    elif typed:
        say(f"\nevery layer and field: {command(*typed, '--full')}")


def _say_deviations(preset: Preset) -> None:
    deviations = preset.deviations_in_force()
    if not deviations:
        return
    values = leaves(preset.model_dump(mode="json"))
    say("\nwhere this differs from the paper:")
    for path, said in deviations.items():
        value = values.get(path)
        shown = "not set" if value is None else f"{json.dumps(value)}"
        say(f"  {path}: {shown}; {said}")


def _say_turns(preset: Preset, turns: list[Turn]) -> None:
    """Each turn of a step, and its terms, a line each."""
    for turn, (times, who) in _each_once(turns):
        stepping = "" if who == turn.name else f", {who} step"
        say(f"{turn.name} turn, {counted(times, 'time')} per step{stepping}:")
        for name, weight, equation in _terms_of(preset, turn):
            factor = f" x {weight}" if weight not in ("", "1") else ""
            say(f"  {name}{factor}: {equation}")


def remarks(preset: Preset) -> list[str]:
    """What is allowed and yet rarely meant, a sentence each."""
    return [*_penalty_remarks(preset), *_range_remarks(preset)]


def _penalty_remarks(preset: Preset) -> list[str]:
    network = preset.discriminator.network
    penalties = [n for n, term in preset.objective.terms().items() if term.differentiates_input()]
    if not (penalties and network.couples_samples):
        return []
    return [
        f"objective.{penalties[0]} with batch norm in the discriminator: the gradient at one "
        "sample contains that of the others in its batch (Gulrajani et al. 2017, section 4); "
        "--set discriminator.network.norm=none does without"
    ]


def _range_remarks(preset: Preset) -> list[str]:
    """Where a generator's outputs and the reals it is compared with are bounded differently."""
    network, signed = preset.generator.network, preset.data.is_signed
    fitting = "tanh" if signed else "sigmoid"
    if not preset.data.shape.is_image or not isinstance(network, OutputSpec):
        return []
    if network.output in ("linear", fitting):
        return []
    of_fakes, of_reals = ("[0, 1]", "[-1, 1]") if signed else ("[-1, 1]", "[0, 1]")
    return [
        f"generator.network.output = {network.output} makes pixels in {of_fakes}, and the real "
        f"ones are in {of_reals}: --set generator.network.output={fitting}, or "
        f"--set data.range={'unit' if signed else 'signed'}"
    ]


def _turn_table(preset: Preset, turns: list[Turn]) -> Table:
    table = Table(title="one step", title_justify="left")
    for heading in ("turn", "times", "who steps", "term", "weight", "equation"):
        table.add_column(heading, overflow="fold")
    for turn, (times, who) in _each_once(turns):
        first = (turn.name, str(times), who)
        for index, row in enumerate(_terms_of(preset, turn)):
            table.add_row(*map(escape, (first if index == 0 else ("",) * len(first)) + row))
    return table


def _each_once(turns: list[Turn]) -> Iterator[tuple[Turn, tuple[int, str]]]:
    """Each turn of a step once: how many times it comes in a row, and who steps."""
    for turn, group in groupby(turns):
        yield turn, (len(list(group)), ", ".join(turn.steppers))


def _terms_of(preset: Preset, turn: Turn) -> list[tuple[str, str, str]]:
    """A turn's terms, constraints and views: name, weight and equation of each."""
    terms = preset.objective.terms_of(turn.name)
    rows = [(name, f"{term.weight:g}", term.equation(turn.name)) for name, term in terms.items()]
    if turn.constraints:
        held = preset.objective.constraints()
        rows += [(name, "", constraint.equation()) for name, constraint in held.items()]
    return rows + [(name, "", view.equation()) for name, view in turn.views.items()]


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


def _say_schedule(preset: Preset, turns: list[Turn]) -> None:
    for turn in dict.fromkeys(turns):
        say(f"{turn.name} turn: {_sample_words(turn)}")
    own = preset.turns.joint.optimizer
    if own is not None:
        say(f"joint turn's own optimiser: {_optimizer_words(own)}")
    schedule = preset.schedule
    say(
        f"{schedule.length} of batches of {schedule.batch_size}; "
        f"r = D(x), f = D(G(z)), sp = softplus; {_latent_words(preset)}"
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


def _latent_words(preset: Preset) -> str:
    """What the generator is fed, in words."""
    prior = preset.prior
    words = [f"z: {counted(prior.z_dim, 'number')}, {prior.distribution}"]
    if prior.low is not None:
        words[0] += f" from {prior.low:g} to {prior.scale:g}"
    if prior.categories:
        meant = ", taught to be the classes" if preset.category_names else ""
        words.append(f"one of {counted(prior.categories, 'category', 'categories')}{meant}")
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
    titles, tables = _network_titles(preset, players), []
    for name, net in players.named().items():
        table = Table("layer", "what", "output", title=titles[name], title_justify="left")
        table.add_column("parameters", justify="right")
        for row in summarise(net, inputs[name]):
            shape = "x".join(map(str, row.output))
            count = f"{row.parameters:,}" if row.parameters else ""
            table.add_row(row.path, escape(row.layer), shape, count)
        tables.append(table)
    return tables


def _network_titles(preset: Preset, players: Players) -> dict[str, str]:
    """Of each network its family, size and optimiser."""
    specs = preset.players()
    return {
        name: f"{name}: {specs[name].network.family}, {parameter_count(net):,} parameters"
        f"{_frozen_words(net, players.frozen[name])}; "
        f"{_optimizer_words(specs[name].optimizer)}"
        for name, net in players.named().items()
    }


def _frozen_words(net: nn.Module, frozen: frozenset[str]) -> str:
    """How many of a network's parameters do not learn; nothing where all do."""
    count = sum(each.numel() for path, each in net.named_parameters() if path in frozen)
    return f", {count:,} of them frozen" if count else ""


def _optimizer_words(spec: OptimizerSpec) -> str:
    """Its kind and settings; those of a table of its own in brackets."""
    set_ones = {name: value for name, value in spec if value is not None and name != "kind"}
    said = [f"{n}=({v})" if isinstance(v, Settings) else f"{n}={v}" for n, v in set_ones.items()]
    return " ".join([spec.kind, *said])
