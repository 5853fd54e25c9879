"""`gan train` and `gan resume`."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import Checkpoint, Precision, RunSettings, load
from gancli.cli.options import DeviceName, PrecisionName
from gancli.commands.environment import Place, choose_device, data_folder, prepare, settings_again
from gancli.commands.evaluate_in_training import Weights, is_due
from gancli.commands.run_job import run_job
from gancli.commands.user_images import (
    ImageChoices,
    choose,
    load_data,
    preset_as_typed,
    say_what_is_done,
    typed_over,
)
from gancli.errors import RunError, UsageError
from gancli.launch import leads_here
from gancli.preset import Preset, change, differences, load_preset, mark_deviations
from gancli.report import tensorboard as scribe
from gancli.report.console import say
from gancli.report.dry_run import print_plan
from gancli.runs.find import find, latest_of, new_run
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer


@dataclass(frozen=True)
class TrainRequest:
    """What was typed after `gan train`."""

    model: str
    dataset: str | None
    variant: str | None
    steps: int | None
    seed: int | None
    device: DeviceName | None
    precision: PrecisionName | None
    threads: int | None
    deterministic: bool
    overrides: tuple[str, ...]
    out: Path | None
    data_dir: Path | None
    resume: bool
    allow_changes: bool
    force: bool
    dry_run: bool
    tensorboard: bool
    images: ImageChoices = field(default_factory=ImageChoices)
    weights: Weights = field(default_factory=Weights)

    @cached_property
    def data(self) -> str | UserImages | None:
        """The data set: its name, or the images at a path."""
        return choose(self.dataset, self.images, self.data_dir, self.model)

    @property
    def place(self) -> Place:
        """Where to compute."""
        return Place(self.device, self.threads, self.data_dir)

    def changes(self) -> list[str]:
        """All overrides, `--steps` among them."""
        return [*self.overrides, *([f"schedule.steps={self.steps}"] if self.steps else [])]

    def preset(self) -> Preset:
        """The preset as typed."""
        return preset_as_typed(self.model, self.data, self.variant, self.images, self.changes())


def train(request: TrainRequest) -> None:
    """Train from the start, or go on where `--resume` says so."""
    _refuse_contradictions(request)
    if request.tensorboard:
        scribe.require()
    if request.dry_run:
        preset = request.preset()
        say_what_is_done(preset.data)
        print_plan(preset)
    elif request.resume:
        _resume_as_typed(request)
    else:
        _start(request)


def _refuse_contradictions(request: TrainRequest) -> None:
    if request.resume and request.force:
        raise UsageError("read --resume and --force, expected one: go on, or replace")
    if request.resume and request.dry_run:
        raise UsageError("read --resume and --dry-run, expected one: go on, or show a start")
    if request.force and request.out is None:
        raise UsageError("read --force without --out, expected the folder of the run to replace")
    if request.allow_changes and not request.resume:
        raise UsageError("read --allow-changes without --resume, which alone compares settings")


def resume(wanted: str | None, place: Place, *, tensorboard: bool, weights: Weights) -> None:
    """Go on with a run from its last checkpoint."""
    if tensorboard:
        scribe.require()
    found = find(wanted)
    if not isinstance(found, Run):
        raise UsageError(
            f"read the file {found}, expected a run's folder: a run goes on where its folder is"
        )
    with _alone_in(found):
        saved = load(found.checkpoint())
        _refuse_edits(found, saved.header.preset)
        settings = settings_again(saved.header.settings, place)
        _go_on(
            found, saved, saved.header.preset, settings, place,
            tensorboard=tensorboard, weights=weights,
        )  # fmt: skip


def _refuse_edits(run: Run, stored: Preset) -> None:
    """Refuse to pass over what somebody wrote into the run's preset.toml."""
    if not run.preset_file.exists():
        return
    changed = differences(stored, load_preset(str(run.preset_file)))
    if changed:
        raise RunError(
            f"{run.preset_file} was changed since ({'; '.join(changed)}): to use it, type gan "
            f"train {run.preset_file} --out {run.folder} --resume --allow-changes"
        )


def _start(request: TrainRequest) -> None:
    preset = request.preset()
    settings = _settings(request)
    world = prepare(settings)
    if request.out is not None and world.leads:
        _check_free(request.out, force=request.force)
    with world.lead_first():
        folder = data_folder(request.data_dir)
        data = load_data(preset, settings.seed, folder, verify=request.images.verify)
    if not world.leads:
        run_job(Job(preset, settings, data, Run(Path()), world=world))
        return
    run = Run(request.out) if request.out else new_run(preset)

    def lay_out(_: Trainer) -> None:
        run.write_preset(preset)
        run.clear()

    with run.locked():
        # Again: another process may have trained here while the data were read.
        _check_free(run.folder, force=request.force)
        job = Job(preset, settings, data, run, data_folder=folder, world=world)
        run_job(job, lay_out, tensorboard=request.tensorboard, weights=request.weights)


