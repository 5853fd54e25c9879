"""`gan train`."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from gancli import catalog
from gancli.bench.gpus import precision_on
from gancli.bench.predict import predict_step
from gancli.bench.probe import inception_seconds, probe_run, run_length, whole_run
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import RunSettings, changed_plugins, load
from gancli.choices import DeviceName, GpuName, LoggerName, OnNan, PrecisionName, StopWhen
from gancli.data import ImageFolder
from gancli.environment import Place, new_settings, settings_again
from gancli.errors import RunError, UsageError
from gancli.evaluation.mnist_classifier import shows_digits
from gancli.evaluation.request import ExtractorWeights
from gancli.launch import is_shared
from gancli.preset import (
    Preset,
    change,
    keep_periods,
    load_preset,
    mark_deviations,
    preset_differences,
    set_epochs,
)
from gancli.report.console import say
from gancli.report.dry_run import print_plan
from gancli.report.plan_table import print_gpu_plan, print_run_plan
from gancli.run_job import TrainOptions, alone_in, go_on, start_run
from gancli.runs.find import latest_of
from gancli.runs.folder import LAST, Run
from gancli.start_from import start_from
from gancli.step import COMPILES_ALONE
from gancli.typed_preset import preset_as_typed
from gancli.user_images import ImageChoices, choose, typed_over, words_for


@dataclass(frozen=True)
class TrainRequest:
    """The arguments and options of `gan train`."""

    model: str
    dataset: str | None
    variant: str | None
    steps: int | None
    epochs: int | None
    seed: int | None
    device: DeviceName | None
    precision: PrecisionName | None
    threads: int | None
    deterministic: bool | None
    sync_bn: bool | None
    compiled: bool | None
    """of these three None: no, and as it was where a run goes on"""
    overrides: tuple[str, ...]
    out: Path | None
    data_dir: Path | None
    resume: bool
    allow_changes: bool
    force: bool
    dry_run: bool
    full: bool
    log: tuple[LoggerName, ...]
    images: ImageChoices = field(default_factory=ImageChoices)
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)
    checkpoint: str = LAST
    plan_only: bool = False
    gpu: GpuName | None = None
    on_nan: OnNan = OnNan.STOP
    stop_when: StopWhen | None = None
    start_from: str | None = None
    augment: str | None = None

    @cached_property
    def data(self) -> str | UserImages | None:
        """The data set: its name, or the images at a path."""
        return choose(self.dataset, self.images, self.data_dir, self.model, say)

    @property
    def place(self) -> Place:
        """Where to compute."""
        return Place(self.device, self.threads, self.data_dir)

    @property
    def options(self) -> TrainOptions:
        """What is neither of the preset nor of the settings."""
        return TrainOptions(
            self.data_dir,
            self.images.verify,
            self.log,
            self.weights,
            self.checkpoint,
            self.on_nan,
            self.stop_when,
        )

    def changes(self) -> list[str]:
        """All overrides, `--steps` and `--epochs` among them."""
        lengths = {"steps": self.steps, "epochs": self.epochs}
        typed = [f"schedule.{name}={said}" for name, said in lengths.items() if said]
        if self.augment is not None:
            typed.append(f"objective.augmentation={json.dumps(self.augment)}")
        return [*self.overrides, *typed]

    def typed_dry(self) -> list[str]:
        """The words of the command line that describe the preset, and `--dry-run`."""
        options = {
            "--dataset": self.dataset,
            "--variant": self.variant,
            "--steps": self.steps,
            "--epochs": self.epochs,
            "--image-size": self.images.image_size,
            "--fit": self.images.fit,
            "--from": self.start_from,
            "--augment": self.augment,
            "--labels": self.images.labels,
        }
        words = [self.model, *(["--skip-broken"] if self.images.skip_broken else [])]
        words += [word for name, said in options.items() if said for word in (name, str(said))]
        words += [word for said in self.overrides for word in ("--set", said)]
        return ["train", *words, "--dry-run"]

    def preset(self) -> Preset:
        """The preset that the options describe."""
        words = (self.model, self.data, self.variant, self.images, self.changes())
        return preset_as_typed(*words, data_dir=self.data_dir)


def train(request: TrainRequest) -> None:
    """Train from the start, or go on where `--resume` says so."""
    _refuse_contradictions(request)
    request.options.check()
    if request.dry_run:
        preset = request.preset()
        if isinstance(preset.data, ImageFolder):
            say(words_for(preset.data))
        if request.start_from is not None:
            say(str(start_from(request.start_from, preset)))
        print_plan(preset, request.typed_dry(), full=request.full)
        return
    run = _run_to_resume(request) if request.resume else None
    if run is not None and run.checkpoints():
        _resume_as_typed(request, run)
        return
    preset = request.preset()
    start = None if request.start_from is None else start_from(request.start_from, preset)
    if request.resume:
        say("there is no run to resume yet: starting one")
    settings = new_settings(
        request.place,
        request.precision,
        request.seed,
        deterministic=bool(request.deterministic),
        sync_bn=bool(request.sync_bn),
        compiled=bool(request.compiled),
    )
    if request.plan_only:
        _print_estimate(preset, settings)
        if request.gpu is not None:
            precision = precision_on(request.gpu, request.precision)
            elsewhere = settings.model_copy(update={"precision": precision.value})
            print_gpu_plan(preset, request.gpu, precision, predict_step(preset, elsewhere))
        return
    # A run that stopped before its first checkpoint has nothing to lose.
    force = request.force or run is not None
    start_run(preset, settings, request.options, out=request.out, force=force, start=start)


def _print_estimate(preset: Preset, settings: RunSettings) -> None:
    """Time, operations, memory and files of the run; nothing is written."""
    schedule = preset.schedule
    looks = schedule.evaluate_every and not shows_digits(preset)
    costs = probe_run(preset, settings)
    inception_s = inception_seconds(torch.device(settings.device)) if looks else 0.0
    whole = whole_run(preset, costs, inception_s)
    needs = predict_step(preset, settings)
    print_run_plan(preset, settings, costs, run_length(schedule), whole, needs=needs)


def _refuse_contradictions(request: TrainRequest) -> None:
    both = "--dry-run" if request.dry_run else "--resume" if request.resume else ""
    if request.plan_only and both:
        raise UsageError(f"--plan and {both} are mutually exclusive: leave one out")
    if request.plan_only and is_shared():
        raise UsageError("--plan times the steps of one process: leave --devices out")
    if request.compiled and is_shared():
        raise UsageError(COMPILES_ALONE)
    if request.gpu is not None:
        if not request.plan_only:
            raise UsageError(
                "--estimate-for applies only with --plan: add it, or leave --estimate-for out"
            )
        precision_on(request.gpu, request.precision)
    _refuse_options_out_of_place(request)


def _refuse_options_out_of_place(request: TrainRequest) -> None:
    if request.resume and request.force:
        raise UsageError(
            "--resume and --force are mutually exclusive: continue the run, or replace it"
        )
    if request.resume and request.dry_run:
        raise UsageError("--resume and --dry-run are mutually exclusive: leave one out")
    if request.resume and request.start_from is not None and request.out is None:
        raise UsageError("--from with --resume needs --out, the folder of the new run: add it")
    if request.full and not request.dry_run:
        raise UsageError("--full applies only with --dry-run: leave it out")
    if request.force and request.out is None:
        raise UsageError("--force needs --out, the folder of the run to replace")
    if request.allow_changes and not request.resume:
        raise UsageError("--allow-changes applies only with --resume: leave it out")
    if request.checkpoint != LAST and not request.resume:
        raise UsageError("--checkpoint applies only with --resume: leave it out")


def _resume_as_typed(request: TrainRequest, run: Run) -> None:
    with alone_in(run):
        saved = load(run.checkpoint(request.checkpoint))
        stored = saved.header
        if request.seed not in (None, stored.settings.seed):
            raise RunError(
                f"{run.folder} was trained with --seed {stored.settings.seed}, and a run keeps its "
                "seed: leave --seed out, or start a new run"
            )
        again = _preset_again(request, stored.preset)
        # Where the weights came from counts at the start alone.
        preset = again.model_copy(update={"started_from": stored.preset.started_from})
        settings = settings_again(stored.settings, request.place, say)
        asked = {
            "precision": request.precision,
            "deterministic": request.deterministic,
            "sync_bn": request.sync_bn,
            "compiled": request.compiled,
        }
        chosen = {name: value for name, value in asked.items() if value is not None}
        changed = (
            changed_plugins(stored)
            + preset_differences(stored.preset, preset)
            + [
                f"{name}: {getattr(settings, name)} -> {value}"
                for name, value in chosen.items()
                if getattr(settings, name) != value
            ]
        )
        if changed and not request.allow_changes:
            raise RunError(
                f"{run.folder} was trained with other settings ({'; '.join(changed)}): leave them "
                "as they were, or add --allow-changes"
            )
        for difference in changed:
            say(f"changed {difference}")
        settings = settings.model_copy(update=chosen)
        go_on(run, saved, preset, settings, request.options)


def _run_to_resume(request: TrainRequest) -> Run | None:
    """The run that `--resume` means; None: there is none yet."""
    if request.out is None:
        wanted = request.preset()
        return latest_of(wanted.name, wanted.dataset)
    run = Run(request.out)
    return run if run.exists() else None


def _preset_again(request: TrainRequest, stored: Preset) -> Preset:
    """What the options describe; where they only name the model, what is stored stays."""
    named = request.model in catalog.model_names()
    if named and request.variant is None:
        data = request.data or stored.dataset
        same_data = isinstance(stored.data, ImageFolder) and isinstance(data, UserImages)
        if request.model != stored.name or not (same_data or data == stored.dataset):
            return load_preset(request.model, data, None, request.changes())
        in_epochs = set_epochs(request.changes(), stored.schedule.epochs)
        fields = typed_over(data, request.images, in_epochs=in_epochs)
        changed = change(stored, [*fields, *request.changes()])
        return mark_deviations(changed, stored.name, stored.dataset)
    preset = request.preset()
    if catalog.is_resolved_file(request.model):
        return preset
    return keep_periods(preset, stored, request.changes())
