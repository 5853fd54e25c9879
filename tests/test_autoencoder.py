"""Autoencoders that judge, their decoders, and the balance that they are trained in."""

from dataclasses import InitVar, dataclass
from pathlib import Path

import pytest
import torch
from helpers import Key, NoDraws, every_choice, job, narrow, shown
from torch import Tensor, nn
from torch.nn.functional import conv2d, elu, linear

from gancli.catalog.fit_to_images import UserImages
from gancli.data.images import ImageSpec
from gancli.networks import AutoencoderSpec, DecoderSpec
from gancli.networks.autoencoder import Autoencoder
from gancli.objective.context import Scene
from gancli.objective.equilibrium import Equilibrium
from gancli.preset import change, load_preset
from gancli.prior import Prior
from gancli.state import build_players
from gancli.trainer import Trainer
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Players,
    Sample,
)

BEGAN: Key = ("began", "mnist", "reference")
SIDES = {28: (3, 7), 32: (3, 8), 48: (4, 6), 64: (4, 8), 96: (5, 6), 128: (5, 8)}
"""Of images: how many sizes of feature maps, and the smallest of them."""


@dataclass
class Plain:
    """The networks as the paper describes them, by a network's weights in order."""

    net: InitVar[nn.Module]
    stages: int
    repeats: int
    skip: bool

    def __post_init__(self, net: nn.Module) -> None:
        self.left = iter([p.detach() for p in net.parameters()])

    def dense(self, x: Tensor) -> Tensor:
        return linear(x, next(self.left), next(self.left))

    def conv(self, x: Tensor, stride: int = 1) -> Tensor:
        return conv2d(x, next(self.left), next(self.left), stride, 1)

    def used_up(self) -> bool:
        return next(self.left, None) is None

    def encoded(self, x: Tensor) -> Tensor:
        x = elu(self.conv(x))
        for stage in range(self.stages):
            x = x if stage == 0 else elu(self.conv(x, stride=2))
            for _ in range(self.repeats):
                x = elu(self.conv(x))
        return self.dense(x.flatten(1))

    def decoded(self, h: Tensor, dim: int, side: int) -> Tensor:
        first = x = self.dense(h).view(len(h), dim, side, side)
        for stage in range(self.stages):
            if stage:
                x = enlarged(x, 2)
                x = torch.cat([x, enlarged(first, 2**stage)], 1) if self.skip else x
            for _ in range(self.repeats):
                x = elu(self.conv(x))
        return self.conv(x)


def enlarged(x: Tensor, times: int) -> Tensor:
    return x.repeat_interleave(times, 2).repeat_interleave(times, 3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("repeats", "skip", "power"), [(2, False, 1), (1, True, 2)])
def test_networks_are_what_the_paper_draws(side: int, repeats: int, skip: bool, power: int) -> None:
    """Widths that grow by n from stage to stage in the encoder; n throughout in the decoder."""
    fields = {"dim": 3, "repeats": repeats, "skip": skip, "output": "linear"}
    judging = AutoencoderSpec.model_validate(fields | {"embedding": 5, "power": power}).fitted(side)
    making = DecoderSpec.model_validate(fields).fitted(side)
    stages, smallest = SIDES[side]
    assert judging.stages == making.stages == stages
    shape = DataShape((2, side, side))
    assert judging.misfit(shape) is None
    torch.manual_seed(0)
    judge = judging.build(shape, twice=False, z_dim=0, heads={}).double()
    maker = making.build(Prior(z_dim=4), shape).double()
    widths = [
        layer.out_channels for layer in judge.encoder.modules() if isinstance(layer, nn.Conv2d)
    ]
    counts = [repeats + 2, *[repeats + 1] * (stages - 2), repeats]
    assert widths == [3 * (stage + 1) for stage, count in enumerate(counts) for _ in range(count)]

    with torch.no_grad():
        plain, z = Plain(maker, stages, repeats, skip), torch.randn(2, 4, dtype=torch.float64)
        said = plain.decoded(z, 3, smallest)
        assert plain.used_up()
        assert said.shape == (2, *shape.x)
        assert torch.allclose(maker(Latent(z)), said, rtol=0, atol=1e-12)

        plain = Plain(judge, stages, repeats, skip)
        x = torch.rand(2, 2, side, side, dtype=torch.float64) * 2 - 1
        again = plain.decoded(plain.encoded(x), 3, smallest)
        assert plain.used_up()
        assert torch.allclose(judge.reconstruct(x), again, rtol=0, atol=1e-12)
        verdict = judge(Sample(x))
        lost = (x - again).abs().pow(power).mean((1, 2, 3))
        assert torch.allclose(verdict.logit, -lost, rtol=0, atol=1e-12)
        assert (verdict.features, dict(verdict.heads)) == (None, {})


