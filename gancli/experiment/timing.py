"""What running cells at the same time gains over running them in turn."""

import tempfile
import time
from pathlib import Path

from pydantic import BaseModel

from gancli.errors import RunError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.cell import CellRequest
from gancli.experiment.folder import Experiment
from gancli.experiment.measures import MeasurePlaces
from gancli.experiment.pool import News, Pool
from gancli.experiment.spec import ExperimentSpec


class PairTiming(BaseModel):
    """Two cells, each on one thread."""

    at_once_s: float
    in_turn_s: float

    @property
    def ratio(self) -> float:
        """The first in units of the second: 0.5 at best."""
        return self.at_once_s / self.in_turn_s


def time_pair(spec: ExperimentSpec, places: MeasurePlaces) -> PairTiming:
    """Run two cells at once, then one after the other.

    Raises:
        RunError: a cell failed.
    """
    return PairTiming(
        at_once_s=_seconds(spec, places, jobs=2), in_turn_s=_seconds(spec, places, jobs=1)
    )


def _seconds(spec: ExperimentSpec, places: MeasurePlaces, jobs: int) -> float:
    failed: list[News] = []

    def note(news: News) -> None:
        if news.state == "failed":
            failed.append(news)

    with tempfile.TemporaryDirectory() as name:
        experiment = Experiment(Path(name))
        requests = [
            CellRequest.of(experiment, cell, places, ExtractorWeights()) for cell in spec.cells
        ]
        began = time.monotonic()
        Pool(experiment, jobs, note).run(requests, lambda: False)
        seconds = time.monotonic() - began
    if failed:
        raise RunError(f"a cell failed: {failed[0].reason}")
    return seconds
