"""Compares writing samples with generating them alone, and with a bare loop of Pillow's."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from pydantic import BaseModel

from gancli.bench.measure import alternate
from gancli.preset import Preset
from gancli.sampler import Sampler, Samples
from gancli.state import build_generator
from gancli.writer import write

WRITING, GENERATING, PILLOW = "ours", "generate", "pillow"


class SampleTiming(BaseModel):
    """Medians over the rounds, in seconds."""

    count: int
    ours_s: float
    generate_s: float
    pillow_s: float
    ratio: float
    """ours in units of the longer of the other two, the median of the rounds' ratios"""


def time_sampling(
    preset: Preset, count: int, rounds: int, done: Callable[[int], None] = lambda turns: None
) -> SampleTiming:
    """Time `count` images of a preset's generator as it starts, into a folder and nowhere.

    Args:
        preset: of images.
        count: how many.
        rounds: how often each of the three takes its turn.
        done: told how many turns are over.
    """
    sampler = Sampler(build_generator(preset, seed=0).eval(), preset)
    seeds = list(range(count))
    images = sampler.all(seeds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loops = {
            WRITING: lambda: _emptied(folder / WRITING, lambda out: _write(sampler, seeds, out)),
            GENERATING: lambda: sum(map(len, sampler.batches(seeds))),
            PILLOW: lambda: _emptied(folder / PILLOW, lambda out: _save(images, out)),
        }
        timed = alternate(
            loops, rounds=rounds, seconds=0.0, device=torch.device("cpu"), warm_up=0, done=done
        )
    longer = max((GENERATING, PILLOW), key=lambda name: timed[name].median)
    return SampleTiming(
        count=count,
        ours_s=timed[WRITING].median,
        generate_s=timed[GENERATING].median,
        pillow_s=timed[PILLOW].median,
        ratio=timed[WRITING].ratio(timed[longer]),
    )


def _emptied(out: Path, fill: Callable[[Path], None]) -> None:
    shutil.rmtree(out, ignore_errors=True)
    fill(out)


def _write(sampler: Sampler, seeds: list[int], out: Path) -> None:
    write(sampler.batches(seeds), seeds, out, "folder", key="images")


def _save(images: Samples, out: Path) -> None:
    out.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(out / f"{number:06d}.png")
