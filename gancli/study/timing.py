"""What running cells at the same time gains over running them in turn."""

import tempfile
import time
from pathlib import Path

from pydantic import BaseModel

from gancli.errors import RunError
from gancli.preset import Preset
from gancli.study.cell import CellRequest
from gancli.study.plan import Study, StudySpec
from gancli.study.pool import News, Pool


class PairTiming(BaseModel):
    """Two cells, each on one thread."""

    at_once_s: float
    in_turn_s: float

    @property
    def ratio(self) -> float:
        """The first in units of the second: 0.5 at best."""
        return self.at_once_s / self.in_turn_s


def time_pair(model: str, preset: Preset, data: Path, cache: Path) -> PairTiming:
    """Run two seeds of a model at once, then one after the other.

    Raises:
        RunError: a cell failed.
    """
    return PairTiming(
        at_once_s=_seconds(model, preset, data, cache, jobs=2),
        in_turn_s=_seconds(model, preset, data, cache, jobs=1),
    )


def _seconds(model: str, preset: Preset, data: Path, cache: Path, jobs: int) -> float:
    failed: list[News] = []

    def note(news: News) -> None:
        if news.state == "failed":
            failed.append(news)

    with tempfile.TemporaryDirectory() as name:
        study = Study(Path(name))
        spec = StudySpec(arena=preset.dataset, presets={model: preset}, seeds=[0, 1], device="cpu")
        requests = [CellRequest.of(study, cell, data, cache) for cell in spec.cells()]
        began = time.monotonic()
        Pool(study, jobs, note).run(requests, lambda: False)
        seconds = time.monotonic() - began
    if failed:
        raise RunError(f"a cell failed: {failed[0].reason}")
    return seconds
