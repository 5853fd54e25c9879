"""`gan bench`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

import torch
import typer
from rich.console import Console

from gancli import catalog
from gancli.bench.loops import LOOPS
from gancli.bench.recipe import LOOPED
from gancli.bench.sampling import time_sampling
from gancli.bench.scoring import MEASUREMENTS, ScoreSizes, time_scoring
from gancli.bench.startup import seconds_to_first_step
from gancli.bench.training import Figures, Plan, measure_training
from gancli.checkpoint import RunSettings
from gancli.choices import PrecisionName
from gancli.environment import Place, choose_device, data_folder, set_up_torch
from gancli.errors import UsageError
from gancli.networks import Cnn, Mlp
from gancli.objective.turn_settings import Turns
from gancli.preset import Preset, load_preset
from gancli.report.bench_table import print_figures, print_line, print_score_timing
from gancli.report.console import console, say
from gancli.report.listeners import watched
from gancli.report.progress import counting
from gancli.trainer import Job, Listener

ROUND_SECONDS = 1.0
LITE = "lite"
SMALL_IMAGES = "cifar10"
SAMPLE_LIMIT = 1.15
"""Images reach a folder in at most this part of the time that their generation or their saving
takes alone, whichever is longer."""


@dataclass(frozen=True)
class BenchRequest:
    """What was typed after `gan bench train`."""

    model: str | None
    dataset: str | None
    variant: str | None
    overrides: tuple[str, ...]
    precision: PrecisionName | None
    place: Place
    rounds: int
    as_json: bool


@dataclass(frozen=True)
class Choice:
    """One preset to measure."""

    model: str
    dataset: str | None
    variant: str | None

    def arguments(self) -> list[str]:
        """The choice as it is typed."""
        options = (("--dataset", self.dataset), ("--variant", self.variant))
        return [self.model, *(part for name, said in options if said for part in (name, said))]


def bench_training(request: BenchRequest) -> None:
    """Measure one preset's training, or every one's.

    Raises:
        UsageError: `--variant` or `--set` without a model.
    """
    settings = _settings(request)
    set_up_torch(settings)
    if request.model is not None:
        found = [
            _measure(Choice(request.model, request.dataset, request.variant), request, settings)
        ]
        if not request.as_json:
            print_figures(found[0])
    else:
        found = list(_measure_all(request, settings))
    if request.as_json:
        plain = [figures.model_dump(mode="json") for figures in found]
        typer.echo(json.dumps(plain[0] if request.model else plain, indent=2))


def bench_sampling(count: int, threads: int | None, rounds: int, *, as_json: bool) -> None:
    """Measure how fast images come into a folder."""
    torch.set_num_threads(threads or torch.get_num_threads())
    preset = load_preset(_of_small_images(), SMALL_IMAGES, LITE)
    hidden = Console(quiet=True) if as_json else console()
    with counting(hidden, 3 * rounds, "turns of sampling") as done:
        found = time_sampling(preset, count, rounds, done)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    say(f"{count:,} images of {preset.name} on {preset.dataset}, {LITE}; medians of {rounds}")
    say(
        f"into a folder: {found.ours_s:.2f} s; generating alone: {found.generate_s:.2f} s; saving "
        f"alone, a bare loop of Pillow's: {found.pillow_s:.2f} s"
    )
    held = "within" if found.ratio <= SAMPLE_LIMIT else "OVER"
    say(f"into a folder / the longer of the two: {found.ratio:.2f} ({held} {SAMPLE_LIMIT:g})")


def bench_evaluation(sizes: ScoreSizes, threads: int | None, *, as_json: bool) -> None:
    """Measure how fast images are scored, and in how much memory."""
    torch.set_num_threads(threads or torch.get_num_threads())
    hidden = Console(quiet=True) if as_json else console()
    with counting(hidden, MEASUREMENTS, "measurements") as done:
        found = time_scoring(sizes, done)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_score_timing(found)


def _of_small_images() -> str:
    """The first model without labels that has a short variant on small images."""
    heads = map(catalog.preset_file, catalog.model_names())
    return next(
        head.name
        for head in heads
        if LITE in head.variants_on(SMALL_IMAGES) and not head.knows_classes
    )


def _settings(request: BenchRequest) -> RunSettings:
    return RunSettings(
        device=choose_device(request.place.device),
        precision=request.precision.value if request.precision else "fp32",
        threads=request.place.threads or torch.get_num_threads(),
    )


def _measure_all(request: BenchRequest, settings: RunSettings) -> Iterator[Figures]:
    for option, said in (("--variant", request.variant), ("--set", request.overrides)):
        if said:
            raise UsageError(f"read {option} without a model, expected gan bench train MODEL")
    for number, choice in enumerate(_every_choice(request.dataset)):
        figures = _measure(choice, request, settings)
        if not request.as_json:
            print_line(figures, with_heading=number == 0)
        yield figures


def _every_choice(dataset: str | None) -> Iterator[Choice]:
    """Each model on each data set of its own values; in its short variant where it has one."""
    for model in catalog.model_names():
        head = catalog.preset_file(model)
        for name in head.datasets:
            if name == (dataset or name) and catalog.lineage(name) == [name]:
                if _beyond_the_loops(load_preset(model, name)):
                    continue
                has_lite = LITE in head.variants_on(name)
                yield Choice(model, name, LITE if has_lite else None)


def _beyond_the_loops(preset: Preset) -> str | None:
    """What the loops we compare with cannot do; None: they train this preset."""
    parts, schedule = preset.objective.parts.values(), preset.schedule
    plain = all(isinstance(each.network, Mlp | Cnn) for each in preset.players().values())
    reasons = {
        "has three players": preset.reconstructor is not None,
        "knows classes": preset.classes > 0,
        "is fed more than noise": bool(preset.prior.axes()),
        "has networks of another family": not plain,
        "has a penalty that rests": preset.objective.period() > 1,
        "has terms of its own": not all(isinstance(p, LOOPED) for p in parts),
        "takes its turns otherwise": preset.turns != Turns() or schedule.partial_batches,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _measure(choice: Choice, request: BenchRequest, settings: RunSettings) -> Figures:
    preset = load_preset(choice.model, choice.dataset, choice.variant, request.overrides)
    beyond = _beyond_the_loops(preset)
    if beyond:
        raise UsageError(
            f"read {choice.model}, which {beyond}, expected a model of two players that is "
            "fed noise alone: the loops gan bench train compares with train no others"
        )
    folder = data_folder(request.place.data_dir)
    data = preset.data.load(folder, settings.seed)
    typed = [*choice.arguments(), *(f"--set={text}" for text in request.overrides)]
    typed += ["--data-dir", str(folder), "--device", settings.device]
    typed += ["--threads", str(settings.threads), "--precision", settings.precision]
    turns = request.rounds * len(LOOPS)
    hidden = Console(quiet=True) if request.as_json else console()
    with counting(hidden, turns, f"turns of {preset.name} on {preset.dataset}") as done:
        how = Plan(
            rounds=request.rounds,
            seconds=ROUND_SECONDS,
            watch=_watch,
            startup=lambda: seconds_to_first_step(typed),
            done=done,
        )
        return measure_training(preset, data, settings, how)


@contextmanager
def _watch(job: Job) -> Iterator[Listener]:
    """All that accompanies a run in a terminal, shown to nobody."""
    nobody = Console(file=StringIO(), force_terminal=True, width=100)
    with watched(nobody, job) as (_, audience):
        yield audience
