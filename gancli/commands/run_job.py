"""A job, trained under the user's eyes."""

import time
from collections.abc import Callable

from gancli import parallel
from gancli.commands.evaluate_in_training import Examiner, Weights
from gancli.commands.user_images import lite_command
from gancli.errors import InterruptedRunError
from gancli.report.console import console, say
from gancli.report.listeners import watched
from gancli.report.progress import RunDisplay, counting
from gancli.runs.folder import BEST
from gancli.signals import stop_flag
from gancli.trainer import Job, Trainer

NOTHING_TYPED = Weights()


def run_job(
    job: Job,
    lay_out: Callable[[Trainer], None] = lambda _: None,
    *,
    tensorboard: bool = False,
    weights: Weights = NOTHING_TYPED,
) -> None:
    """Train to the end of the schedule.

    Args:
        job: what to train.
        lay_out: changes the run's folder, once everything else is known to be well.
        tensorboard: whether to write for TensorBoard, too.
        weights: what was typed of the extractor's, where the run is evaluated as it trains.

    Raises:
        GanError: anything that training and evaluation raise.
    """
    try:
        if job.world.leads:
            _lead(job, lay_out, weights, tensorboard=tensorboard)
        else:
            _follow(job)
    finally:
        parallel.leave()


def _follow(job: Job) -> None:
    """Compute; wait where the leading process prepares the evaluations, and catches up on one."""
    job.world.wait_for_lead()
    trainer = Trainer(job)
    trainer.save_changes()
    job.world.wait_for_lead()
    with stop_flag() as should_stop:
        trainer.train(should_stop)


def _lead(
    job: Job, lay_out: Callable[[Trainer], None], weights: Weights, *, tensorboard: bool
) -> None:
    began = time.monotonic()
    examiner = Examiner.of(job, weights, lambda total, unit: counting(console(), total, unit))
    job.world.wait_for_lead()
    trainer = Trainer(job)
    lay_out(trainer)
    more = [examiner.note] if examiner else []
    watching = watched(
        console(), job, *more, shorter=lite_command(job.preset), tensorboard=tensorboard
    )
    with stop_flag() as should_stop, watching as (board, audience):
        trainer.listen = audience
        if examiner is not None:
            examiner.begin(audience, should_stop)
            examiner.catch_up()
        job.world.wait_for_lead()
        trainer.train(should_stop)
    if examiner is not None and examiner.abandoned:
        raise InterruptedRunError(
            f"stopped at step {trainer.state.step:,} with everything saved and the last evaluation "
            f"left out: make it with gan resume {job.run.folder}"
        )
    _summarise(job, board, time.monotonic() - began)


def _summarise(job: Job, board: RunDisplay, seconds: float) -> None:
    say(f"done: {board.pace.step:,} steps; this call took {seconds:,.0f} s")
    if board.caption:
        say(f"result:   {board.caption}")
    best = job.run.best()
    if best is not None:
        say(
            f"best:     step {best.step:,}, {job.run.selection(BEST)}: gan sample "
            f"{job.run.folder} --checkpoint best"
        )
    say(f"picture:  {board.preview}")
    say(f"report:   {job.run.report_file}")
    say(f"numbers:  {job.run.metrics_file}")
    say(f"go on:    gan sample {job.run.folder}")
