"""`--compile`: the same steps as one function, only where they are the same."""

import math
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import PARTIAL, RING, TURNS, WHOLE, Key, job, narrow, smaller
from torch import Tensor

import gancli
from gancli import compiled_step, formulas
from gancli.agreement import Nudge, Snapshot, StepOutcome, disagreement, wobbled
from gancli.checkpoint import RunSettings, load
from gancli.data.tape import Tape
from gancli.environment import Place, settings_again
from gancli.errors import InterruptedRunError, UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.events import Compiled, Event
from gancli.experiment.axes import typed_axes
from gancli.experiment.cell import CellRequest, run_cell
from gancli.experiment.collapse import study_spec
from gancli.experiment.folder import Experiment
from gancli.experiment.gather import gather_results
from gancli.experiment.grid import GridPlan, base_change, experiment_of
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.page_words import protocol_words
from gancli.experiment.spec import CellSpec
from gancli.objective.adversarial import BOTH, Vanilla
from gancli.objective.context import Context
from gancli.parallel import World
from gancli.preset import Preset, change
from gancli.runs.folder import Run
from gancli.signals import stop_flag
from gancli.step import StepRunner, refuse_to_compile
from gancli.trainer import Job, Trainer

ROUNDING = compiled_step.ROUNDING["fp32"]
TEN = ["schedule.steps=10", "schedule.log_every=5"]


def rising(steps: int) -> list[str]:
    """Overrides: a momentum that rises over the first steps."""
    numbers = "lr=0.01, momentum=0.5, final_momentum=0.7"
    return [f"optimizer={{kind='sgd', {numbers}, momentum_steps={steps}}}"]


RESUMED: dict[str, tuple[Key, list[str]]] = {
    "wgan-gp": (("wgan-gp", "mnist", "reference"), []),
    "lazy": (("gan-r1", "ring8", "reference"), ["objective.r1.every=3"]),
    "partial": (RING, PARTIAL),
    "rising": (RING, rising(steps=4)),
}
MODELS: list[Key] = [
    ("gan", "ring8", "reference"),
    ("gan", "mnist", "reference"),
    ("gan-r1", "mnist", "reference"),
    ("dcgan", "mnist", "reference"),
    ("dcgan-r1", "cifar10", "lite"),
    ("wgan", "ring8", "reference"),
    ("wgan-gp", "mnist", "reference"),
    ("sngan", "cifar10", "reference"),
    ("sngan-hinge", "cifar10", "resnet"),
    ("sngan-projection", "cifar10", "lite"),
    ("lsgan", "mnist", "cnn"),
    ("cgan", "mnist", "reference"),
    ("cgan-cbn", "cifar10", "lite"),
    ("acgan", "cifar10", "lite"),
    ("infogan", "mnist", "reference"),
    ("eigengan", "ffhq", "lite"),
    ("veegan", "ring8", "reference"),
    ("began", "mnist", "lite"),
    ("r3gan", "ring8", "reference"),
    ("ragan-hinge", "mnist", "reference"),
    ("sagan", "cifar10", "lite"),
]
"""Each model, and each kind of network among them."""
COUPLED = (
    "kept by the generator", "plateau", "pairs", "anchor", "equilibrium", "own optimiser", "views",
)  # fmt: skip
"""What no model of those has: graphs handed on, rates and states that move, augmentation."""


def shallow(key: Key) -> list[str]:
    """Overrides that take a layer off each network: the time to compile grows with the layers."""
    preset = narrow(key)
    if preset.data.key == "points":
        return [f"{role}.network.multipliers=[1, 1]" for role in preset.players()]
    side = preset.data.shape.x[-1]
    return smaller(preset, side // 2) if side > 16 else []


def trained(
    preset: Preset, folder: Path, *, compiled: bool, precision: str = "fp32"
) -> tuple[Trainer, list[Compiled]]:
    """A run to its end, and what was told of compiling."""
    plain = job(preset, folder, precision=precision)
    settings = plain.settings.model_copy(update={"compiled": compiled})
    told: list[Compiled] = []

    def listen(event: Event) -> None:
        if isinstance(event, Compiled):
            told.append(event)

    trainer = Trainer(Job(plain.preset, settings, plain.data, plain.run), listen)
    trainer.train()
    return trainer, told


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(t, second[n]) for n, t in first.items())


