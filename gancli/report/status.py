"""`gan status`: a run in the terminal."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich_pixels import Pixels

from gancli.checkpoint import read_header
from gancli.errors import GanError
from gancli.image_formats import image_in
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.report.console import say
from gancli.report.summary import Summary, summarise_run
from gancli.runs.folder import BEST, Run
from gancli.runs.rollbacks import counted_in_words
from gancli.runs.standing import (
    Standing,
    ago,
    failure_of,
    is_at_work,
    last_write,
    standing_of,
)

MOST_RUNS = 20
"""Runs in one list."""

MAX_DRAWN_COLUMNS = 100
"""Columns of the drawn preview; a character shows two pixels, one above the other."""


def print_status(summary: Summary, console: Console) -> None:
    """Print what the report shows, and draw the last preview; a path is never broken."""
    facts = _facts(summary)
    width = max(map(len, facts))
    for fact, said in facts.items():
        console.print(f"{fact:<{width}}  {said}", markup=False, soft_wrap=True)
    # Colours are all there is to the picture.
    if summary.previews and console.color_system and not console.no_color:
        console.print(draw(list(summary.previews.values())[-1], console.width), soft_wrap=False)


def _facts(summary: Summary) -> dict[str, str]:
    preset, settings = summary.header.preset, summary.header.settings
    standing = standing_of(summary.run, summary.header.step, preset.schedule.steps)
    facts = {
        "run": str(summary.run.folder),
        "state": _state(summary, standing),
        "model": f"{preset.name} on {preset.dataset}, variant {preset.variant}",
        **({"weights from": str(preset.started_from)} if preset.started_from else {}),
        "settings": f"seed {settings.seed}, {settings.device}, {settings.precision}, "
        + counted(settings.threads, "thread"),
        "speed": summary.pace(goes_on=standing is Standing.RUNNING),
    }
    facts |= {name: f"{value:.5g}" for name, value in summary.latest().items()}
    deviations = preset.deviations_in_force()
    facts["deviations"] = (
        f"{len(deviations)} from the paper: {', '.join(deviations) or 'none known'}"
    )
    facts["checkpoint"] = str(summary.run.checkpoint())
    facts |= _health(summary)
    if summary.header.rollbacks:
        facts["rollbacks"] = counted_in_words(summary.header.rollbacks)
    best = summary.run.best()
    if best is not None:
        facts["best"] = f"step {best.step:,}, {summary.run.selection(BEST)}"
    if summary.run.report_file.exists():
        facts["report"] = str(summary.run.report_file)
    if summary.previews:
        facts["preview"] = str(list(summary.previews.values())[-1])
    if standing is Standing.FAILED:
        facts["failed"] = failure_of(summary.run)
    elif standing is not Standing.RUNNING:
        facts["go on"] = _next(summary.run, standing)
    return facts


def _health(summary: Summary) -> dict[str, str]:
    if not summary.verdicts:
        return {}
    verdict = summary.verdicts[-1].verdict
    again = command("train", summary.run.preset_file, "--out", summary.run.folder)
    tried = {"try": f"{again} --resume --allow-changes {verdict.tries[0]}"} if verdict.tries else {}
    return {"health": verdict.words, **tried}


def _state(summary: Summary, standing: Standing) -> str:
    said = summary.state
    if standing is not Standing.COMPLETE:
        said = f"{standing} at {said}"
    return f"{said}; last written {ago(last_write(summary.run))}"


def _next(run: Run, standing: Standing) -> str:
    return command("sample" if standing is Standing.COMPLETE else "resume", run.folder)


def print_runs(runs: Sequence[Run]) -> None:
    """Print each run's path, and how it stands, on lines of their own."""
    for run in runs[:MOST_RUNS]:
        say(str(run.folder))
        say(f"  {_in_a_line(run)}")
    if len(runs) > MOST_RUNS:
        say(f"and {len(runs) - MOST_RUNS:,} more: name the folder in which to look")


def _in_a_line(run: Run) -> str:
    if not run.checkpoints():
        again = command("train", run.preset_file, "--out", run.folder, "--resume")
        said = "training begins" if is_at_work(run) else f"stopped before its first step; {again}"
        return f"{said}; last written {ago(last_write(run))}"
    try:
        summary = summarise_run(run, read_header(run.checkpoint()))
    except GanError as error:
        return str(error)
    preset = summary.header.preset
    standing = standing_of(run, summary.header.step, preset.schedule.steps)
    said = f"{preset.name} on {preset.dataset}: {_state(summary, standing)}"
    return said if standing is not Standing.STOPPED else f"{said}; {_next(run, standing)}"


def draw(path: Path, columns: int) -> Pixels:
    """A picture in half-block characters, at most `columns` wide."""
    with image_in(path) as picture:
        width = min(MAX_DRAWN_COLUMNS, columns, picture.width)
        height = width * picture.height // picture.width
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    drawn: Pixels = Pixels.from_image(small)
    return drawn
