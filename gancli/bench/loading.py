"""Measures how a user's own images get from files into training steps."""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel

from gancli.bench.choices import LITE, small_image_model
from gancli.bench.measure import alternate
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import RunSettings
from gancli.data.cache import decoded
from gancli.data.dataset import Dataset
from gancli.data.image_folder import ImageFolder
from gancli.data.sources import open_source
from gancli.data.survey import survey
from gancli.preset import Preset, load_preset
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer
from gancli.watch import Done, Watch

MADE_UP_COUNT = 2000
"""Number of JPEGs that are generated where no images are given."""
MADE_UP_SIDE = 96
"""Their side, in pixels."""
COARSE_SIDE = 12
"""Side of the random colours that they are enlarged from, in pixels."""
TRAINED_SIDE, TRAINED_BATCH_SIZE = 64, 64
"""Side of the training images, in pixels, and how many make a batch."""
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
    for index in range(MADE_UP_COUNT):
        coarse = source.integers(0, 256, (COARSE_SIDE, COARSE_SIDE, 3), dtype=np.uint8)
        side = (MADE_UP_SIDE, MADE_UP_SIDE)
        Image.fromarray(coarse).resize(side).save(folder / f"{index:05d}.jpg", quality=90)


def time_reading(path: Path, size: int, done: Done) -> tuple[Dataset, ImageFolder, float, float]:
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
                path=str(seen.path), size=size, channels=seen.channels, classes=source.classes
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
    done: Done,
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


def measure_loading(
    path: Path, settings: RunSettings, rounds: int, seconds: float, watch: Watch
) -> LoadingFigures:
    """Time reading the images at a path, and steps on them.

    Args:
        path: a folder of images, a zip, an npz or parquet files.
        settings: device, threads and precision.
        rounds: how often each loop is timed.
        seconds: how long each time.
        watch: shows progress.

    Raises:
        DataError: there are no images.
    """
    with watch(len(open_source(path)), "images") as done:
        data, spec, first, second = time_reading(path, TRAINED_SIDE, done)
    own = UserImages("images", spec.model_dump(mode="json"))
    model = small_image_model()
    preset = load_preset(model, own, LITE, [f"schedule.batch_size={TRAINED_BATCH_SIZE}"])
    with watch(2 * rounds, f"turns of {model}") as done:
        resident, streamed, ratio = time_steps(
            preset, data, settings, rounds=rounds, seconds=seconds, done=done
        )
    return LoadingFigures(
        path=str(path),
        images=len(data),
        size=TRAINED_SIDE,
        first_run_s=first,
        first_run_images_per_s=len(data) / first,
        second_run_s=second,
        resident_step_ms=resident,
        streamed_step_ms=streamed,
        streamed_to_resident=ratio,
    )
