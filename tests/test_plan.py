"""`--plan`: what a run and an experiment will take, and that nothing is written."""

import re
from pathlib import Path

import pytest
from conftest import Gan
from helpers import Key, narrow, narrowed_networks
from torch.profiler import ProfilerActivity, profile

from gancli.bench.gpus import GPUS, precision_on, step_seconds
from gancli.bench.loops import trainer
from gancli.bench.memory import made_up_data
from gancli.bench.predict import StepNeeds, predict_step
from gancli.bench.probe import RunCosts, run_length, step_operations, whole_run, work_of
from gancli.checkpoint import RunSettings
from gancli.choices import GpuName, PrecisionName
from gancli.commands import sweep as command
from gancli.environment import Place
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.axes import typed_axes
from gancli.experiment.estimate import (
    CellEstimate,
    ExperimentEstimate,
    KindEstimate,
    kinds_of_cells,
)
from gancli.experiment.folder import Experiment
from gancli.experiment.grid import GridPlan, base_change, experiment_of
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.spec import ExperimentSpec, MeasureSpec
from gancli.preset import Preset, change, load_preset

COSTS = RunCosts(
    step_s=0.5, timed=30, sample_s=0.01, save_s=2.0, preview_s=1.0, first_bytes=10,
    checkpoint_bytes=30, preview_bytes=7,
)  # fmt: skip


def grid(*over: str, steps: int = 100) -> ExperimentSpec:
    base = base_change("gan", "ring8", None, [f"schedule.steps={steps}"])
    plan = GridPlan("t", base, typed_axes(over), [0], [MeasureSpec(kind="modes")])
    return experiment_of(plan)


def test_the_length_of_a_run_is_read_off_its_schedule() -> None:
    said = ["steps=1000", "checkpoint_every=100", "keep_newest=2", "keep_every=500"]
    said += ["preview_every=300", "min_previews=0", "evaluate_every=0"]
    preset = change(load_preset("gan", "ring8"), [f"schedule.{each}" for each in said])
    length = run_length(preset.schedule)
    # Saved at 0, 100, ..., 1000; 0, 500, 900 and 1000 stay. Previews at 0, 300, 600, 900, 1000.
    assert length == (11, 3, True, 5, 0)
    found = whole_run(preset, COSTS, inception_s=9.0)
    assert found == (1000 * 0.5 + 11 * 2 + 5 * 1, 10 + 3 * 30, 5 * 7)


def test_evaluations_are_counted_in() -> None:
    said = ["steps=100", "checkpoint_every=100", "keep_newest=1", "keep_every=1000"]
    said += ["preview_every=1000", "min_previews=0", "evaluate_every=40", "evaluate_count=50"]
    preset = change(load_preset("dcgan", "cifar10"), [f"schedule.{each}" for each in said])
    # At 40, 80 and 100; the best of them may be neither the first nor the last.
    assert run_length(preset.schedule) == (4, 2, True, 1, 3)
    found = whole_run(preset, COSTS, inception_s=0.1)
    assert found.seconds == pytest.approx(100 * 0.5 + 4 * 2 + 1 + 3 * 50 * 0.11)


def test_cells_of_the_same_work_are_one_kind() -> None:
    rates = grid("generator.optimizer.lr=1e-3,1e-4", "optimizer.betas=[0.5,0.9],[0.0,0.9]")
    assert [len(kind) for kind in kinds_of_cells(rates.cells)] == [4]
    widths = grid("generator.network.width=8,16", "schedule.discriminator_steps=1,2")
    assert [len(kind) for kind in kinds_of_cells(widths.cells)] == [1, 1, 1, 1]
    preset = load_preset("gan", "ring8")
    assert work_of(preset, RunSettings(threads=1)) != work_of(preset, RunSettings(threads=2))


def test_jobs_share_the_cells() -> None:
    spec = grid("optimizer.lr=1e-3,1e-4,1e-5")
    seconds = (6.0, 1.0, 3.0)
    cells = [CellEstimate(c, s, 2.0) for c, s in zip(spec.cells, seconds, strict=True)]
    names = [cell.name for cell in spec.cells]
    kinds = [KindEstimate(COSTS, cells)]
    assert [ExperimentEstimate(kinds, names, jobs).seconds for jobs in (1, 2, 9)] == [10, 6, 6]
    whole = ExperimentEstimate(kinds, names, 2)
    assert (whole.steps, whole.bytes) == (300, 6)