def losses_agree(one: Run, two: Run, tolerance: float) -> None:
    told = 0
    for before, after in zip(one.metrics(), two.metrics(), strict=True):
        found = {key: value for key, value in after.items() if key.startswith("loss")}
        expected = {key: before[key] for key in found}
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)
        told += bool(found)
    assert told == 2


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_formulas_are_those_of_the_fused_updates(momentum: float) -> None:
    torch.manual_seed(0)
    rate = torch.tensor(1e-3, dtype=torch.float64)

    def lists(count: int) -> list[list[Tensor]]:
        return [[torch.rand(5, 3, dtype=torch.float64) for _ in "ab"] for _ in range(count)]

    def both(operator: object, first: list[list[Tensor]], **numbers: object) -> None:
        second = [[tensor.clone() for tensor in each] for each in first]
        operator(*first, lr=rate, **numbers)  # type: ignore[operator]
        formulas.FORMULAS[operator](*second, lr=rate, **numbers)
        for one, two in zip(first, second, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-13, atol=0)

    steps = [torch.tensor(3.0), torch.tensor(3.0)]
    adam = {"beta1": 0.5, "beta2": 0.9, "eps": 1e-7, "weight_decay": 0.0}
    rest = {"amsgrad": False, "maximize": False}
    both(torch.ops.aten._fused_adam_.tensor_lr, [*lists(4), [], steps], **adam, **rest)
    sgd = {"weight_decay": 0.0, "momentum": momentum, "dampening": 0.0, "nesterov": False}
    buffers = lists(3) if momentum else [*lists(2), []]
    operator = torch.ops.aten._fused_sgd_.tensor_lr
    both(operator, buffers, **sgd, maximize=False, is_first_step=False)


def test_one_hot_is_torchs() -> None:
    index = torch.tensor([[0, 2], [1, 1]])
    expected = torch.nn.functional.one_hot(index, 4)
    with formulas.WithoutLooking():
        found = torch.nn.functional.one_hot(index, num_classes=4)
    assert torch.equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("name", TURNS | WHOLE)
def test_a_tape_gives_the_draws_of_a_step(name: str, tmp_path: Path) -> None:
    """Recorded and played, a step is that of the draws themselves; and so is the next one."""
    key, fields = (TURNS | WHOLE)[name]
    preset = narrow(key, [*fields, *TEN])
    straight, taped = (Trainer(job(preset, tmp_path / n)) for n in ("straight", "taped"))
    for trainer in (straight, taped):
        trainer.step()
    runner, state = taped._runner, taped.state
    turns = runner._turns(runner._discriminator_steps())
    hands, tape = runner._hands(turns), Tape()
    decay = preset.schedule.ema_decay_at(state.step)
    before = Snapshot(state)
    runner._take(turns, tape.record(hands), decay)
    for tensor, again in zip(tape.recorded(), tape.draw(hands), strict=True):
        assert torch.equal(tensor, again)
    before.restore(state)
    runner._take(turns, tape.play(hands), decay)
    straight.step()
    for trainer in (straight, taped):
        trainer.state.meter.clear()
    after, expected = taped.state.tensors(), straight.state.tensors()
    for name_, tensor in expected.items():
        if not name_.startswith(("count.", "plateau.")):
            assert torch.equal(after[name_], tensor), name_


def outcome(
    runner: StepRunner, before: Snapshot, rate: float = 1.0, chance: int = -1
) -> StepOutcome:
    """A step from there, with a multiple of the rates; with numbers nudged as `chance` says."""
    before.restore(runner.state)
    # By as much as another order of sums makes of numbers.
    nudge = Nudge(runner.state, ROUNDING / 16, chance) if chance >= 0 else None
    if nudge is not None:
        nudge.weights()
    for optimizer in runner.state.optimizers.values():
        optimizer.param_groups[0]["lr"] *= rate
    turns = runner._turns(runner._discriminator_steps())
    taken = runner._take(turns, runner._hands(turns), 0.9, nudge)
    for optimizer in runner.state.optimizers.values():
        optimizer.param_groups[0]["lr"] /= rate
    return StepOutcome(taken, Snapshot(runner.state))


