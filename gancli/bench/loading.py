"""Measures how people's own images get from files into training steps."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel

from gancli.bench.measure import alternate
from gancli.checkpoint import RunSettings
from gancli.data.cache import decoded
from gancli.data.dataset import Dataset
from gancli.data.image_folder import ImageFolder
from gancli.data.survey import survey
from gancli.preset import Preset
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer

MADE_UP = 2000
MADE_UP_SIDE = 96
COARSE_SIDE = 12
RESIDENT, STREAMED = "resident", "streamed"


class LoadingFigures(BaseModel):
    """What one call of `gan bench data` found out."""

    path: str
    images: int
    size: int
    """side they are brought to, in pixels"""
    first_run_s: float
    """from a path to data to train on, with an empty cache"""
    first_run_images_per_s: float
    second_run_s: float
    """the same with the cache"""
    resident_step_ms: float
    streamed_step_ms: float
    streamed_to_resident: float
    """the median over the rounds"""


def make_up(folder: Path) -> None:
    """Write JPEGs of smooth colours into a folder."""
    source = np.random.default_rng(0)
    for index in range(MADE_UP):
        coarse = source.integers(0, 256, (COARSE_SIDE, COARSE_SIDE, 3), dtype=np.uint8)
        side = (MADE_UP_SIDE, MADE_UP_SIDE)
        Image.fromarray(coarse).resize(side).save(folder / f"{index:05d}.jpg", quality=90)


def time_reading(
    path: Path, size: int, done: Callable[[int], None]
) -> tuple[Dataset, ImageFolder, float, float]:
    """Read images twice, with a cache of their own.

    Returns:
        The data, how they are described, and the seconds of the first and the second time.
    """
    with tempfile.TemporaryDirectory() as cache:
        seconds: list[float] = []
        for _ in range(2):
            began = time.perf_counter()
            source, seen = survey(path, root=Path(cache))
            spec = ImageFolder(
                path=str(seen.path), size=size, channels=seen.channels, classes=tuple(seen.classes)
            )
            data = decoded(source, spec.form, done=done, root=Path(cache)).data
            seconds.append(time.perf_counter() - began)
        # The cache goes, the data stay.
        return Dataset(data.x.clone(), data.labels, data.fingerprint), spec, seconds[0], seconds[1]


def time_steps(
    preset: Preset,
    data: Dataset,
    settings: RunSettings,
    *,
    rounds: int,
    seconds: float,
    done: Callable[[int], None],
) -> tuple[float, float, float]:
    """Take steps with the data on the device, and with a loader, in turn.

    Returns:
        Milliseconds of a step with each, medians, and their ratio.
    """
    with tempfile.TemporaryDirectory() as folder:
        loops = {
            name: Trainer(
                Job(preset, settings, data, Run(Path(folder)), resident=name == RESIDENT)
            ).step
            for name in (RESIDENT, STREAMED)
        }
        times = alternate(
            loops, rounds=rounds, seconds=seconds, device=torch.device(settings.device), done=done
        )
    resident, streamed = times[RESIDENT], times[STREAMED]
    return 1e3 * resident.median, 1e3 * streamed.median, streamed.ratio(resident)
