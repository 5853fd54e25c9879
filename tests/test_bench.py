"""The loops `gan bench` compares take the same step, and what it computes from their times."""

import ast
import copy
import inspect
import json
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import Key, every_preset, narrow, preset_id, toy_data
from torch import Tensor

from gancli import catalog
from gancli.bench.best import best
from gancli.bench.choices import beyond_the_loops, every_choice
from gancli.bench.loops import GAUGED, OURS, build, trainer
from gancli.bench.measure import Timing, alternate, count_flops, matmul_peak, wait_for
from gancli.bench.memory import peak_memory
from gancli.bench.plain import plain
from gancli.bench.recipe import TorchDraws, fast_recipe, textbook_recipe
from gancli.bench.training import _Stopwatch, gauge_share
from gancli.checkpoint import RunSettings
from gancli.data.batch_source import BatchSource, TurnDraws
from gancli.events import Event, Logged, Stepped
from gancli.objective import GradientPenalty
from gancli.objective.context import Scene
from gancli.preset import Preset, load_preset
from gancli.trainer import Trainer
from gancli.turn_gauge import TurnGauge
from gancli.types import Latent, Sample

CPU = torch.device("cpu")
BENCHED = [
    key
    for key in every_preset()
    if key[2] in ("reference", "lite") and beyond_the_loops(narrow(key)) is None
]