def test_images_that_cannot_be_halved_so_often_are_refused() -> None:
    spec = DecoderSpec(stages=4)
    assert spec.misfit(DataShape((3, 64, 48))) is None
    said = spec.misfit(DataShape((1, 28, 28)))
    assert said is not None
    assert "stages = 4 is for images whose sides are multiples of 8" in said
    assert "the data are 1x28x28" in said
    assert "multiples of 8" in (spec.misfit(DataShape((2,))) or "")


def test_an_autoencoder_may_be_differentiated_twice() -> None:
    """As penalties do: the slope of the logit, along the image and along the weights."""
    spec = AutoencoderSpec(dim=1, stages=2, embedding=2, power=2)
    torch.manual_seed(0)
    net = spec.build(DataShape((1, 4, 4)), twice=True, z_dim=0, heads={}).double()
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = net.to_embedding.weight
    assert torch.autograd.gradgradcheck(lambda x: net(Sample(x)).logit, (x,))

    def slope() -> Tensor:
        logit = net(Sample(x)).logit.sum()
        return torch.autograd.grad(logit, x, create_graph=True)[0].square().sum()

    (found,) = torch.autograd.grad(slope(), weight)
    ends = []
    for change_by in (1e-5, -2e-5):
        with torch.no_grad():
            weight[0, 0] += change_by
        ends.append(float(slope().detach()))
    assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(found[0, 0]), rel=1e-5)


# --- training ---


FAST = ["objective.equilibrium={rate=0.5, diversity=0.9}", "schedule.discriminator_steps=1"]
"""So that k moves within five steps."""


def short(folder: Path, overrides: list[str]) -> Trainer:
    preset = change(narrow(BEGAN), [*FAST, "schedule.steps=5", "optimizer.lr=1e-3", *overrides])
    return Trainer(job(preset, folder, precision="fp64"))


def by_hand(trainer: Trainer, diversity: float, rate: float) -> list[dict[str, float]]:
    """Five steps of the paper's algorithm on the trainer's networks and draws."""
    players, source = trainer.state.players, trainer.deck
    making, judge = players.generator, players.discriminator
    assert isinstance(judge, Autoencoder)
    optimizers = {
        name: torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999))
        for name, net in (("G", making), ("D", judge))
    }
    k, rows = 0.0, []

    def lost(x: Tensor) -> Tensor:
        return (x - judge.reconstruct(x)).abs().mean()

    for step in range(5):
        at_hand = source.hand(step, 0, step)
        real, fake = at_hand.real().x, making(at_hand.latent())
        on_real, on_fake = lost(real), lost(fake.detach())
        judge.zero_grad()
        (on_real - k * on_fake).backward()  # type: ignore[no-untyped-call]
        optimizers["D"].step()
        lead = float((diversity * on_real - on_fake).detach())
        k = min(max(k + rate * lead, 0.0), 1.0)
        rows.append({"k": k, "M": float(on_real.detach()) + abs(lead)})
        making.zero_grad()
        lost(fake).backward()  # type: ignore[no-untyped-call]
        optimizers["G"].step()
    return rows


def test_five_steps_written_by_hand(tmp_path: Path) -> None:
    """Within 1e-10: weights of both players, k and M; k has an effect, for it is far from 0."""
    ours, theirs = (
        short(tmp_path / "ours", ["schedule.log_every=1"]),
        short(tmp_path / "theirs", []),
    )
    ours.train()
    rows = by_hand(theirs, 0.9, 0.5)
    logged = [
        {name: row[f"discriminator.equilibrium.{name}"] for name in ("k", "M")}
        for row in ours.job.run.metrics()
    ]
    assert [list(row.values()) for row in logged] == [
        pytest.approx(list(row.values()), rel=1e-10, abs=1e-12) for row in rows
    ]
    assert rows[-1]["k"] > 0.05
    pairs = zip(
        ours.state.players.named().values(), theirs.state.players.named().values(), strict=True
    )
    for net, other in pairs:
        for (name, a), b in zip(net.named_parameters(), other.parameters(), strict=True):
            bound = 1e-10 * float(b.detach().abs().max())
            assert float((a - b).detach().abs().max()) <= bound, name