@pytest.mark.parametrize("key", MODELS, ids="-".join)
def test_rounding_agrees_and_anything_else_does_not(key: Key, tmp_path: Path) -> None:
    """Steps that are roundings away agree, also where optimisers blow rounding up; twice the rate,
    a loss that is a fiftieth off, or other memories of an optimiser do not."""
    runner = Trainer(job(narrow(key, TEN), tmp_path))._runner
    runner.step()
    before = Snapshot(runner.state)
    plain = outcome(runner, before)
    turns = runner._turns(runner._discriminator_steps())
    wobble = wobbled(
        runner.state,
        before,
        plain,
        lambda nudge: runner._take(turns, runner._hands(turns), 0.9, nudge),
        rounding=ROUNDING,
    )

    def verdict(other: StepOutcome) -> str | None:
        return disagreement(before, plain, other, wobble, 1e-5)

    assert verdict(outcome(runner, before)) is None
    assert verdict(outcome(runner, before, chance=100)) is None
    assert verdict(outcome(runner, before, rate=2.0)) is not None
    wrong = outcome(runner, before)
    name, loss = next(iter(wrong.taken[0].losses.items()))
    wrong.taken[0].losses[name] = loss * 1.02 + 0.02
    assert name in (verdict(wrong) or "")
    wrong = outcome(runner, before)
    group = next(group for group in wrong.after.rest if "avg of the discriminator" in group)
    for tensor in wrong.after.rest[group].values():
        tensor.mul_(1.5)
    assert group in (verdict(wrong) or "")
    wrong = outcome(runner, before)
    wrong.taken[0].losses[name] = torch.full_like(loss, math.nan)
    assert verdict(wrong) == f"{name} of turn 1: not finite"


def test_a_step_that_cannot_be_compiled_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that depends on a number; what it has moved is as without `--compile`, to the bit."""

    def looking(self: Vanilla, context: Context) -> Tensor:
        logit = context.real_output.logit
        return logit.mean() if float(logit[0].detach()) > 0 else -logit.mean()

    monkeypatch.setattr(Vanilla, "generator", looking)
    monkeypatch.setattr(Vanilla, "reads", lambda self, side: BOTH)
    preset = narrow(RING, TEN)
    plain, _ = trained(preset, tmp_path / "plain", compiled=False)
    tried, told = trained(preset, tmp_path / "tried", compiled=True)
    assert [event.used for event in told] == [None, False]
    assert "not compiled, training goes on without" in told[1].words
    assert equal(plain.state.tensors(), tried.state.tensors())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("InvalidCxxCompiler: none found in torch._inductor.config", "install g++ or clang"),
        (
            "CppCompileError: C++\n\nCommand:\ng++ -x\n\nOutput:\na.h: In f:\na.h: error: b",
            "a.h: error: b",
        ),
        (
            "LoweringException: no such operator\nmore",
            "RuntimeError: LoweringException: no such op",
        ),
    ],
)
def test_a_compilers_complaint_is_a_line(
    words: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(torch, "compile", lambda graph, **_: failing)
    _, told = trained(narrow(RING, TEN), tmp_path, compiled=True)
    assert expected in told[-1].words
    assert "\n" not in told[-1].words


def test_a_signal_ends_compiling_and_no_step_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that goes on compiles there, as one does that was never stopped."""
    preset = narrow(RING, TEN)
    plain, _ = trained(preset, tmp_path / "plain", compiled=False)
    made = job(preset, tmp_path / "run")
    start = Trainer(made)
    with pytest.raises(InterruptedRunError):
        start.train(lambda: start.state.step == 3)
    saved = load(made.run.checkpoint())

    def slow(graph: object, **_: object) -> None:
        del graph
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the compiler goes on")

    monkeypatch.setattr(torch, "compile", slow)
    compiled = made.settings.model_copy(update={"compiled": True})
    cut = Trainer(replace(made, settings=compiled, resume_from=saved))
    with (
        stop_flag(said="") as should_stop,
        pytest.raises(InterruptedRunError, match="stopped at step 3"),
    ):
        cut.train(should_stop)
    assert equal(cut.state.tensors(), saved.tensors)
    went_on = Trainer(replace(made, resume_from=load(made.run.checkpoint())))
    assert equal(went_on.train().tensors(), plain.state.tensors())


def test_settings_that_change_with_each_step_are_not_compiled(tmp_path: Path) -> None:
    """Each would be compiled for itself alone, and a resumed run would begin with another one."""
    preset = narrow(RING, [*TEN, *rising(steps=20)])
    plain, _ = trained(preset, tmp_path / "plain", compiled=False)
    tried, told = trained(preset, tmp_path / "tried", compiled=True)
    assert [event.used for event in told] == [False]
    assert "settings change from step to step" in told[0].words
    assert equal(plain.state.tensors(), tried.state.tensors())


