"""Terms, by hand-computed values, analytic cases, and what each gives to whom."""

import math
from functools import partial

import pytest
import torch
from helpers import Key, every_preset, losses_of, narrow, preset_id, shown, toy_deck
from torch import Tensor, nn

from gancli.objective.adversarial import Hinge, LeastSquares, Vanilla, Wasserstein
from gancli.objective.constraints import WeightClip
from gancli.objective.context import Scene, Side, judge_in_full_precision, widened
from gancli.objective.penalties import R1, GradientPenalty
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.objective.term import Term
from gancli.parallel import World
from gancli.state import build_players, build_state
from gancli.types import (
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Players,
    Sample,
)

CPU = torch.device("cpu")
LEARN: dict[Side, set[str]] = {
    "discriminator": {"discriminator"},
    "generator": {"generator"},
    "joint": {"generator", "discriminator"},
}
"""Whom a side's summands give gradients to, each of them to all."""


class Linear(DiscriminatorNet):
    """D(x) = w x, whose input gradient is w everywhere."""

    def __init__(self, weights: list[float]) -> None:
        super().__init__()
        self.layer = nn.Linear(len(weights), 1, bias=False)
        self.layer.weight = nn.Parameter(torch.tensor([weights], dtype=torch.float64))

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        logit = self.layer(sample.x).squeeze(1)
        return DiscriminatorOutput(logit, features=sample.x)


class Fixed:
    """Deals the same batch again and again, with mixing numbers 0, 1/n, 2/n ..."""

    black_and_white = -1.0, 1.0

    def __init__(self, real: Tensor, z: Tensor) -> None:
        self.batch, self.z = real, z

    def real(self) -> Sample:
        return Sample(self.batch)

    def latent(self) -> Latent:
        return Latent(self.z)

    def fake(self, generator: GeneratorNet) -> Sample:
        latent = self.latent()
        with torch.no_grad():
            return Sample(generator(latent), latent.z)

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        return torch.ones_like(like)

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        count = rows or 1
        return torch.arange(count, dtype=self.batch.dtype) / count


def scene(net: DiscriminatorNet, real: Tensor, fake: Tensor, *, shared: bool = False) -> Scene:
    """What a turn sees; `shared`: the outputs are differentiable in the samples."""
    first, second = (widened(Sample(x)) if shared else Sample(x) for x in (real, fake))
    judge = partial(judge_in_full_precision, net) if shared else net
    players = Players(GeneratorNet(), net)
    return Scene(players, Fixed(real, fake), first, second, judge(first), judge(second))


def value(term: Term, side: Side, stage: Scene) -> Tensor:
    """The term's summand on one side."""
    found: Tensor = getattr(term, side)(shown(term, side, stage))
    return found


def two_sides(term: Term) -> tuple[float, float]:
    """The term's summands where D says 2 and -1 of reals, 0.5 and 1 of fakes."""
    net = Linear([1.0])
    real = torch.tensor([[2.0], [-1.0]], dtype=torch.float64)
    fake = torch.tensor([[0.5], [1.0]], dtype=torch.float64)
    stage = scene(net, real, fake)
    first, second = (value(term, side, stage).detach() for side in ("discriminator", "generator"))
    return float(first), float(second)


def sp(x: float) -> float:
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("term", "discriminator", "generator"),
    [
        (Vanilla(), (sp(0.5) + sp(1) + sp(-2) + sp(1)) / 2, (sp(-0.5) + sp(-1)) / 2),
        (
            Vanilla(halved=True),
            (sp(0.5) + sp(1) + sp(-2) + sp(1)) / 4,
            (sp(-0.5) + sp(-1)) / 2,
        ),
        (Hinge(), (1.5 + 2) / 2 + (0 + 2) / 2, -0.75),
        (LeastSquares(), (0.25 + 1 + 1 + 4) / 4, (0.25 + 0) / 4),
        (LeastSquares(halved=False), (0.25 + 1 + 1 + 4) / 2, (0.25 + 0) / 2),
        (
            LeastSquares(fake_target=-1, real_target=1, generator_target=0),
            (2.25 + 4 + 1 + 4) / 4,
            (0.25 + 1) / 4,
        ),
        (Wasserstein(), 0.75 - 0.5, -0.75),
    ],
    ids=lambda value: repr(value) if isinstance(value, Term) else "",
)
def test_adversarial_losses_by_hand(term: Term, discriminator: float, generator: float) -> None:
    assert two_sides(term) == pytest.approx((discriminator, generator), rel=1e-12)


WEIGHTS = [3.0, -4.0]


@pytest.mark.parametrize("shared", [True, False])
def test_r1_of_a_linear_discriminator(shared: bool) -> None:
    real, fake = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    stage = scene(Linear(WEIGHTS), real, fake, shared=shared)
    whole = value(R1(halved=False, shared_forward=shared), "discriminator", stage)
    assert float(whole.detach()) == pytest.approx(25.0, rel=1e-12)
    stage = scene(Linear(WEIGHTS), real, fake, shared=shared)
    half = value(R1(halved=True, shared_forward=shared), "discriminator", stage)
    assert float(half.detach()) == pytest.approx(12.5, rel=1e-12)


