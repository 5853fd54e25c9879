"""What is measured of a turn, against the same by hand; looking changes nothing."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from helpers import every_preset, job, narrow, preset_id
from torch import Tensor, nn

from gancli import step
from gancli.checkpoint import Precision, read_header
from gancli.networks import singular_values
from gancli.networks.cnn import CnnDiscriminatorSpec
from gancli.networks.layers import put_spectral_norm
from gancli.objective.adversarial import Adversarial
from gancli.objective.plan_step import plan
from gancli.objective.term import TERMS, Term
from gancli.objective.turn import Turn
from gancli.preset import Preset, change
from gancli.report.charts import Chart, charts_of
from gancli.report.compared import ComparedRun
from gancli.report.comparison_page import shared_charts
from gancli.report.page import render_report
from gancli.report.summary import summarise_run
from gancli.runs.folder import Run
from gancli.state import build_players
from gancli.trainer import Trainer
from gancli.turn_gauge import GAUGES, TurnGauge, gradient_ratio, is_gauge, penalty_shares
from gancli.types import Players


def trained(preset: Preset, folder: Path, log_every: int = 1) -> Trainer:
    trainer = Trainer(job(change(preset, [f"schedule.log_every={log_every}"]), folder))
    trainer.train()
    return trainer


def weights(trainer: Trainer, player: str) -> Tensor:
    net = trainer.state.players.named()[player]
    return torch.cat([weight.detach().flatten() for weight in net.parameters()]).clone()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_norms_and_moves_are_those_of_the_turns(precision: Precision, tmp_path: Path) -> None:
    """SGD moves by its rate times the gradient, which autocast leaves as it is."""
    fields = ["optimizer.kind=sgd", "optimizer.lr=0.1"]
    fields.append("schedule.discriminator_steps=1")
    preset = narrow(("gan", "ring8", "reference"), ["schedule.steps=3", *fields])
    seen = change(preset, ["schedule.log_every=1"])
    trainer = Trainer(job(seen, tmp_path, precision=precision))
    for _ in range(3):
        before = {name: weights(trainer, name) for name in ("generator", "discriminator")}
        trainer.step()
        means = trainer.state.meter.means()
        trainer.state.meter.clear()
        for name, old in before.items():
            moved = float((weights(trainer, name) - old).norm())
            assert means[f"{name}.health.gradient_norm"] == pytest.approx(moved / 0.1, rel=1e-4)
            assert means[f"{name}.health.update_ratio"] == pytest.approx(
                moved / float(old.norm()), rel=1e-4
            )


def test_the_first_step_of_adam_moves_each_weight_by_its_rate(tmp_path: Path) -> None:
    """m / sqrt(v) is the sign of the gradient, or 0 where that is 0."""
    fields = ["optimizer.lr=1e-3", "optimizer.eps=1e-30", "schedule.discriminator_steps=1"]
    preset = narrow(("gan", "mnist", "reference"), [*fields, "schedule.log_every=1"])
    trainer = Trainer(job(preset, tmp_path, precision="fp64"))
    old = weights(trainer, "discriminator")
    trainer.step()
    new = weights(trainer, "discriminator")
    moved = int((new != old).sum())
    assert moved > 100
    ratio = trainer.state.meter.means()["discriminator.health.update_ratio"]
    assert ratio == pytest.approx(1e-3 * math.sqrt(moved) / float(old.norm()), rel=1e-9)


def test_several_turns_of_a_step_are_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TurnGauge] = []

    class Kept(TurnGauge):
        def __init__(self, turn: Turn, players: Players, adversarial: Adversarial) -> None:
            super().__init__(turn, players, adversarial)
            made.append(self)

    monkeypatch.setattr(step, "TurnGauge", Kept)
    fields = ["schedule.discriminator_steps=5", "schedule.log_every=1"]
    trainer = Trainer(job(narrow(("wgan", "ring8", "reference"), fields), tmp_path))
    trainer.step()
    means = trainer.state.meter.means()
    assert len(made) == 6
    for name in ("gradient_norm", "logit_gap", "clipped"):
        turns = [float(gauge.measures[f"health.{name}"]) for gauge in made[:5]]
        assert len(set(turns)) > 1 or name == "clipped"
        assert means[f"discriminator.health.{name}"] == pytest.approx(sum(turns) / 5)


REAL, FAKE = [2.0, 1.0, 0.0, -1.0, 0.5], [-2.0, 0.0, 0.25, -3.0]


def separated(
    model: str, real: list[float], fake: list[float], dtype: torch.dtype = torch.float32
) -> dict[str, float]:
    """What is measured of a turn of the discriminator with these logits.

    Its weights are 0 before it, and 0.5 afterwards.
    """
    preset = narrow((model, "ring8", "reference"))
    players = build_players(preset, 0)
    turn = plan(preset.objective, players, 1, preset.turns)[0]
    assert turn.name == "discriminator"
    gauge = TurnGauge(turn, players, preset.objective.adversarial)
    for weight in players.discriminator.parameters():
        weight.grad = torch.full_like(weight, 2.0)
        nn.init.zeros_(weight)
    gauge.stepping()
    for weight in players.discriminator.parameters():
        nn.init.constant_(weight, 0.5)
    outputs = [SimpleNamespace(logit=torch.tensor(logit, dtype=dtype)) for logit in (real, fake)]
    scene: Any = SimpleNamespace(real_output=outputs[0], fake_output=outputs[1])
    gauge.stepped(scene)
    return {name.removeprefix("health."): float(v) for name, v in gauge.measures.items()}


def test_accuracy_by_the_boundary_of_the_loss() -> None:
    """gan: 0; lsgan: 0.5; what lies on it counts half."""
    gan, lsgan = separated("gan", REAL, FAKE), separated("lsgan", REAL, FAKE)
    for found, shares in ((gan, (3.5 / 5, 2.5 / 4)), (lsgan, (2.5 / 5, 4 / 4))):
        assert found["accuracy_real"] == pytest.approx(shares[0])
        assert found["accuracy_fake"] == pytest.approx(shares[1])
    assert gan["logit_gap"] == lsgan["logit_gap"] == pytest.approx(0.5 + 4.75 / 4)


def test_accuracy_by_the_middle_of_the_means() -> None:
    """wgan: (0.5 - 1.1875) / 2 = -0.34375, and it would be the same of logits that are shifted."""
    for shift in (0.0, 100.0):
        real, fake = ([logit + shift for logit in logits] for logits in (REAL, FAKE))
        found = separated("wgan", real, fake)
        assert found["accuracy_real"] == pytest.approx(4 / 5)
        assert found["accuracy_fake"] == pytest.approx(2 / 4)
        assert found["logit_gap"] == pytest.approx(0.5 + 4.75 / 4, abs=1e-5)
    undecided = separated("wgan", [3.0, 3.0], [3.0])
    assert undecided["accuracy_real"] == undecided["accuracy_fake"] == 0.5


def test_means_of_half_types_are_not_rounded() -> None:
    """In bf16 numbers near 200 are 1 apart, and means would be, too."""
    found = separated("wgan", [200.0, 201.0], [200.0, 200.0, 200.0, 201.0], dtype=torch.bfloat16)
    assert found["logit_gap"] == 0.25


def test_a_step_away_from_zero_has_a_finite_ratio() -> None:
    found = separated("gan", REAL, FAKE)
    assert found["update_ratio"] == pytest.approx(found["gradient_norm"] / 4 / 1e-12, rel=1e-5)


def test_the_boundary_of_smoothed_labels_is_their_equilibrium_s() -> None:
    """Where reals and fakes are equally likely, the loss is least at it."""
    preset = narrow(("gan", "ring8", "reference"), ["objective.vanilla.real_target=0.7"])
    loss: Any = preset.objective.adversarial
    best = torch.tensor([loss.boundary], dtype=torch.float64, requires_grad=True)
    loss.tell_apart(best, best).backward()
    assert best.grad is not None
    assert float(best.grad) == pytest.approx(0, abs=1e-12)
    assert loss.boundary < -0.5


def test_an_autoencoder_s_logit_is_minus_its_loss(tmp_path: Path) -> None:
    fields = ["schedule.discriminator_steps=1", "schedule.steps=2"]
    preset = narrow(("began", "mnist", "reference"), fields)
    row = trained(preset, tmp_path).job.run.metrics()[0]
    losses = [row[f"discriminator.equilibrium.{name}_loss"] for name in ("fake", "real")]
    assert row["discriminator.health.logit_gap"] == pytest.approx(losses[0] - losses[1], rel=1e-5)


@pytest.mark.parametrize(
    ("model", "boundary"), [("gan", 0.0), ("lsgan", 0.5), ("wgan", None), ("wgan-gp", None)]
)
def test_the_boundary_is_the_loss_s(model: str, boundary: float | None) -> None:
    preset = narrow((model, "ring8", "reference"))
    assert preset.objective.adversarial.boundary == boundary


def test_a_discriminator_that_tells_all_apart_is_right_of_all(tmp_path: Path) -> None:
    preset = narrow(("lsgan", "ring8", "reference"), ["schedule.steps=1"])
    trainer = Trainer(job(change(preset, ["schedule.log_every=1"]), tmp_path))
    with torch.no_grad():
        for weight in trainer.state.players.generator.parameters():
            weight.zero_()
        for weight in trainer.state.players.discriminator.parameters():
            weight.zero_()
    trainer.step()
    means = trainer.state.meter.means()
    assert means["discriminator.health.accuracy_real"] == 0.0
    assert means["discriminator.health.accuracy_fake"] == 1.0
    assert means["discriminator.health.logit_gap"] == 0.0


def test_clipped_weights_and_singular_values(tmp_path: Path) -> None:
    clipped = narrow(("wgan", "ring8", "reference"), ["objective.weight_clip.bound=1e-6"])
    rows = trained(clipped, tmp_path / "wgan").job.run.metrics()
    assert rows[-1]["discriminator.health.clipped"] > 0.9
    net = build_players(narrow(("sngan", "mnist", "reference")), 0).discriminator
    net.train()
    layers: list[Any] = [layer for layer in net.modules() if hasattr(layer, "parametrizations")]
    for layer in layers * 60:
        assert layer.weight is not None
    found = singular_values(net)
    assert found is not None
    exact = [
        torch.linalg.matrix_norm(layer.parametrizations.weight.original.detach().flatten(1), 2)
        for layer in layers
    ]
    assert torch.allclose(found, torch.stack(exact), rtol=2e-2)


@pytest.mark.parametrize(
    ("layer", "rows"),
    [
        (nn.Conv2d(3, 5, 4), lambda w: w.flatten(1)),
        (nn.ConvTranspose2d(3, 5, 4), lambda w: w.transpose(0, 1).flatten(1)),
        (nn.Linear(7, 4), lambda w: w),
    ],
)
def test_a_singular_value_is_that_of_a_row_per_output_channel(
    layer: nn.Module, rows: Callable[[Tensor], Tensor]
) -> None:
    weight: Any = layer.weight
    exact = torch.linalg.matrix_norm(rows(weight.detach().clone()), 2)
    put_spectral_norm(layer, CnnDiscriminatorSpec(spectral=True))
    for _ in range(200):
        assert layer.weight is not None
    found = singular_values(nn.Sequential(nn.ReLU(), layer))
    assert found is not None
    assert torch.allclose(found, exact[None], rtol=1e-5)


def test_frozen_estimates_are_not_measured() -> None:
    layer = nn.Linear(7, 4)
    put_spectral_norm(layer, CnnDiscriminatorSpec(spectral=True, power_iteration="frozen"))
    assert singular_values(layer) is None


def test_penalties_say_that_they_are() -> None:
    own = [(name, part) for name, part in TERMS.items() if part.__module__.startswith("gancli.")]
    kept = {name for name, part in own if issubclass(part, Term) and part().penalizes()}
    assert kept == {"r1", "r2", "gradient_penalty", "logit_anchor", "orthogonality"}


def test_the_share_of_penalties_by_hand() -> None:
    means = {
        "discriminator.wasserstein": -3.0,
        "discriminator.gradient_penalty": 0.5,
        "discriminator.r1": 0.5,
        "discriminator.equilibrium.k": 7.0,
        "generator.wasserstein": 2.0,
        "joint.r1": 0.0,
    }
    assert penalty_shares(means, {"gradient_penalty", "r1", "orthogonality"}) == {
        "discriminator.health.penalty_share": 1 / 4
    }
    assert penalty_shares(means, ()) == {}
    # Added one by one, ones are lost next to 1e16, and are not where they come first.
    terms = {"discriminator.r1": 1e16} | {f"discriminator.{name}": 1.0 for name in "abcdefgh"}
    shares = [penalty_shares(each, {"r1"}) for each in (terms, dict(reversed(terms.items())))]
    assert shares[0] == shares[1] != {}


@pytest.mark.parametrize(
    ("key", "penalty", "fields"),
    [
        (("wgan-gp", "ring8", "reference"), "gradient_penalty", []),
        (("gan-r1", "ring8", "reference"), "r1", ["objective.r1.every=16"]),
    ],
)
def test_the_share_of_penalties_is_that_of_the_logged_terms(
    key: tuple[str, str, str], penalty: str, fields: list[str], tmp_path: Path
) -> None:
    """In the second none of the logged turns but the first has the penalty, and all have a part."""
    preset = narrow(key, ["schedule.steps=9", "schedule.discriminator_steps=2", *fields])
    rows = trained(preset, tmp_path, log_every=9).job.run.metrics()
    prefix = "loss_discriminator_"
    terms = {name: abs(value) for name, value in rows[-1].items() if name.startswith(prefix)}
    share = terms[prefix + penalty] / sum(terms.values())
    assert 0 < share < 1
    assert rows[-1]["discriminator.health.penalty_share"] == pytest.approx(share, rel=1e-12)
    assert "generator.health.penalty_share" not in rows[-1]


def test_the_ratio_of_gradients_is_read_off_a_row(tmp_path: Path) -> None:
    norms = {"generator.health.gradient_norm": 3.0, "discriminator.health.gradient_norm": 4.0}
    assert gradient_ratio(norms) == 0.75
    assert gradient_ratio(norms | {"discriminator.health.gradient_norm": 0.0}) is None
    assert gradient_ratio({"step": 1, "discriminator.health.gradient_norm": 4.0}) is None
    with_third = narrow(("veegan", "ring8", "reference"), ["schedule.steps=1"])
    row = trained(with_third, tmp_path).job.run.metrics()[-1]
    players = ("generator.health.generator", "discriminator.health")
    separator = {players[0]: "_", players[1]: "."}
    found = [row[f"{name}{separator[name]}gradient_norm"] for name in players]
    assert gradient_ratio(row) == found[0] / found[1]


def drawn(run: Run) -> dict[str, Chart]:
    charts = charts_of(summarise_run(run, read_header(run.checkpoint())))
    assert len({chart.title for chart in charts}) == len(charts)
    return {chart.title: chart for chart in charts}


def test_each_measure_has_a_chart_in_words(tmp_path: Path) -> None:
    preset = narrow(("wgan-gp", "ring8", "reference"), ["schedule.steps=4"])
    run = trained(preset, tmp_path, log_every=2).job.run
    charts = drawn(run)
    players = {"discriminator", "generator"}
    wanted = {
        "accuracy of the discriminator": {"reals", "fakes"},
        "logit gap": {"discriminator"},
        "gradient norms": players,
        "ratio of the gradient norms": {"generator / discriminator"},
        "update-to-weight ratios": players,
        "share of penalties in the loss": {"discriminator"},
    }
    found = {title: chart for title, chart in charts.items() if chart.of_players}
    assert {title: set(chart.series) for title, chart in found.items()} == wanted
    assert all(chart.words for chart in found.values())
    shares = {title for title, chart in found.items() if chart.span == (0, 1)}
    assert shares == {"accuracy of the discriminator", "share of penalties in the loss"}
    rows = run.metrics()
    assert [row["step"] for row in rows] == [2, 4]
    ratios = found["ratio of the gradient norms"].series["generator / discriminator"]
    assert ratios == [(row["step"], gradient_ratio(row)) for row in rows]
    fakes = found["accuracy of the discriminator"].series["fakes"]
    assert [point.value for point in fakes] == [
        row["discriminator.health.accuracy_fake"] for row in rows
    ]
    page = render_report(summarise_run(run, read_header(run.checkpoint()))).decode()
    assert len(re.findall(r'"span": ?\[0(?:\.0)?, ?1(?:\.0)?\]', page)) >= len(shares)


def test_runs_compared_have_a_chart_for_each_player_s_measure(tmp_path: Path) -> None:
    preset = narrow(("gan", "ring8", "reference"), ["schedule.steps=2"])
    run = trained(preset, tmp_path).job.run
    compared = [ComparedRun(name, run, read_header(run.checkpoint())) for name in ("a", "b")]
    charts = {chart.title: chart.series for chart in shared_charts(compared)}
    for measure, title in (("gradient_norm", "gradient norms"), ("update_ratio", "update-to-weig")):
        for player in ("discriminator", "generator"):
            (found,) = [t for t in charts if t.startswith(title) and t.endswith(f": {player}")]
            logged = [row[f"{player}.health.{measure}"] for row in run.metrics()]
            assert [point.value for point in charts[found]["a"]] == logged


def test_a_player_in_the_joint_turn_has_a_curve_of_its_own(tmp_path: Path) -> None:
    """What tells reals from fakes is measured where that is learnt."""
    preset = narrow(("infogan", "mnist", "reference"), ["schedule.steps=1"])
    trainer = trained(preset, tmp_path)
    charts = drawn(trainer.job.run)
    joint = {f"joint turn, {player}" for player in ("discriminator", "generator")}
    assert set(charts["gradient norms"].series) == joint | {"discriminator", "generator"}
    assert set(charts["accuracy of the discriminator"].series) == {"reals", "fakes"}
    assert set(charts["logit gap"].series) == {"discriminator"}


def test_the_page_on_health_defines_each_measure() -> None:
    page = (Path(__file__).parents[1] / "docs/health.md").read_text()
    assert all(page.count(f"`{name}`") >= 2 for name in GAUGES)


ONE_OF_EACH = list({key[0]: key for key in every_preset()}.values())


@pytest.mark.parametrize("key", ONE_OF_EACH, ids=preset_id)
def test_looking_changes_nothing(key: tuple[str, str, str], tmp_path: Path) -> None:
    preset = narrow(key, ["schedule.steps=3"])
    seen, unseen = trained(preset, tmp_path / "seen"), trained(preset, tmp_path / "not", 1000)
    first, second = seen.state.tensors(), unseen.state.tensors()
    kept = [name for name in first if not name.startswith("meter.")]
    assert all(torch.equal(first[name], second[name]) for name in kept)
    rows = seen.job.run.metrics()
    assert all(is_gauge(name) for name in rows[0] if ".health." in name)
    assert sum(map(is_gauge, rows[0])) >= 4
    unlooked = {name.partition(".health.")[2] for name in unseen.job.run.metrics()[-1]}
    assert unlooked <= {"", "penalty_share"}
