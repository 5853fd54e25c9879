"""`gan bench data`."""

import tempfile
from pathlib import Path

import torch
import typer
from rich.console import Console

from gancli import catalog
from gancli.bench.loading import LoadingFigures, make_up, time_reading, time_steps
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import RunSettings
from gancli.data.sources import open_source
from gancli.environment import Place, choose_device, set_up_torch
from gancli.preset import load_preset
from gancli.report.console import console, say
from gancli.report.progress import counting

SIZE, BATCH_SIZE = 64, 64
SECONDS = 3.0
"""A turn of one loop."""
SECOND_RUN_SECONDS, STREAMED_LIMIT = 2.0, 1.1


def bench_data(path: Path | None, place: Place, rounds: int, *, as_json: bool) -> None:
    """Time how the images at a path, or made-up ones, get into training steps."""
    settings = RunSettings(
        device=choose_device(place.device),
        precision="fp32",
        threads=place.threads or torch.get_num_threads(),
    )
    set_up_torch(settings)
    hidden = Console(quiet=True) if as_json else console()
    with tempfile.TemporaryDirectory() as folder:
        if path is None:
            make_up(Path(folder))
        found = _measure(path or Path(folder), settings, rounds, hidden)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found)


def _measure(path: Path, settings: RunSettings, rounds: int, shown: Console) -> LoadingFigures:
    with counting(shown, len(open_source(path)), "images") as done:
        data, spec, first, second = time_reading(path, SIZE, done)
    own = UserImages("images", spec.model_dump(mode="json"))
    model = catalog.for_photographs()[0]
    preset = load_preset(model, own, "lite", [f"schedule.batch_size={BATCH_SIZE}"])
    with counting(shown, 2 * rounds, f"turns of {model}") as done:
        resident, streamed, ratio = time_steps(
            preset, data, settings, rounds=rounds, seconds=SECONDS, done=done
        )
    return LoadingFigures(
        path=str(path),
        images=len(data),
        size=SIZE,
        first_run_s=first,
        first_run_images_per_s=len(data) / first,
        second_run_s=second,
        resident_step_ms=resident,
        streamed_step_ms=streamed,
        streamed_to_resident=ratio,
    )


def _print(found: LoadingFigures) -> None:
    say(f"{found.path}: {found.images:,} images to {found.size}x{found.size}")
    say(f"first run:  {found.first_run_s:.2f} s, {found.first_run_images_per_s:,.0f} images/s")
    ready = "within" if found.second_run_s <= SECOND_RUN_SECONDS else "OVER"
    say(f"second run: {found.second_run_s:.2f} s ({ready} {SECOND_RUN_SECONDS:g} s)")
    say(
        f"a step: {found.resident_step_ms:.1f} ms with the data on the device, "
        f"{found.streamed_step_ms:.1f} ms with a loader"
    )
    held = "within" if found.streamed_to_resident <= STREAMED_LIMIT else "OVER"
    say(f"loader / resident: {found.streamed_to_resident:.3f} ({held} {STREAMED_LIMIT:g})")