def test_operations_of_a_step_are_those_of_its_turns() -> None:
    """Perceptrons of known sizes: two operations for each weight and sample, thrice with its
    gradient, but for the gradient of inputs that need none."""
    said = ["generator.network.width=8", "discriminator.network.width=8", "prior.z_dim=4"]
    preset = change(load_preset("gan", "ring8"), [*said, "schedule.batch_size=16"])
    found = step_operations(preset)
    assert found.discriminator_turn > 0
    assert found.rest > 0
    double = step_operations(change(preset, ["schedule.batch_size=32"]))
    assert double == (2 * found.discriminator_turn, 2 * found.rest)
    assert found.of_step(5) == 5 * found.discriminator_turn + found.rest


def test_a_sweep_is_planned_and_nothing_is_written(gan: Gan, tmp_path: Path) -> None:
    words = ("gan", "--dataset", "ring8", "--over", "optimizer.lr=1e-3,1e-4", "--steps", "40")
    small = ("--set", "generator.network.width=8", "--set", "discriminator.network.width=8")
    code, out, said = gan("sweep", *words, *small, "--jobs", "2", "--plan")
    assert (code, said) == (0, "")
    assert "2 cells to run, 80 steps in all" in out
    assert re.search(r"about [\d.,]+ (second|minute)s? with 2 jobs, about [\d.]+ MB", out)
    assert re.search(r"an estimate: \d+ steps of each kind timed on cpu, 1 thread", out)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_is_of_the_folder_that_the_sweep_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where digits are read, the cells of the sweep have a judge that the plan's lack."""
    folders: list[Path] = []

    def judged_book(places: MeasurePlaces, spec: ExperimentSpec) -> tuple[MeasureBook, object]:
        cells = [cell.model_copy(update={"judges": {"digits": "a hash"}}) for cell in spec.cells]
        return MeasureBook(places), spec.model_copy(update={"cells": cells})

    def note(experiment: Experiment, *words: object, **more: object) -> None:
        folders.append(experiment.folder)

    monkeypatch.setattr(command, "book_of", judged_book)
    monkeypatch.setattr(command, "refuse_failed", lambda results: None)
    for name in ("plan_experiment", "run_experiment"):
        monkeypatch.setattr(command, name, note)
    for plan_only in (True, False):
        command.sweep(
            command.SweepRequest(
                model="gan", dataset="ring8", variant=None, over=("width=8,16",), seeds=1, steps=4,
                score=None, score_every=None, search=None, overrides=(), jobs=1, on=None,
                place=Place(), out=None, dpi=100, weights=ExtractorWeights(), plan_only=plan_only,
            )
        )  # fmt: skip
    assert len(folders) == 2
    assert folders[0] == folders[1]


def test_a_run_is_planned_and_nothing_is_written(gan: Gan, tmp_path: Path) -> None:
    code, out, said = gan("train", "gan", "--dataset", "ring8", "--steps", "40", "--plan")
    assert (code, said) == (0, "")
    assert "40 steps" in out
    assert "an estimate:" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["--dry-run", "--resume"])
def test_plan_and_what_it_contradicts_exclude_each_other(other: str, gan: Gan) -> None:
    code, _, said = gan("train", "gan", "--dataset", "ring8", "--plan", other)
    assert code == 2
    assert f"--plan and {other} are mutually exclusive" in said


