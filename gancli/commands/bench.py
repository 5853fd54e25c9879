"""`gan bench`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from gancli.bench.choices import LITE, SMALL_IMAGES, BenchChoice, every_choice, small_image_model
from gancli.bench.loading import make_up, measure_loading
from gancli.bench.sampling import time_sampling
from gancli.bench.scoring import MEASUREMENTS, ScoreSizes, time_scoring
from gancli.bench.startup import seconds_to_first_step
from gancli.bench.training import Figures, Plan, measure_training
from gancli.checkpoint import RunSettings
from gancli.choices import PrecisionName
from gancli.environment import Place, new_settings, set_up_torch
from gancli.errors import UsageError
from gancli.events import Listener
from gancli.experiment.collapse import pair_spec
from gancli.experiment.measures import MeasurePlaces
from gancli.experiment.timing import time_pair
from gancli.folders import cache_folder, data_folder
from gancli.pasteable import command
from gancli.preset import load_preset
from gancli.report.bench_table import (
    print_figures,
    print_line,
    print_loading,
    print_pair,
    print_sampling,
    print_score_timing,
)
from gancli.report.console import console_beside_json, print_json, unseen_console
from gancli.report.counting import counting
from gancli.report.listeners import watched
from gancli.trainer import Job

ROUND_SECONDS = 1.0
"""How long a turn of one training loop is timed."""
LOADING_SECONDS = 3.0
"""How long a turn of one loop that loads images is timed."""


@dataclass(frozen=True)
class BenchRequest:
    """The arguments and options of `gan bench train`."""

    model: str | None
    dataset: str | None
    variant: str | None
    overrides: tuple[str, ...]
    precision: PrecisionName | None
    place: Place
    rounds: int
    compiled: bool
    as_json: bool


def bench_train(request: BenchRequest) -> None:
    """Measure one preset's training, or every one's.

    Raises:
        UsageError: `--variant`, `--set` or `--compile` without a model.
    """
    settings = new_settings(request.place, request.precision or PrecisionName.FP32)
    set_up_torch(settings)
    if request.model is not None:
        choice = BenchChoice(request.model, request.dataset, request.variant)
        found = [_measure(choice, request, settings)]
        if not request.as_json:
            print_figures(found[0])
    else:
        found = list(_measure_all(request, settings))
    if request.as_json:
        plain = [figures.model_dump(mode="json") for figures in found]
        print_json(plain[0] if request.model else plain)


def bench_sample(count: int, threads: int | None, rounds: int, *, as_json: bool) -> None:
    """Measure how fast images come into a folder."""
    torch.set_num_threads(threads or torch.get_num_threads())
    preset = load_preset(small_image_model(), SMALL_IMAGES, LITE)
    with counting(console_beside_json(as_json=as_json), 3 * rounds, "turns of sampling") as done:
        found = time_sampling(preset, count, rounds, done)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_sampling(found, preset, count, rounds)


def bench_evaluate(sizes: ScoreSizes, threads: int | None, *, as_json: bool) -> None:
    """Measure how fast images are scored, and in how much memory."""
    torch.set_num_threads(threads or torch.get_num_threads())
    with counting(console_beside_json(as_json=as_json), MEASUREMENTS, "measurements") as done:
        found = time_scoring(sizes, done)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_score_timing(found)


def bench_data(path: Path | None, place: Place, rounds: int, *, as_json: bool) -> None:
    """Time how the images at a path, or made-up ones, get into training steps."""
    settings = new_settings(place, PrecisionName.FP32)
    set_up_torch(settings)
    watch = partial(counting, console_beside_json(as_json=as_json))
    with tempfile.TemporaryDirectory() as folder:
        if path is None:
            make_up(Path(folder))
        found = measure_loading(path or Path(folder), settings, rounds, LOADING_SECONDS, watch)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_loading(found)


def bench_study(steps: int, *, as_json: bool) -> None:
    """Time two cells of the default arena's first model, at once and in turn."""
    spec = pair_spec(steps)
    found = time_pair(spec, MeasurePlaces(data_folder(None), cache_folder()))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_pair(found, spec.cells[0].preset, steps)


def _measure_all(request: BenchRequest, settings: RunSettings) -> Iterator[Figures]:
    of_one = [["--variant", request.variant]] if request.variant else []
    of_one += [["--set", text] for text in request.overrides]
    of_one += [["--compile"]] if request.compiled else []
    if of_one:
        words = ("--dataset", request.dataset or "DATASET", *of_one[0])
        raise UsageError(
            f"{of_one[0][0]} needs a model: type {command('bench', 'train', 'MODEL', *words)}"
        )
    for number, choice in enumerate(every_choice(request.dataset)):
        figures = _measure(choice, request, settings)
        if not request.as_json:
            print_line(figures, with_heading=number == 0)
        yield figures


def _measure(choice: BenchChoice, request: BenchRequest, settings: RunSettings) -> Figures:
    preset = choice.preset(request.overrides)
    folder = data_folder(request.place.data_dir)
    data = preset.data.load(folder, settings.seed)
    typed = [*choice.arguments(), *(f"--set={text}" for text in request.overrides)]
    typed += ["--data-dir", str(folder), "--device", settings.device]
    typed += ["--threads", str(settings.threads), "--precision", settings.precision]
    shown = console_beside_json(as_json=request.as_json)
    how = Plan(
        rounds=request.rounds,
        seconds=ROUND_SECONDS,
        accompany=_accompany,
        startup=lambda: seconds_to_first_step(typed),
        compiled=request.compiled,
    )
    with counting(shown, how.turns, f"turns of {preset.name} on {preset.dataset}") as done:
        return measure_training(preset, data, settings, replace(how, done=done))


@contextmanager
def _accompany(job: Job) -> Iterator[Listener]:
    """All that accompanies a run in a terminal, drawn where it is not seen."""
    with watched(unseen_console(), job) as (_, audience):
        yield audience