@pytest.mark.parametrize("per_sample", [True, False])
def test_gradient_penalty_of_a_linear_discriminator(per_sample: bool) -> None:
    real, fake = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    penalty = GradientPenalty(per_sample=per_sample)
    found = value(penalty, "discriminator", scene(Linear(WEIGHTS), real, fake))
    assert float(found.detach()) == pytest.approx((5 - 1) ** 2, rel=1e-12)


class Square(DiscriminatorNet):
    """D(x) = |x|^2 / 2, whose input gradient is x: it shows where a penalty looks."""

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        return DiscriminatorOutput(sample.x.square().sum(1) / 2)


@pytest.mark.parametrize(("per_sample", "seen"), [(True, [1.0, 1.5]), (False, [1.0, 1.0])])
def test_gradient_penalty_looks_between_fakes_and_reals(
    per_sample: bool, seen: list[float]
) -> None:
    """Reals at 2, fakes at 1; the mixing numbers are 0 and 1/2, or 0 for the whole batch."""
    real, fake = torch.full((2, 1), 2.0), torch.full((2, 1), 1.0)
    term = GradientPenalty(per_sample=per_sample)
    found = value(term, "discriminator", scene(Square(), real, fake))
    assert float(found.detach()) == pytest.approx(sum((x - 1) ** 2 for x in seen) / 2)


def test_r1_looks_at_reals_alone() -> None:
    real, fake = torch.tensor([[2.0], [4.0]]), torch.full((2, 1), 100.0)
    stage = scene(Square(), real, fake, shared=True)
    found = value(R1(halved=False), "discriminator", stage)
    assert float(found.detach()) == pytest.approx((4 + 16) / 2)