def test_the_discriminator_s_gradient_follows_k() -> None:
    """It is that of the reals' loss minus k times that of the fakes'."""
    preset = narrow(BEGAN)
    players = build_players(preset, seed=0)
    judge = players.discriminator.double()
    torch.manual_seed(0)
    real, fake = (torch.rand(4, *preset.data.shape.x, dtype=torch.float64) for _ in range(2))
    weights = list(judge.parameters())

    def gradient(value: Tensor) -> Tensor:
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, weights)])

    apart = [gradient(-judge(Sample(x)).logit.mean()) for x in (real, fake)]
    for k in (0.0, 0.25, 1.0):
        on_real, on_fake = (judge(Sample(x)).logit for x in (real, fake))
        found = gradient(balance(on_real, on_fake, k))
        assert torch.allclose(found, apart[0] - k * apart[1], rtol=0, atol=1e-13)


def balance(on_real: Tensor, on_fake: Tensor, k: float) -> Tensor:
    sample = Sample(torch.zeros(4, 1))
    players = Players(GeneratorNet(), DiscriminatorNet())
    real, fake = DiscriminatorOutput(on_real), DiscriminatorOutput(on_fake)
    scene = Scene(players, NoDraws(), sample, sample, real, fake)
    scene.states = {"term": {"k": torch.tensor(k), "M": torch.tensor(0.0)}}
    term = Equilibrium()
    return term.discriminator(shown(term, "discriminator", scene))


# --- the preset ---


def test_both_players_have_one_shape() -> None:
    """The generator is the discriminator's decoder, layer by layer, on every data set."""
    for key in (key for key in every_choice() if key[0] == BEGAN[0]):
        preset = load_preset(*key)
        maker, judge = preset.generator.network, preset.discriminator.network
        assert isinstance(maker, DecoderSpec) and isinstance(judge, AutoencoderSpec)
        shared = set(DecoderSpec.model_fields) - {"family"}
        assert all(getattr(maker, field) == getattr(judge, field) for field in shared)
        assert preset.prior.z_dim == judge.embedding
        smallest = preset.data.shape.x[1] >> (maker.stages - 1)
        assert smallest == {28: 7, 96: 6}.get(preset.data.shape.x[1], 8)


@pytest.mark.parametrize("variant", ["reference", "paper", "lite"])
def test_digits_surround_the_place_where_fakes_start(variant: str) -> None:
    """A generator starts near 0, and so does the background; elsewhere the fakes stay grey."""
    preset = load_preset("began", "mnist", variant)
    term = preset.objective.parts["equilibrium"]
    assert isinstance(preset.data, ImageSpec) and preset.data.range == "unit"
    assert isinstance(term, Equilibrium) and term.diversity == 1
    found = preset.deviations_in_force()
    assert found["data.range"].paper == "signed"
    assert found["objective.equilibrium.diversity"].paper == 0.5
    generator = build_players(preset, seed=0).generator
    prior = preset.prior
    z = torch.rand(64, prior.z_dim, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        made = generator(Latent(z))
    assert 4 * made.abs().mean() < (made + 1).abs().mean()


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256])
@pytest.mark.parametrize("variant", ["reference", "lite"])
def test_own_images_get_as_many_stages_as_they_take(size: int, variant: str) -> None:
    """Down to 8 pixels; the settings of small batches are the model's own."""
    data = {"kind": "images", "path": "/mine", "size": size, "classes": []}
    preset = load_preset("began", UserImages("mine", data), variant)
    for player in preset.players().values():
        network = player.network
        assert isinstance(network, DecoderSpec | AutoencoderSpec)
        assert (size >> (network.stages - 1), network.dim) == (8, 16 if variant == "lite" else 64)
    assert preset.schedule.batch_size == 16
    assert preset.schedule.steps == (4_000 if variant == "lite" else 200_000)
