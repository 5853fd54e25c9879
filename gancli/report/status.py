"""`gan status`: a run in the terminal."""

from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich_pixels import Pixels

from gancli.image_formats import image_in
from gancli.plurals import counted
from gancli.report.summary import Summary
from gancli.runs.folder import BEST

MAX_DRAWN_COLUMNS = 100
"""Columns of the drawn preview; a character shows two pixels, one above the other."""


def print_status(summary: Summary, console: Console) -> None:
    """Print what the report shows, and draw the last preview."""
    preset, settings = summary.header.preset, summary.header.settings
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    facts = {
        "run": f"{summary.run.folder}: {summary.state}",
        "model": f"{preset.name} on {preset.dataset}, variant {preset.variant}",
        "settings": f"seed {settings.seed}, {settings.device}, {settings.precision}, "
        + counted(settings.threads, "thread"),
        "speed": summary.pace(),
    }
    facts |= {name: f"{value:.5g}" for name, value in summary.latest().items()}
    deviations = preset.deviations_in_force()
    facts["deviations"] = (
        f"{len(deviations)} from the paper: {', '.join(deviations) or 'none known'}"
    )
    facts["checkpoint"] = str(summary.run.checkpoint_file(summary.header.step))
    best = summary.run.best()
    if best is not None:
        facts["best"] = f"step {best.step:,}, {summary.run.selection(BEST)}"
    if summary.run.report_file.exists():
        facts["report"] = str(summary.run.report_file)
    if summary.previews:
        facts["preview"] = str(list(summary.previews.values())[-1])
    for fact, said in facts.items():
        table.add_row(fact, escape(said))
    console.print(table, soft_wrap=False)
    # Colours are all there is to the picture, and only a terminal shows them.
    if summary.previews and console.is_terminal:
        console.print(draw(list(summary.previews.values())[-1], console.width), soft_wrap=False)


def draw(path: Path, columns: int) -> Pixels:
    """A picture in half-block characters, at most `columns` wide."""
    with image_in(path) as picture:
        width = min(MAX_DRAWN_COLUMNS, columns, picture.width)
        height = width * picture.height // picture.width
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    drawn: Pixels = Pixels.from_image(small)
    return drawn
