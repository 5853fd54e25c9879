"""Makes what a turn sees: its samples and the discriminator's outputs, in the turn's order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gancli.objective.context import (
    Read,
    Scene,
    judge_in_full_precision,
    wide,
    widened,
)
from gancli.objective.turn import Turn
from gancli.objective.turn_settings import OF_REALS, TurnSpec
from gancli.types import DiscriminatorOutput, Draws, Latent, Players, ReconstructorNet, Sample

OUTPUTS: frozenset[Read] = frozenset(
    {"real_output", "fake_output", "real_gradient", "fake_gradient"}
)


@dataclass
class Carried:
    """What turns of one step hand on to those that follow."""

    latent: Latent | None = None
    fake: Sample | None = None
    """with the generator's graph where a later turn moves the generator by it"""


def make_scene(
    turn: Turn, due: frozenset[str], players: Players, draws: Draws, carried: Carried
) -> Scene:
    """The turn's samples and outputs, as far as the terms that act read them.

    Args:
        turn: on what it works, and which samples are judged first.
        due: the terms that act.
        players: all networks.
        draws: what the turn may draw.
        carried: what earlier turns of the step handed on; this one's fakes take its place.
    """
    scene, reads = Scene(players, draws, views=turn.views), turn.reads(due)
    if reads & OF_REALS:
        real = draws.real()
        if players.reconstructor is not None:
            real = real._replace(z=_guess(players.reconstructor, real.x, draws))
        scene.real = widened(real) if "real_gradient" in reads else real
    fake = _fakes(turn, scene, carried)
    if turn.hands_on and turn.spec.fakes != "kept":
        carried.latent, carried.fake = scene.latent, fake if turn.hands_on_graph else _cut(fake)
    if not turn.moves_generator:
        fake = _cut(fake)
    if "fake_gradient" in reads:
        fake = fake._replace(x=wide(fake.x)) if turn.moves_generator else widened(fake)
    scene.fake = fake
    _judge(scene, reads, turn.spec)
    return scene


def _fakes(turn: Turn, scene: Scene, carried: Carried) -> Sample:
    """Fresh fakes, or an earlier turn's, or new ones of its latents."""
    draws, generator, kind = scene.draws, scene.players.generator, turn.spec.fakes
    graph = turn.moves_generator or turn.hands_on_graph
    if kind == "fresh" and not (graph or turn.hands_on):
        return draws.fake(generator)
    scene.latent = draws.latent() if kind == "fresh" else carried.latent
    if scene.latent is None or (carried.fake is None and kind == "kept"):
        raise ValueError(f"no earlier turn of the step has made what is to be {kind}")
    if kind == "kept" and carried.fake is not None:
        return carried.fake
    with torch.set_grad_enabled(graph):
        return Sample.made(generator(scene.latent), scene.latent)


def _cut(sample: Sample) -> Sample:
    """Without the graph behind it."""
    return sample._replace(x=sample.x.detach()) if sample.x.requires_grad else sample


def _guess(reconstructor: ReconstructorNet, x: Tensor, draws: Draws) -> Tensor:
    """A draw from the reconstructor's distribution of the noise behind x, without its graph."""
    with torch.no_grad():
        mean = reconstructor(x)
    return mean + reconstructor.noise * draws.normal("guess", mean)


def _judge(scene: Scene, reads: frozenset[Read], spec: TurnSpec) -> None:
    """The discriminator's outputs that are read, in one pass where nothing tells them apart."""
    fake, real, judge = scene.fake, scene.real, scene.players.discriminator
    alike = reads & OUTPUTS == {"fake_output", "real_output"} and judge.is_per_sample
    if alike and fake is not None and real is not None:
        pair = scene.shown(fake, "fake").beside(scene.shown(real, "real"))
        output = _wide(judge(pair))
        scene.fake_output, scene.real_output = output.parts(len(fake.x), len(real.x))
        return
    order = ("fake", "real") if spec.judged_first == "fake" else ("real", "fake")
    for kind in order:
        sample = fake if kind == "fake" else real
        if sample is None or not {f"{kind}_output", f"{kind}_gradient"} & reads:
            continue
        shown = scene.shown(sample, kind)
        precise = f"{kind}_gradient" in reads
        output = judge_in_full_precision(judge, shown) if precise else _wide(judge(shown))
        setattr(scene, f"{kind}_output", output)


def _wide(output: DiscriminatorOutput) -> DiscriminatorOutput:
    """The output with numbers that are averaged in float32 at least."""
    heads = {name: wide(head) for name, head in output.heads.items()}
    features = None if output.features is None else wide(output.features)
    return DiscriminatorOutput(wide(output.logit), heads, features)
