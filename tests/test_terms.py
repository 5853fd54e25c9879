"""Every registered term: its value against its equation, what it reads, remembers and measures."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
import torch
from equations import evaluate
from helpers import RING, TURNS, NoDraws, job, losses_of, narrow, shown, toy_deck
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gancli import register
from gancli.errors import UsageError
from gancli.health.measures import is_look
from gancli.networks import DISCRIMINATORS
from gancli.networks.spec import DiscriminatorSpec
from gancli.objective import (
    Equilibrium,
    FeatureMatching,
    LogitAnchor,
    Objective,
    RelativisticAverageHinge,
    RelativisticPairing,
)
from gancli.objective.context import Context, NamedDraws, Read, Scene, Side, widened
from gancli.objective.penalties import R2
from gancli.objective.plan_step import plan
from gancli.objective.term import TERMS, Term
from gancli.objective.views import DifferentiableAugmentation
from gancli.preset import load_preset
from gancli.state import build_players
from gancli.trainer import Trainer
from gancli.turn_gauge import is_gauge
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Players,
    ReconstructorNet,
    Sample,
)

SIDES: tuple[Side, ...] = ("discriminator", "generator", "joint")
KINDS = {name: kind for name, kind in TERMS.items() if issubclass(kind, Term)}
ROWS, CODES, CLASSES = 5, 2, 3


class Judge(DiscriminatorNet):
    """Says everything that a discriminator may say."""

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 6)
        self.logit = nn.Linear(6, 1)
        sizes = {"label": CLASSES, "category": CLASSES, "code": codes, "code_variance": CODES}
        self.said = nn.ModuleDict({name: nn.Linear(6, size) for name, size in sizes.items()})
        self.double()

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        features = torch.tanh(self.inner(sample.x))
        heads = {name: layer(features) for name, layer in self.said.items()}
        return DiscriminatorOutput(self.logit(features).squeeze(1), heads, features)


class Maker(GeneratorNet):
    def __init__(self) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(3, 7, dtype=torch.float64))

    def bases(self) -> list[Tensor]:
        return [self.basis]


class Guesser(ReconstructorNet):
    noise = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2].cos()


class Shares(NoDraws):
    """Mixing numbers that are not 0."""

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        count = rows or 1
        return (torch.arange(count, dtype=torch.float64) + 1) / (count + 2)


def stage(codes: int) -> tuple[Scene, Judge]:
    """Random samples and what a random discriminator says of them."""
    torch.manual_seed(7)
    judge = Judge(codes)

    def sample() -> Sample:
        return widened(
            Sample(
                torch.randn(ROWS, 4, dtype=torch.float64),
                torch.randn(ROWS, 2, dtype=torch.float64),
                torch.randint(CLASSES, (ROWS,)),
                torch.randint(CLASSES, (ROWS,)),
                torch.randn(ROWS, CODES, dtype=torch.float64),
            )
        )

    real, fake = sample(), sample()
    players = Players(Maker(), judge, Guesser())
    return Scene(players, Shares(), real, fake, judge(real), judge(fake)), judge


def slope(judge: Judge, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    return torch.autograd.grad(judge(Sample(x)).logit.sum(), x)[0]


def symbols(scene: Scene, judge: Judge, term: Term) -> dict[str, Tensor]:
    """What the names in equations stand for."""
    real, fake, on_real, on_fake = (
        scene.real, scene.fake, scene.real_output, scene.fake_output
    )  # fmt: skip
    assert real and fake and on_real and on_fake
    assert fake.z is not None and fake.code is not None
    guess = on_fake.heads["code"]
    rows = ROWS if getattr(term, "per_sample", True) else None
    share = Shares().uniform("", rows)[:, None]
    basis = scene.players.generator.bases()[0]
    state = scene.states.get("term", {})

    def surprise(
        output: DiscriminatorOutput, head: str, wanted: Tensor | None, *, twice: bool = False
    ) -> Tensor:
        assert wanted is not None
        said = output.heads[head].softmax(1) if twice else output.heads[head]
        return cross_entropy(said, wanted, reduction="none")

    # Of four columns the second and the third; [-1, 1] is black to white.
    thickness = (fake.x[:, 1:3].mean(1, keepdim=True) + 1) / 2
    first = (fake.code[:, :1] + 1) * (thickness + 0.52) - 1

    return {
        "r": on_real.logit,
        "f": on_fake.logit,
        "k": state.get("k", torch.zeros(())),
        "a": state.get("mean_real", torch.zeros(())),
        "b": state.get("mean_fake", torch.zeros(())),
        "h(x)": torch.tanh(judge.inner(real.x)),
        "h(G(z))": torch.tanh(judge.inner(fake.x)),
        "grad_x D(x)": slope(judge, real.x),
        "grad_x D(G(z))": slope(judge, fake.x),
        "grad D(a x + (1 - a) G(z))": slope(judge, share * real.x + (1 - share) * fake.x),
        "CE(C(x), y)": surprise(on_real, "label", real.label),
        "CE(C(G(z, y)), y)": surprise(on_fake, "label", fake.label),
        "CE(Q(G(z, c)), c)": surprise(on_fake, "category", fake.category),
        "CE(Q(x), y)": surprise(on_real, "category", real.label),
        "CE(softmax Q(G(z, c)), c)": surprise(on_fake, "category", fake.category, twice=True),
        "CE(softmax Q(x), y)": surprise(on_real, "category", real.label, twice=True),
        "v": on_fake.heads["code_variance"].exp(),
        "pi": torch.tensor(math.pi, dtype=torch.float64),
        "c'": torch.cat([first, fake.code[:, 1:]], 1).detach(),
        "mu": guess[:, :CODES],
        "s": guess[:, CODES:].exp(),
        "c": fake.code,
        "R(G(z))": fake.x[:, :2].cos(),
        "z": fake.z,
        "U U^T": (basis @ basis.T).flatten(),
        "I": torch.eye(3, dtype=torch.float64).flatten(),
    }


STATES: dict[str, dict[str, Tensor]] = {
    "equilibrium": {"k": torch.tensor(0.3), "M": torch.tensor(0.0)},
    "logit_anchor": {"mean_real": torch.tensor(0.7), "mean_fake": torch.tensor(-0.2)},
}
NUMBERS: Mapping[str, Sequence[float]] = {
    "fake_target": [-1.0],
    "real_target": [0.5],
    "generator_target": [2.0],
    "code_weight": [0.0, 0.25],
    "every": [3],
    "generator_halved": [False, True],
}
"""Numbers that an equation shows, and other values of them than their defaults."""


def variants() -> Iterator[tuple[str, Term]]:
    """Each registered term, with every combination of its switches that it takes, and with other
    numbers."""
    for name, kind in KINDS.items():
        fields = kind.model_fields
        switches = [field for field, info in fields.items() if info.annotation is bool]
        for values in itertools.product((False, True), repeat=len(switches)):
            with suppress(ValidationError):
                yield name, kind(**dict(zip(switches, values, strict=True)))
        for field, others in NUMBERS.items():
            yield from ((name, kind(**{field: value})) for value in others if field in fields)


@pytest.mark.parametrize(("name", "term"), list(variants()), ids=repr)
def test_equations_are_the_values(name: str, term: Term) -> None:
    sides = [side for side in SIDES if term.acts_on(side)]
    assert sides
    for side in sides:
        scene, judge = stage(CODES * (2 if getattr(term, "learned_deviation", False) else 1))
        scene.states = {"term": STATES.get(name, {})}
        value = getattr(term, side)(shown(term, side, scene))
        said = evaluate(term.equation(side), symbols(scene, judge, term))
        assert float(value.detach()) == pytest.approx(float(said.detach()), rel=1e-10, abs=1e-12)


def test_an_equation_that_parts_from_its_value_is_noticed() -> None:
    scene, judge = stage(CODES)
    names = symbols(scene, judge, RelativisticPairing())

    def said(equation: str) -> float:
        return float(evaluate(equation, names).detach())

    assert said("mean sp(f - r)") != said("mean sp(r - f)")
    value = said("1/2 [mean (f - 1)^2 + 3 mean |grad_x D(x)|^2], times 2")
    on_fake = names["f"]
    by_hand = (on_fake - 1).square().mean() + 3 * names["grad_x D(x)"].square().sum(1).mean()
    assert value == pytest.approx(float(by_hand.detach()))


# --- what is read ---


class Nosy(Term):
    """Looks at what it does not declare."""

    at: str = "real_output"
    declared: tuple[Read, ...] = ()

    def generator(self, context: Context) -> Tensor:
        getattr(context, self.at)
        return torch.zeros(())

    def reads(self, side: Side) -> frozenset[Read]:
        return frozenset(self.declared)

    def equation(self, side: Side) -> str:
        return "0"


ALLOWED: dict[str, set[Read]] = {
    "real": {"real", "real_output", "real_gradient"},
    "fake": {"fake", "fake_output", "fake_gradient"},
    "real_output": {"real_output", "real_gradient"},
    "fake_output": {"fake_output", "fake_gradient"},
}
READS: tuple[Read, ...] = (
    "real", "fake", "real_output", "fake_output", "real_gradient", "fake_gradient"
)  # fmt: skip


@pytest.mark.parametrize("at", ALLOWED)
def test_what_is_not_declared_is_refused_by_name(at: str) -> None:
    scene, _ = stage(CODES)
    for read in READS:
        term = Nosy(at=at, declared=(read,))
        if read in ALLOWED[at]:
            term.generator(shown(term, "generator", scene))
        else:
            with pytest.raises(UsageError, match=f"term reads {at}, which it does not declare"):
                term.generator(shown(term, "generator", scene))


def test_a_turn_makes_what_is_read_and_no_more() -> None:
    """The generator of a plain loss has no real batch; that of a comparing one does."""
    for key, wanted in ((RING, False), (("r3gan", "ring8", "reference"), True)):
        preset = narrow(key)
        players, source = build_players(preset, seed=0), toy_deck(preset)
        turn = plan(preset.objective, players, 1)[-1]
        assert turn.has_real == turn.takes_real == wanted
        passes: list[int] = []
        players.discriminator.register_forward_hook(
            lambda _net, _input, output, passes=passes: passes.append(len(output.logit))
        )
        losses_of(turn, players, source.hand(0, 1, 0))
        assert passes == [16 if wanted else 8]


def test_each_draw_has_a_name_of_its_own() -> None:
    preset = narrow(RING)
    hand = toy_deck(preset).hand(0, 0, 0)
    drawn: set[str] = set()
    first, second = (NamedDraws(hand, owner, drawn) for owner in ("one", "two"))
    like = torch.zeros(8, 3)
    found = [first.normal("x", like), first.normal("y", like), second.normal("x", like)]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(found, 2))
    with pytest.raises(ValueError, match=r"one\.x is drawn twice"):
        first.uniform("x", 8)


# --- by hand ---


def on(term: Term, side: Side, real: list[float], fake: list[float], **state: float) -> float:
    """A summand where the discriminator says these logits."""
    outputs = [DiscriminatorOutput(torch.tensor(logits).double()) for logits in (real, fake)]
    samples = [Sample(torch.zeros(len(logits), 1)) for logits in (real, fake)]
    scene = Scene(Players(GeneratorNet(), DiscriminatorNet()), NoDraws(), *samples, *outputs)  # type: ignore[arg-type]
    scene.states = {"term": {name: torch.tensor(value) for name, value in state.items()}}
    return float(getattr(term, side)(shown(term, side, scene)))


def test_comparing_losses_by_hand() -> None:
    """Reals 2 and 0 (mean 1), fakes 1 and -1 (mean 0)."""
    hinge, real, fake = RelativisticAverageHinge(), [2.0, 0.0], [1.0, -1.0]
    # r - mean f = 2, 0; f - mean r = 0, -2.
    assert on(hinge, "discriminator", real, fake) == (0 + 1) / 2 + (1 + 0) / 2
    assert on(hinge, "generator", real, fake) == (1 + 3) / 2 + (3 + 1) / 2
    pairing = RelativisticPairing()
    expected = float(torch.nn.functional.softplus(torch.tensor(-1.0)))
    assert on(pairing, "discriminator", real, fake) == pytest.approx(expected)
    expected = float(torch.nn.functional.softplus(torch.tensor(1.0)))
    assert on(pairing, "generator", real, fake) == pytest.approx(expected)


def test_an_anchor_by_hand() -> None:
    term = LogitAnchor(decay=0.5)
    assert on(term, "discriminator", [1, 3], [-1], mean_real=2, mean_fake=1) == (0 + 4) / 2 + 9
    state = {"mean_real": torch.tensor(2.0).double(), "mean_fake": torch.tensor(1.0).double()}
    seen = {"real": torch.tensor(4.0), "fake": torch.tensor(-1.0)}
    moved = term.advance("discriminator", state, seen)
    assert {name: float(value) for name, value in moved.items()} == {
        "mean_real": 3.0, "mean_fake": 0.0
    }  # fmt: skip


def test_a_balance_by_hand() -> None:
    """Losses of 2 for reals and 0.5 for fakes: gamma 2 - 0.5 = 0.5, and lambda is 1/10."""
    term = Equilibrium(diversity=0.5, rate=0.1)
    assert on(term, "discriminator", [-1, -3], [-0.5], k=0.25, M=0) == 2 - 0.25 * 0.5
    assert on(term, "generator", [-1, -3], [-0.5], k=0.25, M=0) == 0.5
    state = {name: torch.tensor(value).double() for name, value in (("k", 0.25), ("M", 0.0))}
    seen = {"real_loss": torch.tensor(2.0), "fake_loss": torch.tensor(0.5)}
    moved = term.advance("discriminator", state, seen)
    assert float(moved["k"]) == pytest.approx(0.25 + 0.1 * 0.5)
    assert float(moved["M"]) == 2 + 0.5
    far = {"real_loss": torch.tensor(200.0), "fake_loss": torch.tensor(0.5)}
    assert float(term.advance("discriminator", state, far)["k"]) == 1
    assert term.advance("generator", state, {}) == state


def test_features_are_matched_in_the_mean() -> None:
    features = [torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])]
    outputs = [DiscriminatorOutput(torch.zeros(2), features=each) for each in features]
    samples = [Sample(torch.zeros(2, 1))] * 2
    scene = Scene(Players(GeneratorNet(), DiscriminatorNet()), NoDraws(), *samples, *outputs)  # type: ignore[arg-type]
    term = FeatureMatching()
    assert float(term.generator(shown(term, "generator", scene))) == 2**2 + 1**2
    scene.fake_output = DiscriminatorOutput(torch.zeros(2))
    with pytest.raises(ValueError, match="no features"):
        term.generator(shown(term, "generator", scene))


@pytest.mark.parametrize("shared", [True, False])
def test_r2_looks_at_fakes_alone(shared: bool) -> None:
    scene, judge = stage(CODES)
    assert scene.fake is not None
    term = R2(shared_forward=shared, halved=False)
    found = term.discriminator(shown(term, "discriminator", scene))
    expected = slope(judge, scene.fake.x).square().sum(1).mean()
    assert float(found.detach()) == pytest.approx(float(expected))


@pytest.mark.parametrize("name", ["pairs", "pairs of one batch"])
def test_second_derivatives_are_those_of_finite_differences(name: str) -> None:
    """The discriminator's whole loss along a random direction of its weights."""
    key, fields = TURNS[name]
    preset = narrow(key, fields)
    players, source = build_players(preset, seed=0), toy_deck(preset, torch.float64)
    for net in players.named().values():
        net.double()
    turn = plan(preset.objective, players, 1, preset.turns)[0]
    weights: list[Tensor] = list(players.discriminator.parameters())
    torch.manual_seed(0)
    way = [torch.randn_like(weight) for weight in weights]

    def loss() -> Tensor:
        return torch.stack(list(losses_of(turn, players, source.hand(0, 0, 0)).values())).sum()

    gradients = torch.autograd.grad(loss(), weights, allow_unused=True)
    along = sum(float((g * w).sum()) for g, w in zip(gradients, way, strict=True) if g is not None)
    ends = []
    for share in (1e-6, -2e-6):
        with torch.no_grad():
            torch._foreach_add_(weights, way, alpha=share)
        ends.append(float(loss().detach()))
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(along, rel=1e-6)


