"""How long an evaluation of more images would take, by the time that one of fewer took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gancli.defaults import EVALUATION_COUNT
from gancli.evaluation.evaluate import SCORED_UNIT
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import GeneratedImages
from gancli.evaluation.job import EvaluationJob
from gancli.evaluation.reference_cache import reference_file
from gancli.evaluation.spec import RealImages
from gancli.plurals import duration
from gancli.scores import default_metrics
from gancli.watch import Done, Watch


@dataclass
class Stopwatch:
    """A watch that also takes the time of each phase that it shows."""

    shown: Watch
    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict)
    """of each phase, by what it counts; of several of one kind the last"""

    @contextmanager
    def watch(self, total: int, unit: str) -> Iterator[Done]:
        """Show a phase, and time it."""
        began = self.clock()
        with self.shown(total, unit) as done:
            yield done
        self.seconds[unit] = self.clock() - began


def full_protocol(job: EvaluationJob, stopwatch: Stopwatch) -> str:
    """How long published scores of the same images would take, in a sentence.

    Args:
        job: an evaluation of some images that is over.
        stopwatch: has timed it.
    """
    images = job.scored.images
    generated = isinstance(images, GeneratedImages)
    fakes = EVALUATION_COUNT if generated else len(job.scored.drawn_from or images)
    reals = sum(_still_to_see(real, job) for real in job.reals.references)
    per_image = stopwatch.seconds[SCORED_UNIT] / len(images)
    metrics = " ".join(f"--{name}" for name in default_metrics())
    of = f"{fakes:,} {'generated ' if generated else ''}images"
    more = f" and, once, {reals:,} real ones" if reals else ""
    return (
        f"the full protocol ({metrics}: {of}{more}) would take about "
        f"{duration(per_image * (fakes + reals))} here, by the time that these images took"
    )


def _still_to_see(real: RealImages, job: EvaluationJob) -> int:
    """How many images of the whole reference the extractor would have to look at."""
    whole = real.drawn_from or real.images
    if isinstance(whole, ImageFiles) and whole.remembered_fingerprint is None:
        return len(whole)
    known = reference_file(whole, job.spec.extractor, job.store.folder).exists()
    return 0 if known or real.statistics is not None else len(whole)
