"""Training from a program, by the functions that the commands call."""

from collections.abc import Sequence
from pathlib import Path

from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import load as read_checkpoint
from gancli.choices import (
    DeviceName,
    LoggerName,
    OnNan,
    PrecisionName,
    StopWhen,
)
from gancli.data.sides import ImageSize
from gancli.environment import Place, new_settings, settings_again
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.folders import expanded
from gancli.library.arguments import (
    Overrides,
    image_choices,
    one_of,
    override_list,
    path_or_none,
)
from gancli.library.in_python import in_python
from gancli.library.load import load
from gancli.library.model import Model
from gancli.preset import Preset, change, load_preset, mark_deviations
from gancli.report.console import say
from gancli.report.loggers import chosen
from gancli.run_job import (
    TrainOptions,
    alone_in,
    go_on,
    refuse_edits,
    resume_run,
    start_run,
)
from gancli.runs.find import find
from gancli.runs.folder import Run
from gancli.start_from import start_from as weights_of
from gancli.typed_preset import preset_as_typed
from gancli.user_images import ImageChoices, choose

NO_OVERRIDES: Overrides = {}


@in_python
def train(
    model: str | Path | Preset,
    dataset: str | Path | None = None,
    *,
    variant: str | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    overrides: Overrides = NO_OVERRIDES,
    start_from: str | Path | None = None,
    out: str | Path | None = None,
    force: bool = False,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    deterministic: bool = False,
    sync_bn: bool = False,
    compiled: bool = False,
    data_dir: str | Path | None = None,
    image_size: ImageSize | None = None,
    fit: str | None = None,
    classes: str | None = None,
    frames: str | None = None,
    images_key: str | None = None,
    labels: str | Path | None = None,
    skip_broken: bool = False,
    verify: bool = False,
    on_nan: str = "stop",
    stop_when: str | None = None,
    log: str | Sequence[str] = (),
    tensorboard: bool = False,
    weights: str | Path | None = None,
    trust_weights: bool = False,
) -> Model:
    """Train a model from the start to the end of its schedule, as `gan train` does.

    Previews, metrics, checkpoints and a report go to the run's folder; progress is shown in a
    terminal and in a notebook. Interrupting it saves the state: `gancli.resume` goes on.

    Args:
        model: a model's name (`gancli.presets` lists them), a preset file, or a preset as
            `resolve_preset` gives it.
        dataset: a data set's name, or images of your own: a folder, a zip, an npz or parquet. May
            be left out where the model has one.
        variant: `"reference"` (the default), `"paper"` or `"lite"`.
        steps: updates of the generator, in place of `schedule.steps`.
        epochs: passes through the data, in place of `steps`.
        seed: of the run; None: that of `gan train`.
        overrides: fields and their values, e.g. `{"schedule.batch_size": 64}`, `{"optimizer.lr":
            1e-4}` for all players, `{"generator.optimizer.lr": 1e-4}` for one;
            tables may be nested; None as a value takes a field out.
        start_from: a run, or a checkpoint file, whose weights it starts with: the generator's
            moving average, where it has one.
        out: the run's folder. Default: the next `runs/MODEL-DATASET-NNN`.
        force: replace the run that is in `out`.
        device: `"cpu"`, `"cuda"` or `"mps"`; None: CUDA where there is one, else the CPU.
        precision: `"bf16"`, `"fp32"` or `"fp64"`; None: bf16 where CUDA has it, else fp32.
        threads: CPU threads; None: as many as torch has. They stay set in this process.
        deterministic: bit-equal runs on CUDA, too; slower there.
        sync_bn: batch norm over the samples of all processes, where torchrun starts the program in
            several; in one it changes nothing.
        compiled: one compiled function for each step, used where its numbers agree with the step's.
        data_dir: the folder of named data sets; None: `GANCLI_DATA`, else a cache folder.
        image_size: side of your own images in training: 16, 24, 32, 48, 64, 96, 128, 192 or 256;
            or their height and width.
        fit: `"crop"` (the default) or `"resize"`: how your own images become square.
        classes: what the classes of your own images are taken from: `"auto"` (the default),
            `"folders"` (the outermost ones) or `"none"`.
        frames: `"first"` (the default) or `"all"`: the images read of an animation.
        images_key: the array of the images in an npz. Default: `images`, or `arr_0`.
        labels: a file of labels of your own images, as for `gan train --labels`.
        skip_broken: go on without images that cannot be decoded.
        verify: read your own images again, and decode them again if they have changed.
        on_nan: what to do when a loss or weight is no longer finite: `"stop"`, or `"rollback"` to
            the last good checkpoint and go on with other random numbers, three times at most.
        stop_when: the verdict to stop at, `"collapsed"` or `"plateau"`; `gancli.resume` goes on.
        log: programs that show the numbers, too: `"tensorboard"`, `"wandb"` or `"trackio"`.
        tensorboard: the same as `log="tensorboard"`.
        weights: a file of the extractor's weights, where the run is evaluated as it trains.
        trust_weights: use them although their hash is unknown.

    Returns:
        the model at its last step.

    Raises:
        UsageError: something unknown, or arguments that exclude each other.
        DataError: the data are missing or broken; NetworkError: or cannot be downloaded.
        RunError: `out` is not free; `start_from` names none, or one with other networks.
        NonFiniteError: a loss or weight is not finite; the last good checkpoint is kept.
        InterruptedRunError: it was interrupted, with everything saved.
    """
    folder = path_or_none(data_dir)
    choices = image_choices(
        image_size,
        fit=fit,
        classes=classes,
        frames=frames,
        images_key=images_key,
        labels=labels,
        skip_broken=skip_broken,
        verify=verify,
    )
    changes = override_list(overrides, steps, epochs)
    preset = _preset(model, dataset, variant, choices=choices, changes=changes, data_dir=folder)
    place = Place(one_of(DeviceName, "device", device), threads, folder)
    settings = new_settings(
        place,
        one_of(PrecisionName, "precision", precision),
        seed,
        deterministic=deterministic,
        sync_bn=sync_bn,
        compiled=compiled,
    )
    extractor = ExtractorWeights(path_or_none(weights), trust_weights)
    options = TrainOptions(
        folder,
        verify,
        _loggers(log, tensorboard=tensorboard),
        extractor,
        on_nan=one_of(OnNan, "on_nan", on_nan) or OnNan.STOP,
        stop_when=one_of(StopWhen, "stop_when", stop_when),
    )
    start = None if start_from is None else weights_of(str(start_from), preset)
    run = start_run(preset, settings, options, out=path_or_none(out), force=force, start=start)
    return load(run.folder, device=device)


