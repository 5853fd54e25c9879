"""Starting a run, going on with one, and training it with display, report and evaluations.

`gan train`, `gan resume` and `gancli.train` call the same functions.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from gancli import parallel
from gancli.checkpoint import Checkpoint, Header, RunSettings, changed_plugins, load
from gancli.choices import LoggerName, OnNan, StopWhen
from gancli.data import Dataset
from gancli.data.image_folder import MovedImagesError
from gancli.environment import Place, set_up_torch, settings_again
from gancli.errors import DataError, InterruptedRunError, LostProcessError, RunError
from gancli.evaluate_in_training import TrainingEvaluator, is_due
from gancli.evaluation.request import ExtractorWeights
from gancli.events import Listener
from gancli.files import unreadable
from gancli.folders import data_folder
from gancli.launch import leads_here
from gancli.pasteable import command, named
from gancli.plurals import counted
from gancli.preset import Preset, lite_command, load_preset, preset_differences
from gancli.report import loggers
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.dry_run import remarks
from gancli.report.listeners import unharmed, watched
from gancli.report.progress import RunDisplay
from gancli.runs.find import new_run, refuse_if_taken
from gancli.runs.folder import BEST, LAST, Run
from gancli.signals import stop_flag
from gancli.start_from import StartingWeights, record_start
from gancli.trainer import Job, Trainer
from gancli.typed_preset import moved_to
from gancli.user_images import load_data
from gancli.verdicts import HealthWatch, Stopper, train_until


@dataclass(frozen=True)
class TrainOptions:
    """The options of a run that belong neither to its preset nor to its settings."""

    data_dir: Path | None = None
    """folder of the named data sets; None: the one used before, or the default"""
    verify: bool = False
    """whether the user's own images are read again, and decoded again if they have changed"""
    log: tuple[LoggerName, ...] = ()
    """programs that show the numbers, too"""
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)
    """the extractor's weights, where the run is evaluated as it trains"""
    checkpoint: str = LAST
    """the checkpoint to resume from; those after it are removed"""
    on_nan: OnNan = OnNan.STOP
    """what to do when a loss or weight is no longer finite"""
    stop_when: StopWhen | None = None
    """the verdict to stop at"""

    def check(self) -> None:
        """Refuse options that cannot be met, before anything is done.

        Raises:
            UsageError: a logger is not installed.
        """
        for name in self.log:
            loggers.require(name)


def start_run(
    preset: Preset,
    settings: RunSettings,
    options: TrainOptions,
    *,
    out: Path | None = None,
    force: bool = False,
    start: StartingWeights | None = None,
) -> Run:
    """Train from the start, to the end of the schedule.

    Args:
        preset, settings, options: what to train, and how.
        out: the run's folder; None: the next numbered one under the root of runs.
        force: whether a run in `out` is replaced.
        start: the weights of another run, if it starts with them; the preset then says so.

    Raises:
        GanError: anything that reading data, training and evaluation raise; `out` is not free.
    """
    options.check()
    preset = record_start(preset, start, say)
    if out is not None:  # before the processes meet: what all of them refuse, one says
        refuse_if_taken(out, force=force)
    world = set_up_torch(settings)
    with world.lead_first():
        folder = data_folder(options.data_dir)
        data = _load(preset, settings, folder, options)
    job = Job(preset, settings, data, Run(Path()), None, folder, world, start_from=start)
    if not world.leads:
        job = replace(job, run=world.from_lead(job.run))
        run_job(job, options=options)
        return job.run
    run = Run(out) if out else new_run(preset)

    def lay_out(_: Trainer) -> None:
        run.write_preset(preset)
        run.clear()

    with run.locked():
        # Again: another process may have trained here while the data were read.
        refuse_if_taken(run.folder, force=force)
        run_job(replace(job, run=world.from_lead(run)), lay_out, options)
    return run


def resume_run(run: Run, place: Place, options: TrainOptions, images: Path | None = None) -> None:
    """Go on with a run from its last checkpoint, bit for bit as if it had never stopped.

    Args:
        run: the run.
        place: device and threads, where they are to be others than before.
        options: the other options.
        images: where the user's own images are now, if not where they were.

    Raises:
        GanError: anything that reading data, training and evaluation raise; its preset.toml was
            edited.
    """
    options.check()
    with alone_in(run):
        saved = load(run.checkpoint(options.checkpoint))
        refuse_edits(run, saved.header)
        settings = settings_again(saved.header.settings, place, say)
        preset = saved.header.preset
        go_on(run, saved, moved_to(preset, images) if images else preset, settings, options)


def go_on(
    run: Run, saved: Checkpoint, preset: Preset, settings: RunSettings, options: TrainOptions
) -> None:
    """Train a run from one of its checkpoints to the end of the schedule; its lock is held.

    Args:
        run: the run.
        saved: the checkpoint to go on from; those after it are removed.
        preset: what to train from now on.
        settings: the settings from now on.
        options: the other options.

    Raises:
        GanError: anything that reading data, training and evaluation raise.
    """
    step = saved.header.step
    saved.refuse_to_train()
    if step >= preset.schedule.steps and not is_due(run, preset.schedule, step):
        say(
            f"{run.folder} is complete at step {step:,}; train it longer with "
            + command(*_resumed(run), "--steps", "N")
        )
        return
    say(f"resuming {run.folder} at step {step:,}")
    world = set_up_torch(settings)
    with world.lead_first():
        folder = data_folder(options.data_dir, saved.header.data_folder)
        try:
            data = _load(preset, settings, folder, options)
        except MovedImagesError as error:
            known = preset == saved.header.preset
            again = command("resume", run.folder, "--dataset", "PATH")
            remedy = f"type {again}" if known else "add --dataset PATH"
            raise DataError(f"{error}, or {remedy}, which names their new place") from error

    def lay_out(trainer: Trainer) -> None:
        run.tidy()
        run.forget_after(step)
        run.cut_back(step)
        trainer.save_changes()
        run.write_preset(preset)

    run_job(Job(preset, settings, data, run, saved, folder, world), lay_out, options)