def _check_free(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"read --out {folder}, which is a file, expected a folder to make")
    if not folder.exists() or all(path.name == ".lock" for path in folder.iterdir()):
        return
    if not Run(folder).exists():
        raise RunError(
            f"{folder} exists and holds no run of gancli, so nothing in it is touched: choose "
            "another folder with --out"
        )
    if not force:
        raise RunError(
            f"{folder} holds a run already: go on with it with --resume, replace it with --force, "
            "or choose another folder with --out"
        )


def _resume_as_typed(request: TrainRequest) -> None:
    run = _wanted_run(request)
    with _alone_in(run):
        saved = load(run.checkpoint())
        stored = saved.header
        if request.seed not in (None, stored.settings.seed):
            raise RunError(
                f"{run.folder} was trained with --seed {stored.settings.seed}, and a run keeps its "
                "seed: leave --seed out, or start a new run"
            )
        preset = _preset_again(request, stored.preset)
        settings = settings_again(stored.settings, request.place)
        asked = {"precision": request.precision, "deterministic": request.deterministic or None}
        chosen = {name: value for name, value in asked.items() if value is not None}
        changed = differences(stored.preset, preset) + [
            f"{name}: {getattr(settings, name)} -> {value}"
            for name, value in chosen.items()
            if getattr(settings, name) != value
        ]
        if changed and not request.allow_changes:
            raise RunError(
                f"{run.folder} was trained with other settings ({'; '.join(changed)}): leave them "
                "as they were, or add --allow-changes"
            )
        for difference in changed:
            say(f"changed {difference}")
        settings = settings.model_copy(update=chosen)
        _go_on(
            run, saved, preset, settings, request.place,
            tensorboard=request.tensorboard, weights=request.weights,
            verify=request.images.verify,
        )  # fmt: skip


def _wanted_run(request: TrainRequest) -> Run:
    if request.out is None:
        wanted = load_preset(request.model, request.data, request.variant)
        return latest_of(wanted.name, wanted.dataset)
    run = Run(request.out)
    if not run.exists():
        raise RunError(f"found no run in {request.out}: leave --resume out to start one there")
    return run


def _preset_again(request: TrainRequest, stored: Preset) -> Preset:
    """What was typed; where that is only the model's name, what is stored stays."""
    named = request.model in catalog.model_names()
    if named and request.variant is None:
        data = request.data or stored.dataset
        name = data.name if isinstance(data, UserImages) else data
        if (request.model, name) != (stored.name, stored.dataset):
            return load_preset(request.model, data, None, request.changes())
        changed = change(stored, [*typed_over(data, request.images), *request.changes()])
        return mark_deviations(changed, stored.name, stored.dataset)
    return request.preset()


def _alone_in(run: Run) -> AbstractContextManager[None]:
    """The run's lock, held by the process that leads."""
    return run.locked() if leads_here() else nullcontext()


def _go_on(
    run: Run,
    saved: Checkpoint,
    preset: Preset,
    settings: RunSettings,
    place: Place,
    *,
    tensorboard: bool,
    weights: Weights,
    verify: bool = False,
) -> None:
    step = saved.header.step
    if step >= preset.schedule.steps and not is_due(run, preset.schedule, step):
        say(
            f"{run.folder} is complete at step {step:,}; train it longer with gan train "
            f"{run.preset_file} --out {run.folder} --resume --allow-changes --steps N"
        )
        return
    say(f"resuming {run.folder} at step {step:,}")
    world = prepare(settings)
    with world.lead_first():
        folder = data_folder(place.data_dir, saved.header.data_folder)
        data = load_data(preset, settings.seed, folder, verify=verify)

    def lay_out(trainer: Trainer) -> None:
        run.tidy()
        run.cut_back(step)
        trainer.save_changes()
        run.write_preset(preset)

    job = Job(preset, settings, data, run, saved, folder, world)
    run_job(job, lay_out, tensorboard=tensorboard, weights=weights)


def _settings(request: TrainRequest) -> RunSettings:
    device = choose_device(request.device)
    halves = device == "cuda" and torch.cuda.is_bf16_supported()
    precision: Precision = "bf16" if halves else "fp32"
    if request.precision is not None:
        precision = request.precision.value
    if precision == "fp64" and device == "mps":
        raise UsageError("read --precision fp64 with --device mps, which has none: choose fp32")
    chosen = RunSettings(
        precision=precision,
        device=device,
        threads=request.threads or torch.get_num_threads(),
        deterministic=request.deterministic,
    )
    return chosen if request.seed is None else chosen.model_copy(update={"seed": request.seed})
