"""`gan train`."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import changed_plugins, load
from gancli.choices import DeviceName, PrecisionName
from gancli.data import ImageFolder
from gancli.environment import Place, new_settings, settings_again
from gancli.errors import RunError, UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.preset import (
    Preset,
    change,
    keep_periods,
    load_preset,
    mark_deviations,
    preset_differences,
)
from gancli.report.console import say
from gancli.report.dry_run import print_plan
from gancli.run_job import TrainOptions, alone_in, go_on, start_run
from gancli.runs.find import latest_of
from gancli.runs.folder import Run
from gancli.user_images import ImageChoices, choose, preset_as_typed, typed_over, words_for


@dataclass(frozen=True)
class TrainRequest:
    """The arguments and options of `gan train`."""

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
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)

    @cached_property
    def data(self) -> str | UserImages | None:
        """The data set: its name, or the images at a path."""
        return choose(self.dataset, self.images, self.data_dir, self.model)

    @property
    def place(self) -> Place:
        """Where to compute."""
        return Place(self.device, self.threads, self.data_dir)

    @property
    def options(self) -> TrainOptions:
        """What is neither of the preset nor of the settings."""
        return TrainOptions(self.data_dir, self.images.verify, self.tensorboard, self.weights)

    def changes(self) -> list[str]:
        """All overrides, `--steps` among them."""
        return [*self.overrides, *([f"schedule.steps={self.steps}"] if self.steps else [])]

    def preset(self) -> Preset:
        """The preset that the options describe."""
        return preset_as_typed(self.model, self.data, self.variant, self.images, self.changes())


def train(request: TrainRequest) -> None:
    """Train from the start, or go on where `--resume` says so."""
    _refuse_contradictions(request)
    request.options.check()
    if request.dry_run:
        preset = request.preset()
        if isinstance(preset.data, ImageFolder):
            say(words_for(preset.data))
        print_plan(preset)
    elif request.resume:
        _resume_as_typed(request)
    else:
        preset = request.preset()
        settings = new_settings(
            request.place, request.precision, request.seed, deterministic=request.deterministic
        )
        start_run(preset, settings, request.options, out=request.out, force=request.force)


def _refuse_contradictions(request: TrainRequest) -> None:
    if request.resume and request.force:
        raise UsageError(
            "--resume and --force are mutually exclusive: continue the run, or replace it"
        )
    if request.resume and request.dry_run:
        raise UsageError("--resume and --dry-run are mutually exclusive: leave one out")
    if request.force and request.out is None:
        raise UsageError("--force needs --out, the folder of the run to replace")
    if request.allow_changes and not request.resume:
        raise UsageError("--allow-changes applies only with --resume: leave it out")


def _resume_as_typed(request: TrainRequest) -> None:
    run = _wanted_run(request)
    with alone_in(run):
        saved = load(run.checkpoint())
        stored = saved.header
        if request.seed not in (None, stored.settings.seed):
            raise RunError(
                f"{run.folder} was trained with --seed {stored.settings.seed}, and a run keeps its "
                "seed: leave --seed out, or start a new run"
            )
        preset = _preset_again(request, stored.preset)
        settings = settings_again(stored.settings, request.place, say)
        asked = {"precision": request.precision, "deterministic": request.deterministic or None}
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


def _wanted_run(request: TrainRequest) -> Run:
    if request.out is None:
        wanted = load_preset(request.model, request.data, request.variant)
        return latest_of(wanted.name, wanted.dataset)
    run = Run(request.out)
    if not run.exists():
        raise RunError(f"there is no run in {request.out}: leave --resume out to start one there")
    return run


def _preset_again(request: TrainRequest, stored: Preset) -> Preset:
    """What the options describe; where they only name the model, what is stored stays."""
    named = request.model in catalog.model_names()
    if named and request.variant is None:
        data = request.data or stored.dataset
        name = data.name if isinstance(data, UserImages) else data
        if (request.model, name) != (stored.name, stored.dataset):
            return load_preset(request.model, data, None, request.changes())
        changed = change(stored, [*typed_over(data, request.images), *request.changes()])
        return mark_deviations(changed, stored.name, stored.dataset)
    preset = request.preset()
    if catalog.is_resolved_file(request.model):
        return preset
    return keep_periods(preset, stored, request.changes())