def _resumed(run: Run) -> tuple[object, ...]:
    """The command that goes on with a run as its preset.toml, and the rest of the line, say."""
    return "train", run.preset_file, "--out", run.folder, "--resume", "--allow-changes"


def alone_in(run: Run) -> AbstractContextManager[None]:
    """The run's lock, held by the process that leads."""
    return run.locked() if leads_here() else nullcontext()


def run_job(
    job: Job,
    lay_out: Callable[[Trainer], None] = lambda _: None,
    options: TrainOptions | None = None,
) -> None:
    """Train a job to the end of its schedule, shown and evaluated.

    Args:
        job: what to train.
        lay_out: changes the run's folder, once nothing else can refuse the job.
        options: the other options.

    Raises:
        GanError: anything that training and evaluation raise.
    """
    try:
        if job.world.leads:
            _lead(job, lay_out, options or TrainOptions())
        else:
            _follow(job, options or TrainOptions())
    except LostProcessError as error:
        steps = job.run.checkpoints()
        last = f"step {max(steps):,}, its last checkpoint," if steps else "its last checkpoint"
        again = command("resume", job.run.folder) if steps else named("resume")
        raise LostProcessError(
            f"another process of this run has ended or cannot be reached: go on from {last} with "
            f"{again}, in as many processes as you like"
        ) from error
    finally:
        parallel.leave()


def _load(preset: Preset, settings: RunSettings, folder: Path, options: TrainOptions) -> Dataset:
    watch = partial(counting, console())
    return load_data(preset, settings.seed, folder, say, watch, verify=options.verify)


def refuse_edits(run: Run, stored: Header) -> None:
    """Refuse a run whose preset.toml, or a plugin, was edited.

    Raises:
        RunError: there are some; the sentence says how to go on with them.
    """
    changed = changed_plugins(stored)
    if _is_there(run.preset_file):
        changed += preset_differences(stored.preset, load_preset(str(run.preset_file)))
    if changed:
        raise RunError(
            f"{run.folder} was changed since ({'; '.join(changed)}): to use it so, type "
            + command(*_resumed(run))
        )


def _is_there(file: Path) -> bool:
    """Whether a file is there and may be read.

    Raises:
        RunError: it may not.
    """
    try:
        file.open("rb").close()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreadable(file, error) from error
    return True


def _follow(job: Job, options: TrainOptions) -> None:
    """Compute; wait where the leading process prepares the evaluations, and catches up on one."""
    job.world.wait_for_lead()
    trainer = Trainer(job)
    trainer.save_changes()
    job.world.wait_for_lead()
    with stop_flag(said="") as should_stop:
        train_until(trainer, should_stop, Stopper(options.stop_when), options.on_nan)


def _lead(job: Job, lay_out: Callable[[Trainer], None], options: TrainOptions) -> None:
    began = time.monotonic()
    evaluator = TrainingEvaluator.of(job, options.weights, partial(counting, console()))
    job.world.wait_for_lead()
    trainer = Trainer(job)
    lay_out(trainer)
    for remark in remarks(job.preset):
        say(f"note: {remark}")
    stopper = Stopper(options.stop_when)
    watch = HealthWatch(job.preset, job.run, lambda event: trainer.listen(event))
    more: list[Listener] = [evaluator.note] if evaluator else []
    more += [unharmed(watch.note, "the verdict"), stopper.note]
    watching = watched(console(), job, *more, shorter=lite_command(job.preset), log=options.log)
    with stop_flag() as should_stop, watching as (board, audience):
        trainer.listen = audience
        if evaluator is not None:
            evaluator.begin(audience, should_stop)
            evaluator.catch_up()
        job.world.wait_for_lead()
        train_until(trainer, should_stop, stopper, options.on_nan)
    if evaluator is not None and evaluator.abandoned:
        raise InterruptedRunError(
            f"stopped at step {trainer.state.step:,} with everything saved and the last evaluation "
            f"left out: to make it, type {command('resume', job.run.folder)}"
        )
    if trainer.state.step < job.preset.schedule.steps:
        say(stopper.sentence(job.run))
    _summarise(job, board, time.monotonic() - began)


def _summarise(job: Job, board: RunDisplay, seconds: float) -> None:
    say(f"done: {counted(board.pace.step, 'step')}; this call took {seconds:,.0f} s")
    if board.caption:
        say(f"result:   {board.caption}")
    best = job.run.best()
    if best is not None:
        say(
            f"best:     step {best.step:,}, {job.run.selection(BEST)}: "
            + command("sample", job.run.folder, "--checkpoint", "best")
        )
    say(f"picture:  {board.preview}")
    say(f"report:   {job.run.report_file}")
    say(f"numbers:  {job.run.metrics_file}")
    say(f"go on:    {command('sample', job.run.folder)}")