@pytest.mark.parametrize(
    "key", [("dcgan-r1", "cifar10", "lite"), ("dcgan-r1", "cifar10", "reference"),
            ("wgan-gp", "cifar10", "lite"), ("gan-r1", "ring8", "paper")], ids=preset_id,
)  # fmt: skip
def test_penalties_do_not_feel_autocast(key: Key) -> None:
    """Value and weight gradients are equal to the last bit with and without bf16 autocast."""
    preset = narrow(key)
    name = "r1" if "r1" in preset.objective.parts else "gradient_penalty"
    found = []
    for enabled in (False, True):
        net = build_players(preset, seed=1).discriminator
        source = torch.Generator().manual_seed(1)
        shape = (8, *preset.data.shape.x)
        real, fake = (torch.randn(shape, generator=source) for _ in range(2))
        term = preset.objective.terms()[name]
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            shared = "real_gradient" in term.reads("discriminator")
            loss = value(term, "discriminator", scene(net, real, fake, shared=shared))
        assert loss.dtype == torch.float32
        loss.backward()  # type: ignore[no-untyped-call]
        found.append([loss, *(p.grad for p in net.parameters() if p.grad is not None)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("term", ["r1", "r2"])
def test_a_pass_that_would_say_the_same_is_left_out(term: str) -> None:
    """The same losses and gradients, of fewer samples judged; not where passes differ."""
    key = ("gan-r1", "ring8", "reference")
    fields = [f"objective.{term}.shared_forward=false", f"objective.{term}.weight=10"]
    preset = narrow(key, ["objective.r1=", *fields])
    players = build_players(preset, seed=0)
    for net in players.named().values():
        net.double()
    net, deck = players.discriminator, toy_deck(preset, torch.float64)
    judged: list[int] = []
    net.register_forward_pre_hook(lambda module, given: judged.append(len(given[0].x)))
    found: list[list[Tensor]] = []
    for repeats in (True, False):
        net.repeats_itself = repeats
        turn = plan(preset.objective, players, 1)[0]
        judged.clear()
        losses = losses_of(turn, players, deck.hand(0, 0, 0))
        assert sum(judged) == (16 if repeats else 24)
        whole = sum(losses.values(), torch.zeros((), dtype=torch.float64))
        gradients = torch.autograd.grad(whole, list(net.parameters()))
        found.append([*losses.values(), *gradients])
    for ours, plain in zip(*found, strict=True):
        assert torch.allclose(ours, plain, rtol=1e-12, atol=1e-14)


def test_passes_differ_by_memory_chance_and_views() -> None:
    for key, repeats in (
        (("gan-r1", "ring8", "reference"), True),
        (("lsgan", "mnist", "reference"), False),
        (("sngan", "ring8", "reference"), False),
    ):
        assert build_players(narrow(key), seed=0).discriminator.repeats_itself == repeats
    linear = Linear(WEIGHTS)
    assert linear.repeats_itself
    chancy = Linear(WEIGHTS)
    chancy.drop = nn.Dropout(0.5)
    assert not chancy.repeats_itself
    fields = ["objective.r1.shared_forward=false", "objective.augmentation.translation=0.1"]
    preset = narrow(("dcgan", "mnist", "reference"), [*fields, "discriminator.network.norm=none"])
    players = build_players(preset, seed=0)
    assert players.discriminator.repeats_itself
    changed = plan(preset.objective, players, 1)[0].terms["r1"]
    assert isinstance(changed, R1)
    assert not changed.shared_forward


def test_float64_stays_float64() -> None:
    real = torch.randn(4, 2, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        term = R1(shared_forward=False)
        found = value(term, "discriminator", scene(Linear(WEIGHTS), real, real))
    assert found.dtype == torch.float64


@pytest.mark.parametrize("model", ["wgan", "sngan-hinge", "dcgan", "lsgan", "infogan", "eigengan"])
def test_losses_are_averaged_in_full_precision_under_autocast(model: str) -> None:
    home = {"infogan": "mnist", "eigengan": "ffhq"}
    preset = narrow((model, home.get(model, "cifar10"), "lite"))
    players = build_players(preset, seed=0)
    deck = toy_deck(preset)
    with torch.autocast("cpu", torch.bfloat16):
        for turn in plan(preset.objective, players, 1, preset.turns):
            found = losses_of(turn, players, deck.hand(0, 0, 0)).values()
            assert {loss.dtype for loss in found} <= {torch.float32}
            assert len(found) == len(preset.objective.terms_of(turn.name))


def test_half_types_are_widened() -> None:
    assert widened(Sample(torch.ones(2, 2, dtype=torch.bfloat16))).x.dtype == torch.float32


def test_a_flat_discriminator_has_a_finite_penalty_gradient() -> None:
    """The norm's derivative at 0 is 0; that of a square root would be infinite."""
    net = Linear([0.0, 0.0])
    real = torch.randn(4, 2, dtype=torch.float64)
    found = value(GradientPenalty(), "discriminator", scene(net, real, -real))
    found.backward()  # type: ignore[no-untyped-call]
    assert net.layer.weight.grad is not None
    assert bool(torch.isfinite(net.layer.weight.grad).all())


def test_clipping_reaches_every_parameter_and_no_buffer() -> None:
    net = build_players(narrow(("wgan", "cifar10", "reference")), seed=0).discriminator
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    WeightClip(bound=0.003).project(net)
    assert max(float(p.detach().abs().max()) for p in net.parameters()) == pytest.approx(0.003)
    assert all(torch.equal(before[name], buffer) for name, buffer in net.named_buffers())


@pytest.mark.parametrize("when", ["before", "after"])
def test_clipping_before_or_after(when: str) -> None:
    """Before: what is differentiated is inside the box. After: what the generator meets is."""
    key = ("wgan", "ring8", "reference")
    preset = narrow(key, [f"objective.weight_clip.when={when}", "optimizer.lr=0.01"])
    state = build_state(preset, 0, CPU)
    net = state.players.discriminator
    deck = toy_deck(preset)

    def largest() -> float:
        return max(float(p.detach().abs().max()) for p in net.parameters())

    seen: list[float] = []
    net.register_forward_pre_hook(lambda _net, _input: seen.append(largest()))
    turn = plan(preset.objective, state.players, 1)[0]
    for step in range(2):
        hand = deck.hand(step, 0, step)
        take(turn, state.players, state.optimizers, hand, world=World())
    box = 0.01 + 1e-7
    assert (largest() <= box) == (when == "after")
    # The first of two turns starts from weights no clip has seen, if it comes after the step.
    assert [value <= box for value in seen] == [when == "before", True]


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_each_term_moves_those_who_step_and_no_other(key: Key) -> None:
    preset = narrow(key)
    state = build_state(preset, 0, CPU, torch.float64)
    deck = toy_deck(preset, torch.float64)
    networks = state.players.named()
    for turn in plan(preset.objective, state.players, 1, preset.turns):
        side = turn.name
        for role, net in networks.items():
            handed_on = turn.hands_on_graph and role == "generator"
            net.requires_grad_(role in LEARN[side] or handed_on)
        for name, loss in losses_of(
            turn, state.players, deck.hand(0, 0, 0), 0, state.memory
        ).items():
            for net in networks.values():
                net.zero_grad()
            loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]
            given = {
                role: sum(float(p.grad.abs().sum()) for p in net.parameters() if p.grad is not None)
                for role, net in networks.items()
            }
            reached = {role for role, sum_ in given.items() if sum_ > 0}
            assert reached == LEARN[side], f"{name} gives gradients to {given}"


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_a_turn_changes_its_steppers_alone(key: Key) -> None:
    preset = narrow(key, ["optimizer.lr=0.01"])
    state = build_state(preset, 0, CPU)
    deck = toy_deck(preset)

    def weights() -> dict[str, list[Tensor]]:
        named = state.players.named()
        return {role: [p.detach().clone() for p in net.parameters()] for role, net in named.items()}

    for index, turn in enumerate(plan(preset.objective, state.players, 1, preset.turns)):
        before = weights()
        hand = deck.hand(0, index, 0 if turn.has_real else None)
        losses = take(
            turn, state.players, state.optimizers, hand, world=World(), memory=state.memory
        )
        assert all(
            bool(torch.isfinite(loss)) and not loss.requires_grad for loss in losses.values()
        )
        after = weights()
        for role, values in before.items():
            same = all(torch.equal(a, b) for a, b in zip(values, after[role], strict=True))
            assert same == (role not in turn.steppers)