def _loggers(names: str | Sequence[str], *, tensorboard: bool) -> tuple[LoggerName, ...]:
    every = [names] if isinstance(names, str) else names
    found = [one_of(LoggerName, "log", name) for name in every]
    return chosen([each for each in found if each], tensorboard=tensorboard)


def _preset(
    model: str | Path | Preset,
    dataset: str | Path | None,
    variant: str | None,
    *,
    choices: ImageChoices,
    changes: list[str],
    data_dir: Path | None,
) -> Preset:
    if isinstance(model, Preset):
        if dataset is not None or variant is not None or choices.typed():
            raise UsageError(
                f"the preset {model.name} has its data set and variant already: leave dataset, "
                "variant and the options of images out"
            )
        return change(model, changes) if changes else model
    named = None if dataset is None else expanded(str(dataset))
    data: str | UserImages | None = choose(named, choices, data_dir, str(model))
    return preset_as_typed(expanded(str(model)), data, variant, choices, changes, data_dir=data_dir)


@in_python
def resume(
    run: str | Path | None = None,
    *,
    steps: int | None = None,
    overrides: Overrides = NO_OVERRIDES,
    allow_changes: bool = False,
    device: str | None = None,
    threads: int | None = None,
    data_dir: str | Path | None = None,
    on_nan: str = "stop",
    stop_when: str | None = None,
    log: str | Sequence[str] = (),
    tensorboard: bool = False,
    weights: str | Path | None = None,
    trust_weights: bool = False,
) -> Model:
    """Go on with a run from its last checkpoint, bit for bit as if it had never stopped.

    Args:
        run: its folder, its name under the root of runs, or a model's name (its latest run); None:
            the latest run.
        steps: train up to this step, in place of the schedule's last.
        overrides: fields that change from now on, and their values, as for `train`.
        allow_changes: go on although the run's preset.toml (which then counts) or a plugin has
            changed.
        device: as for `train`; None: the one it was trained on.
        threads: CPU threads; None: as many as before.
        data_dir: the folder of named data sets; None: the one used before.
        on_nan: as for `train`.
        stop_when: as for `train`.
        log: as for `train`.
        tensorboard: the same as `log="tensorboard"`.
        weights: a file of the extractor's weights, where the run is evaluated as it trains.
        trust_weights: use them although their hash is unknown.

    Returns:
        the model at its last step.

    Raises:
        RunError: there is no such run, or its preset.toml or a plugin has changed.
        GanError: whatever `train` raises.
    """
    found = find(None if run is None else str(run))
    if not isinstance(found, Run):
        raise UsageError(f"{found} is a file: pass the run's folder, where the run goes on")
    folder = path_or_none(data_dir)
    extractor = ExtractorWeights(path_or_none(weights), trust_weights)
    options = TrainOptions(
        folder,
        log=_loggers(log, tensorboard=tensorboard),
        weights=extractor,
        on_nan=one_of(OnNan, "on_nan", on_nan) or OnNan.STOP,
        stop_when=one_of(StopWhen, "stop_when", stop_when),
    )
    place = Place(one_of(DeviceName, "device", device), threads, folder)
    changes = override_list(overrides, steps)
    if changes or allow_changes:
        _resume_changed(found, changes, place, options, from_file=allow_changes)
    else:
        resume_run(found, place, options)
    return load(found.folder, device=device)