def test_several_processes_go_on_with_a_compiled_run(
    monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    """It is said, as nothing was typed that could be left out; what is typed is refused."""
    stored = RunSettings(compiled=True)
    said: list[str] = []
    assert settings_again(stored, Place(), said.append).compiled
    assert not said
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert not settings_again(stored, Place(), said.append).compiled
    assert [each.partition(",")[0] for each in said] == ["steps are no longer compiled"]
    code, _, err = gan("train", "gan", "--dataset", "ring8", "--compile")
    assert code == 2
    assert "--compile works in one process" in err


def test_what_would_compile_no_step_is_refused(tmp_path: Path) -> None:
    preset = narrow(RING, TEN)
    made = job(preset, tmp_path / "run")
    settings = made.settings.model_copy(update={"compiled": True})
    with pytest.raises(UsageError, match="one process"):
        Trainer(Job(preset, settings, made.data, made.run, world=World(0, 2)))
    with pytest.raises(UsageError, match="on the CPU and CUDA"):
        refuse_to_compile(preset, "mps", World())
    every = change(preset, ["schedule.log_every=1"])
    with pytest.raises(UsageError, match="log_every is 1"):
        Trainer(Job(every, settings, made.data, made.run))


def test_a_program_asks_for_it_too(tmp_path: Path) -> None:
    with pytest.raises(gancli.UsageError, match="log_every is 1") as refused:
        gancli.train("gan", "ring8", steps=4, compiled=True, out=tmp_path / "run", device="cpu")
    assert "leave out compiled=True (compiled=False" in str(refused.value)
    assert "--" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_a_cell_tells_what_was_not_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(torch, "compile", lambda graph, **_: failing)
    spec = study_spec({"gan": narrow(RING, TEN)}, [0], "cpu", compiled=True)
    experiment, places = Experiment(tmp_path / "study"), MeasurePlaces(tmp_path, tmp_path)
    experiment.claim(spec)
    request = CellRequest.of(experiment, spec.cells[0], places, ExtractorWeights())
    outcome = run_cell(request, lambda words: None, lambda: False)
    expected = "not compiled, training goes on without: RuntimeError: no such operator"
    assert outcome.uncompiled == [expected]
    results = gather_results(experiment, spec, MeasureBook(places), {})
    assert protocol_words(spec, results)["schedule"].endswith(
        f", compiled where that agrees; in 1 of 1 cell: {expected}"
    )


def test_a_run_goes_on_without_it(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda graph, **_: None)
    made = job(narrow(RING, TEN), Path("run"))
    start = Trainer(replace(made, settings=RunSettings(compiled=True)))
    made.run.write_preset(made.preset)
    with pytest.raises(InterruptedRunError):
        start.train(lambda: start.state.step == 1)
    again = ["train", "gan", "--dataset", "ring8", "--resume", "--out", "run"]
    code, _, said = gan(*again, "--no-compile")
    assert (code, "compiled: True -> False" in " ".join(said.split())) == (4, True)


def test_cells_are_asked_for_it_before_any_is_trained() -> None:
    def cells(*changes: str) -> list[CellSpec]:
        base = base_change("gan", "ring8", None, changes)
        axes = typed_axes(["generator.optimizer.lr=1e-3,1e-4"])
        return experiment_of(GridPlan("", base, axes, [0, 1], [], compiled=True)).cells

    assert [cell.settings.compiled for cell in cells()] == 4 * [True]
    with pytest.raises(UsageError, match="log_every is 1"):
        cells("schedule.log_every=1")
    presets = {"gan": narrow(RING, TEN)}
    assert [cell.settings.compiled for cell in study_spec(presets, [0], "cpu").cells] == [False]
    compiled = study_spec(presets, [0], "cpu", compiled=True).cells
    assert [cell.settings.compiled for cell in compiled] == [True]
    with pytest.raises(UsageError, match="on the CPU and CUDA"):
        study_spec(presets, [0], "mps", compiled=True)


@pytest.mark.slow
@pytest.mark.parametrize("key", MODELS, ids="-".join)
def test_compiled_steps_are_those_of_the_model(key: Key, tmp_path: Path) -> None:
    """Without a break in the graph, or compiling fails, and used, which takes agreement to 1e-5.

    Rounding grows with the steps where Adam makes whole moves of it. One turn of each player, of
    which the time to compile is the sum.
    """
    preset = narrow(key, [*TEN, *shallow(key), "schedule.discriminator_steps=1"])
    plain, _ = trained(preset, tmp_path / "plain", compiled=False)
    compiled, told = trained(preset, tmp_path / "compiled", compiled=True)
    assert [event.used for event in told] == [None, True] * (len(told) // 2)
    assert told
    losses_agree(plain.job.run, compiled.job.run, 2e-3)
    assert set(plain.state.tensors()) == set(compiled.state.tensors())


@pytest.mark.slow
@pytest.mark.parametrize("name", COUPLED)
def test_compiled_turns_are_those_of_the_preset(name: str, tmp_path: Path) -> None:
    """In fp64, in which rounding does not grow: states of terms, kept fakes, partial batches."""
    key, fields = (TURNS | WHOLE)[name]
    preset = narrow(key, [*fields, *TEN])
    plain, _ = trained(preset, tmp_path / "plain", compiled=False, precision="fp64")
    compiled, told = trained(preset, tmp_path / "compiled", compiled=True, precision="fp64")
    assert any(event.used for event in told)
    assert all(event.used is not False for event in told), told
    losses_agree(plain.job.run, compiled.job.run, 1e-9)


@pytest.mark.slow
def test_compiled_steps_in_half_precision(tmp_path: Path) -> None:
    preset = narrow(("dcgan", "mnist", "reference"), TEN)
    plain, _ = trained(preset, tmp_path / "plain", compiled=False, precision="bf16")
    compiled, told = trained(preset, tmp_path / "compiled", compiled=True, precision="bf16")
    assert [event.used for event in told] == [None, True]
    losses_agree(plain.job.run, compiled.job.run, 0.1)


@pytest.mark.slow
def test_a_wrong_function_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update twice as large: the state is that of the steps as they are."""
    operator = torch.ops.aten._fused_adam_.tensor_lr
    right = formulas.FORMULAS[operator]

    def twice(*lists: list[Tensor], lr: Tensor, **rest: object) -> None:
        right(*lists, lr=2 * lr, **rest)

    monkeypatch.setitem(formulas.FORMULAS, operator, twice)
    preset = narrow(RING, TEN)
    plain, _ = trained(preset, tmp_path / "plain", compiled=False)
    tried, told = trained(preset, tmp_path / "tried", compiled=True)
    assert [event.used for event in told] == [None, False]
    assert "apart" in told[1].words
    assert equal(plain.state.tensors(), tried.state.tensors())


@pytest.mark.slow
@pytest.mark.parametrize("name", RESUMED)
def test_resumed_equals_straight(name: str, tmp_path: Path) -> None:
    """To the bit: what a run goes on with is compiled again, and is the same function."""
    key, fields = RESUMED[name]
    preset = narrow(key, [*fields, *TEN])
    straight, _ = trained(preset, tmp_path / "straight", compiled=True)
    settings = straight.job.settings
    broken = Trainer(Job(preset, settings, straight.job.data, job(preset, tmp_path / "broken").run))
    with pytest.raises(InterruptedRunError):
        broken.train(lambda: broken.state.step == 7)
    run = broken.job.run
    saved = load(run.checkpoint())
    resumed = Trainer(Job(preset, settings, straight.job.data, run, resume_from=saved))
    assert equal(resumed.train().tensors(), straight.state.tensors())


@pytest.mark.slow
def test_the_command(gan: Gan) -> None:
    typed = ["train", "gan", "--dataset", "ring8", "--steps", "20", "--device", "cpu"]
    typed += ["--set", "schedule.log_every=10", "--set", "generator.network.width=16"]
    code, out, err = gan(*typed, "--compile", "--out", "run")
    assert (code, err) == (0, "")
    assert "compiled the step in" in out
    assert load(Run(Path("run")).checkpoint()).header.settings.compiled
    assert "compiled where that agrees" in Path("run/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_sweep_compiles_its_cells(gan: Gan) -> None:
    typed = ["sweep", "gan", "--dataset", "ring8", "--steps", "20", "--device", "cpu"]
    typed += ["--set", "schedule.log_every=10", "--set", "width=16", "--out", "sweep"]
    code, _, err = gan(*typed, "--over", "generator.optimizer.lr=1e-3,1e-4", "--compile")
    assert (code, err) == (0, "")
    spec = Experiment(Path("sweep")).stored()
    assert spec is not None
    assert len(spec.cells) == 2
    for cell in spec.cells:
        run = Experiment(Path("sweep")).cell(cell.name).run
        assert load(run.checkpoint()).header.settings.compiled
    assert "compiled where that agrees" in Path("sweep/report.html").read_text(encoding="utf-8")