# --- state and measures ---


def measured(name: str, folder: Path) -> tuple[Trainer, list[dict[str, float]]]:
    key, fields = TURNS[name]
    trainer = Trainer(job(narrow(key, [*fields, "schedule.log_every=1"]), folder))
    trainer.train()
    rows = trainer.job.run.metrics_file.read_text().splitlines()
    return trainer, [json.loads(row) for row in rows]


def test_measures_are_logged_with_the_losses(tmp_path: Path) -> None:
    trainer, rows = measured("equilibrium", tmp_path)
    names = {f"discriminator.equilibrium.{m}" for m in ("k", "M", "real_loss", "fake_loss")}
    assert all(names <= set(row) for row in rows)
    own = {name for name in rows[0] if "." in name and not (is_gauge(name) or is_look(name))}
    assert own == names
    tensors = trainer.state.tensors()
    assert {name for name in tensors if name.startswith("term.")} == {
        "term.equilibrium.k", "term.equilibrium.M"
    }  # fmt: skip
    # Two turns a line: their mean lies between the states before and after the second.
    assert min(row["discriminator.equilibrium.k"] for row in rows) >= 0
    assert "loss_discriminator_equilibrium" not in rows[0]


def test_averages_follow_what_was_seen(tmp_path: Path) -> None:
    """From 0, by a hundredth of the way a turn: a log holds the mean over its two turns."""
    _, rows = measured("anchor", tmp_path)
    for kind in ("real", "fake"):
        seen = rows[0][f"discriminator.logit_anchor.{kind}"]
        average = rows[0][f"discriminator.logit_anchor.mean_{kind}"]
        # After one turn 0.01 of it, after two almost 0.02: their mean is near 0.015.
        assert average == pytest.approx(0.015 * seen, rel=0.5)