class OurDraws:
    """The draws of one of our runs, in the order in which a loop asks for them."""

    def __init__(self, deck: BatchSource, preset: Preset) -> None:
        self.deck, self.preset = deck, preset
        self.turns = preset.schedule.discriminator_steps
        self.dealt = {"real": 0, "latent": 0, "mix": 0}

    def real(self) -> Tensor:
        return self.hand("real", self.turns).real().x

    def latent(self) -> Tensor:
        return self.hand("latent", self.turns + 1).latent().z

    def mix(self) -> Tensor:
        penalty = self.preset.objective.find(GradientPenalty)
        assert penalty
        rows = self.deck.batch_size if penalty.per_sample else None
        alpha = self.hand("mix", self.turns).uniform("mix", rows)
        return alpha.view(-1, *[1] * len(self.preset.data.shape.x))

    def hand(self, what: str, turns: int) -> TurnDraws:
        count = self.dealt[what]
        self.dealt[what] += 1
        return self.deck.hand(count // turns, count % turns, count)


@pytest.mark.parametrize("key", BENCHED, ids=preset_id)
def test_the_loops_take_the_step_that_ours_takes(key: Key, tmp_path: Path) -> None:
    preset = narrow(key)
    settings = RunSettings(seed=7, precision="fp64")
    ours = trainer(preset, toy_data(preset), settings, tmp_path)
    z, x = Latent(torch.randn(5, 4).double()), torch.randn(5, *preset.data.shape.x).double()
    loops = {}
    for loop, recipe in ((plain, textbook_recipe), (best, fast_recipe)):
        made = recipe(preset, settings.seed, CPU)
        for net in made.networks:
            net.double()
        loops[loop.__name__] = made, loop(made, OurDraws(ours.deck, preset))
    for _ in range(3):
        ours.step()
        for _, steps in loops.values():
            next(steps)
    players = ours.state.players
    for made, _ in loops.values():
        # Copies: in training, a look at a network may move what it remembers.
        generator, discriminator = map(copy.deepcopy, (players.generator, players.discriminator))
        assert torch.allclose(made.generator(z.z), generator(z), atol=1e-7)
        assert torch.allclose(made.discriminator(x), discriminator(Sample(x)).logit, atol=1e-7)


def test_each_loop_fits_in_forty_lines() -> None:
    for loop in (plain, best):
        assert len(inspect.getsource(loop).splitlines()) <= 40
        imported = {
            node.module
            for node in ast.walk(ast.parse(Path(inspect.getfile(loop)).read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        assert imported == {"gancli.bench.recipe"}


def test_the_textbook_tells_its_losses() -> None:
    preset = narrow(("wgan-gp", "ring8", "reference"))
    steps = plain(textbook_recipe(preset, 0, CPU), TorchDraws(preset, toy_data(preset), CPU))
    losses = next(steps)
    assert losses is not None
    assert all(isinstance(loss, float) for loss in losses)


@pytest.mark.parametrize("key", BENCHED, ids=preset_id)
def test_draws_of_torch_look_like_ours(key: Key) -> None:
    preset = narrow(key)
    theirs = TorchDraws(preset, toy_data(preset), CPU)
    assert theirs.real().shape == (8, *preset.data.shape.x)
    assert float(theirs.real().abs().max()) <= 1
    assert theirs.latent().shape == (8, 4)
    assert theirs.mix().dim() == theirs.real().dim()


def test_a_ratio_compares_rounds_of_the_same_mood() -> None:
    """The second round met a busy machine; each loop was half as fast."""
    first = Timing([[1.0, 1.1, 0.9], [2.0, 2.2, 1.8], [1.0, 1.0, 1.0]])
    other = Timing([[2.0], [4.0], [2.5]])
    assert first.ratio(other) == pytest.approx(0.5)
    assert first.minimum == 0.9
    assert first.median == 1.0


def test_the_share_of_gauges_is_spread_over_the_steps_between_two_logs() -> None:
    """Looked at, a step takes half as long again: 1 % of 50 steps."""
    unseen, gauged = Timing([[1.0], [2.0], [1.0]]), Timing([[1.5], [3.0], [1.7]])
    assert gauge_share(gauged, unseen, 50) == pytest.approx(0.01)
    assert gauge_share(unseen, unseen, 50) == 0


def test_of_two_of_our_loops_one_looks_at_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = TurnGauge.stepped

    def stepped(gauge: TurnGauge, scene: Scene) -> None:
        looked.append(name)
        real(gauge, scene)

    monkeypatch.setattr(TurnGauge, "stepped", stepped)
    preset = narrow(("gan", "ring8", "reference"), ["schedule.log_every=1"])
    for name in (OURS, GAUGED):
        step = build(name, preset, toy_data(preset), RunSettings(), tmp_path)
        for _ in range(3):
            step()
    turns = preset.schedule.discriminator_steps + 1
    assert looked == 3 * turns * [GAUGED]


def test_loops_take_turns_and_each_starts_a_round() -> None:
    order: list[str] = []
    loops = {name: lambda n=name: order.append(n) for name in "abc"}
    done: list[int] = []
    timings = alternate(loops, rounds=3, seconds=0.0, device=CPU, done=done.append)
    assert "".join(order[9:]) == "abc" + "bca" + "cab"
    assert done == list(range(1, 10))
    assert all(len(timing.rounds) == 3 for timing in timings.values())


def test_operations_are_counted_and_timed() -> None:
    a, b = torch.ones(4, 8), torch.ones(8, 16)
    assert count_flops(lambda: a @ b) == 2 * 4 * 8 * 16
    rounding = torch.backends.cuda.matmul.allow_tf32
    assert matmul_peak(CPU) > 1e8
    assert matmul_peak(CPU, torch.float64) > 1e8
    assert torch.backends.cuda.matmul.allow_tf32 == rounding


@pytest.mark.parametrize("key", BENCHED, ids=preset_id)
def test_each_step_can_be_counted(key: Key, tmp_path: Path) -> None:
    """Each discriminator turn goes forward over fakes and reals, and back."""
    preset = narrow(key)
    ours = trainer(preset, toy_data(preset), RunSettings(), tmp_path)
    sample = ours.deck.hand(0, 0, 0).real()
    once = count_flops(lambda: ours.state.players.discriminator(sample))
    turns = preset.schedule.discriminator_steps
    assert count_flops(ours.step) > 2 * turns * 2 * once


def test_what_is_done_about_a_step_is_timed_and_the_step_is_not() -> None:
    told: list[Event] = []
    watch = _Stopwatch(told.append)
    for event in (Stepped(1), Logged(1, {}), Stepped(2)):
        watch(event)
    assert [type(event) for event in told] == [Stepped, Logged, Stepped]
    assert {kind: len(times) for kind, times in watch.times.items()} == {Stepped: 2, Logged: 1}


@pytest.mark.parametrize("loop", ["ours", "plain", "best"])
def test_memory_grows_with_the_batch(loop: str) -> None:
    """In a process of its own: in this one, what earlier tests freed could be taken unseen."""
    fields = ["discriminator.network.width=256", "generator.network.width=256"]
    preset = narrow(("gan", "mnist", "reference"), [*fields, "schedule.batch_size=4096"])
    taken = peak_memory(loop, preset, RunSettings())
    # Its input alone, in float32; and far from the memory of the machine.
    assert 4096 * 784 * 4 < taken < 2e9


def test_ours_starts_without_a_warm_up(tmp_path: Path) -> None:
    preset = narrow(("wgan", "mnist", "paper"))
    assert preset.schedule.warmup
    ours = trainer(preset, toy_data(preset), RunSettings(), tmp_path)
    assert isinstance(ours, Trainer)
    assert ours.job.preset.schedule.warmup is None
    build("ours", preset, toy_data(preset), RunSettings(), tmp_path)()
    assert not list(tmp_path.iterdir())


def test_every_model_is_measured_once_a_data_set() -> None:
    choices = list(every_choice(None))
    files = map(catalog.preset_file, catalog.model_names())
    plain = {f.name for f in files if not beyond_the_loops(load_preset(f.name, f.datasets[0]))}
    assert {choice.model for choice in choices} == plain
    assert {"gan", "wgan-gp", "sngan", "dcgan"} <= plain
    assert not plain & {"veegan", "cgan", "cgan-cbn", "acgan", "infogan", "eigengan"}
    assert "grid25" not in {choice.dataset for choice in choices}
    assert {c.variant for c in choices if c.dataset == "cifar10"} == {"lite"}
    assert {choice.dataset for choice in every_choice("mnist")} == {"mnist"}


@pytest.mark.parametrize(
    ("model", "dataset", "why"),
    [
        ("veegan", "ring8", "three players"),
        ("acgan", "mnist", "knows classes"),
        ("infogan", "mnist", "more than noise"),
        ("eigengan", "ffhq", "more than noise"),
    ],
)
def test_what_the_loops_do_not_train_cannot_be_compared(
    gan: Gan, model: str, dataset: str, why: str
) -> None:
    code, _, said = gan("bench", "train", model, "--dataset", dataset)
    assert (code, why in said) == (2, True)


def test_a_variant_without_a_model_says_so(gan: Gan) -> None:
    code, _, said = gan("bench", "train", "--variant", "lite")
    assert code == 2
    assert "type gan bench train MODEL" in said


@pytest.mark.parametrize("typed", [["--variant", "lite"], ["--set", "a.b=1"], ["--compile"]])
def test_what_is_of_one_model_needs_it(typed: list[str], gan: Gan) -> None:
    code, _, said = gan("bench", "train", *typed)
    assert code == 2
    rest = " ".join(typed)
    assert f"{typed[0]} needs a model: type gan bench train MODEL --dataset DATASET {rest}" in said


@pytest.mark.slow
def test_a_bench_as_table_and_json(gan: Gan) -> None:
    small = ["--set=generator.network.width=16", "--set=discriminator.network.width=16"]
    typed = ("bench", "train", "gan", "--dataset", "ring8", "--threads", 1, "--rounds", 2, *small)
    code, out, said = gan(*typed, "--json")
    assert code == 0, said
    figures = json.loads(out)
    assert set(figures["loops"]) == {"ours", "plain", "best"}
    assert all(value > 0 for loop in figures["loops"].values() for value in loop.values())
    assert 0.1 < figures["to_best"] < 10
    assert 0 < figures["reporting_share"] < 1
    assert abs(figures["gauge_share"]) < 0.1
    assert figures["log_every"] == 100
    assert 0.5 < figures["startup_s"] < 60
    ours = figures["loops"]["ours"]
    assert ours["flops_per_s"] == pytest.approx(figures["flops_per_step"] / ours["median_ms"] * 1e3)
    code, out, said = gan(*typed)
    assert code == 0, said
    for part in (
        "plain: the textbook's",
        "ours / best",
        "GFLOP",
        "of one step in 100",
        "the whole schedule",
        "first step",
    ):
        assert part in out


def test_every_accelerator_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is over when the device has done it, whatever its make."""
    asked: list[torch.device] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", asked.append)
    devices = [torch.device(name) for name in ("cpu", "mps", "cuda")]
    for device in devices:
        wait_for(device)
    assert asked == devices[1:]