def _resume_changed(
    run: Run, changes: list[str], place: Place, options: TrainOptions, *, from_file: bool
) -> None:
    """Go on with a run under another preset: its own, or that of its file, with changes."""
    with alone_in(run):
        saved = read_checkpoint(run.checkpoint())
        if not from_file:
            refuse_edits(run, saved.header)
        preset = load_preset(str(run.preset_file)) if from_file else saved.header.preset
        changed = mark_deviations(change(preset, changes), preset.name, preset.dataset)
        settings = settings_again(saved.header.settings, place, say)
        go_on(run, saved, changed, settings, options)


@in_python
def resolve_preset(
    model: str | Path,
    dataset: str | Path | None = None,
    variant: str | None = None,
    *,
    overrides: Overrides = NO_OVERRIDES,
    image_size: ImageSize | None = None,
    fit: str | None = None,
    classes: str | None = None,
    frames: str | None = None,
    images_key: str | None = None,
    labels: str | Path | None = None,
    data_dir: str | Path | None = None,
) -> Preset:
    """A preset, resolved and validated: all that a run depends on but its seed.

    `gancli.train` takes it as its model.

    Args:
        model: a model's name or a preset file.
        dataset: a data set's name, or images of your own.
        variant: `"reference"` (the default), `"paper"` or `"lite"`.
        overrides: fields and their values, as for `gancli.train`.
        image_size: side of your own images in training, or their height and width.
        fit: `"crop"` (the default) or `"resize"`: how your own images become square.
        classes: what their classes are taken from, as for `gancli.train`.
        frames: `"first"` (the default) or `"all"`: the images read of an animation.
        images_key: the array of the images in an npz.
        labels: a file of labels of your own images.
        data_dir: the folder of named data sets.

    Raises:
        UsageError: something unknown, or a value that does not fit.
        DataError: there are no images at the path.
    """
    choices = image_choices(
        image_size, fit=fit, classes=classes, frames=frames, images_key=images_key, labels=labels
    )
    changes, folder = override_list(overrides), path_or_none(data_dir)
    return _preset(model, dataset, variant, choices=choices, changes=changes, data_dir=folder)