class TinyAutoencoder(DiscriminatorNet):
    """A logit is minus a sample's reconstruction loss."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        return DiscriminatorOutput(-(sample.x - self.layers(sample.x)).abs().mean(1))


class TinyAutoencoderSpec(DiscriminatorSpec):
    family: Literal["tiny_autoencoder"] = "tiny_autoencoder"
    width: int = 8

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> DiscriminatorNet:
        del shape, twice, z_dim, heads
        return TinyAutoencoder(self.width)


@pytest.fixture
def _registered() -> Iterator[None]:
    register.discriminator("tiny_autoencoder")(TinyAutoencoderSpec)
    yield
    del DISCRIMINATORS._parts["tiny_autoencoder"]


@pytest.mark.usefixtures("_registered")
def test_a_balance_of_an_autoencoder_holds(tmp_path: Path) -> None:
    """The fakes' loss comes to gamma times the reals', and both fall."""
    fields = [
        "objective.vanilla=",
        "objective.equilibrium={rate=0.05, diversity=0.7}",
        "discriminator.network={family='tiny_autoencoder', width=8}",
        "generator.network.width=32",
        "optimizer.lr=5e-3",
        "schedule.discriminator_steps=1",
        "schedule.steps=800",
        "schedule.batch_size=64",
        "schedule.log_every=100",
        "schedule.preview_every=800",
        "schedule.checkpoint_every=800",
    ]
    trainer = Trainer(job(narrow(RING, fields), tmp_path / "run"))
    trainer.train()
    measures = [
        {kind: row[f"discriminator.equilibrium.{kind}"] for kind in ("real_loss", "fake_loss", "M")}
        for row in trainer.job.run.metrics()
    ]
    assert measures[-1]["fake_loss"] / measures[-1]["real_loss"] == pytest.approx(0.7, abs=0.15)
    assert measures[-1]["M"] < measures[0]["M"] / 10
    assert 0 < float(trainer.state.memory.states["equilibrium"]["k"]) < 1


# --- views ---


def view(x: Tensor, **fields: object) -> Tensor:
    source = toy_deck(narrow(("dcgan", "cifar10", "lite"))).hand(0, 0, 0)
    off: dict[str, object] = {"colour": False, "translation": 0.0, "cutout": 0.0}
    augmentation = DifferentiableAugmentation.model_validate(off | fields)
    return augmentation.show(x, NamedDraws(source, "augmentation.real", set()))


def test_shifts_are_shifts() -> None:
    x = torch.rand(8, 3, 16, 16) + 1
    seen = view(x, translation=0.125)
    found = set()
    for image, moved in zip(x, seen, strict=True):
        places = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(
                moved[:, max(0, -down) : 16 - max(0, down), max(0, -right) : 16 - max(0, right)],
                image[:, max(0, down) : 16 + min(0, down), max(0, right) : 16 + min(0, right)],
            )
        ]
        assert len(places) == 1
        found.add(places[0])
        down, right = places[0]
        left = (16 - abs(down)) * (16 - abs(right)) * 3
        assert int((moved != 0).sum()) == left
    assert len(found) > 3


def test_a_square_is_cut_out() -> None:
    x = torch.ones(8, 3, 16, 16)
    gone = view(x, cutout=0.5) == 0
    assert torch.equal(gone[:, 0], gone[:, 2])
    rows, columns = gone[:, 0].any(2).sum(1), gone[:, 0].any(1).sum(1)
    assert torch.equal(gone[:, 0].sum((1, 2)), rows * columns)
    assert int(rows.max()) <= 8 and int(rows.min()) >= 4
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) > 2


def test_colours_change_brightness_saturation_and_contrast() -> None:
    """Of a flat grey image brightness alone changes, by less than a half either way."""
    flat = torch.zeros(8, 3, 16, 16)
    seen = view(flat, colour=True)
    level = seen.mean((1, 2, 3))
    assert torch.allclose(seen, level[:, None, None, None].expand_as(seen), atol=1e-6)
    assert float(level.abs().max()) < 0.5 and float(level.std()) > 0.1
    x = torch.randn(8, 3, 16, 16)
    spread = (view(x, colour=True).std((1, 2, 3)) / x.std((1, 2, 3))).tolist()
    assert max(spread) < 3 and len({round(each, 3) for each in spread}) == 8


def test_views_are_differentiable_and_differ_between_reals_and_fakes() -> None:
    key, fields = TURNS["views"]
    preset = narrow(key, fields)
    players, source = build_players(preset, seed=0), toy_deck(preset)
    seen: list[Tensor] = []
    players.discriminator.register_forward_pre_hook(lambda _net, given: seen.append(given[0].x))
    turns = plan(preset.objective, players, 1, preset.turns)
    losses = losses_of(turns[0], players, source.hand(0, 0, 0))
    # The gradient of the penalty is that in the sample before the view.
    assert float(losses["r1"].detach()) > 0
    assert all(bool((x == 0).flatten(1).sum(1).min() > 0) for x in seen)
    assert not torch.equal(seen[0] == 0, seen[1] == 0)
    loss = sum(losses_of(turns[1], players, source.hand(0, 1, None)).values(), torch.zeros(()))
    loss.backward()  # type: ignore[no-untyped-call]
    weight = next(players.generator.parameters())
    assert weight.grad is not None and float(weight.grad.abs().sum()) > 0


# --- the registry ---


def test_parts_are_summed_in_the_order_of_their_registration() -> None:
    """Recorded results depend on it: floats are summed in this order."""
    assert list(TERMS)[:13] == [
        "vanilla", "density_ratio", "hinge", "least_squares", "wasserstein", "r1", "r2",
        "gradient_penalty", "class_loss", "latent_reconstruction", "mutual_information",
        "orthogonality", "weight_clip",
    ]  # fmt: skip
    tables: dict[str, object] = {"weight_clip": {}, "r1": {}, "hinge": {}}
    assert list(Objective.model_validate(tables).parts) == ["hinge", "r1", "weight_clip"]


def test_a_table_that_is_not_registered_is_refused_with_a_suggestion() -> None:
    with pytest.raises(
        UsageError, match=r"no field objective\.hinje, did you mean objective\.hinge\?"
    ):
        load_preset("gan", "ring8", overrides=["objective.hinje.weight=1"])


def test_an_objective_is_written_and_read_again() -> None:
    objective = load_preset("gan-r1", "ring8").objective
    written = objective.model_dump_json(exclude_none=True)
    assert Objective.model_validate_json(written) == objective
    # Files of before name the tables that are not used, too.
    assert Objective.model_validate_json(objective.model_dump_json()) == objective