def test_missing_data_are_named(gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is known beforehand is said before anything is tried.
    monkeypatch.setattr("gancli.run_experiment.estimate_cells", lambda *_: None)
    monkeypatch.setattr("gancli.run_experiment.print_experiment_plan", lambda *_: None)
    empty = tmp_path / "data"
    code, out, _ = gan("reproduce", "learning-rates", "--plan", "--data-dir", empty)
    assert code == 0
    assert "36 cells to run, 309,600 steps in all" in out
    assert f"not in {empty} yet: mnist" in out


def allocated(preset: Preset, folder: Path) -> int:
    """The peak of what torch's allocator handed out in the second step, weights included."""
    run = trainer(preset, made_up_data(preset), RunSettings(), folder)
    weights = sum(tensor.nbytes for tensor in run.state.tensors().values())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run.step()
        run.step()
    assert seen.profiler is not None
    results = seen.profiler.kineto_results
    assert results is not None
    events = [event for event in results.events() if event.name() == "[memory]"]
    now = peak = weights
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize(
    "key", [("gan", "mnist", "reference"), ("dcgan", "cifar10", "lite"), ("wgan-gp", "mnist", None)]
)
def test_peak_memory_is_within_15_percent_of_what_the_processor_allocates(
    key: Key, tmp_path: Path
) -> None:
    widths = narrowed_networks(load_preset(*key), generator=24, discriminator=24)
    preset = narrow(key, [*widths, "schedule.batch_size=32"])
    found = predict_step(preset, RunSettings())
    assert found.peak_bytes == pytest.approx(allocated(preset, tmp_path), rel=0.15)


def test_what_rests_is_made_of_weights_and_what_comes_and_goes_of_samples() -> None:
    said = ["generator.network.width=64", "discriminator.network.width=64"]
    preset = change(load_preset("gan", "ring8"), [*said, "schedule.batch_size=16"])
    small = predict_step(preset, RunSettings())
    large = predict_step(change(preset, ["schedule.batch_size=1024"]), RunSettings())
    assert large.rest_bytes == pytest.approx(small.rest_bytes, abs=100_000)
    assert large.peak_bytes - large.rest_bytes > 20 * (small.peak_bytes - small.rest_bytes)
    assert large.operations == 64 * small.operations
    assert large.calls == pytest.approx(small.calls, rel=0.05)


def test_bfloat16_takes_less_than_float32() -> None:
    preset = narrow(("dcgan", "cifar10", "lite"), ["schedule.batch_size=64"])
    exact, half = (predict_step(preset, RunSettings(precision=p)) for p in ("fp32", "bf16"))
    assert half.peak_bytes < exact.peak_bytes
    assert half.moved_bytes < exact.moved_bytes
    assert half.operations == exact.operations


@pytest.mark.parametrize(
    ("model", "precision", "ms"),
    [("dcgan", "fp32", 83), ("dcgan", "bf16", 50), ("sngan-hinge", "bf16", 92),
     ("wgan-gp", "bf16", 140), ("acgan", "bf16", 60)],
)  # fmt: skip
@pytest.mark.slow
def test_an_h100_took_what_is_estimated_within_half_as_much_again(
    model: str, precision: str, ms: float
) -> None:
    """Measured: docs/speed.md."""
    name = PrecisionName(precision)
    needs = predict_step(load_preset(model, "cifar10"), RunSettings(precision=name.value))
    assert 1 / 1.5 < step_seconds(GpuName.H100, needs, name) / (ms / 1e3) < 1.5


def test_a_step_takes_as_long_as_the_slowest_of_three() -> None:
    t4, fp32 = GpuName.T4, PrecisionName.FP32
    nothing = StepNeeds(operations=0, peak_bytes=1, rest_bytes=1, moved_bytes=0, calls=0)
    assert step_seconds(t4, nothing._replace(operations=int(8.1e12)), fp32) == pytest.approx(3)
    assert step_seconds(t4, nothing._replace(moved_bytes=int(320e9)), fp32) == pytest.approx(3)
    assert step_seconds(t4, nothing._replace(calls=1000), fp32) == pytest.approx(0.011)


def test_a_gpu_computes_in_what_it_has() -> None:
    assert precision_on(GpuName.T4, None) == "fp32"
    assert precision_on(GpuName.H100, None) == "bf16"
    with pytest.raises(UsageError, match="no rate of bf16 is published for the T4"):
        precision_on(GpuName.T4, PrecisionName.BF16)
    assert set(GPUS) == set(GpuName)


def test_a_run_is_planned_for_a_gpu_that_is_not_there(gan: Gan, tmp_path: Path) -> None:
    words = ("train", "gan", "--dataset", "ring8", "--steps", "40", "--estimate-for", "t4")
    code, out, said = gan(*words, "--plan")
    assert (code, said) == (0, "")
    assert re.search(r"about [\d.]+ MiB of memory at the peak of a step", out)
    assert re.search(r"T4, fp32: about \d+ seconds?, [\d.]+ ms per step", out)
    assert "an estimate, nothing ran there" in out
    assert list(tmp_path.iterdir()) == []
    code, _, said = gan(*words)
    assert code == 2
    assert "--estimate-for applies only with --plan" in said
