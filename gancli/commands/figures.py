"""`gan figures`."""

import re
from dataclasses import dataclass
from pathlib import Path

from gancli.checkpoint import read_header
from gancli.choices import FigureFormat
from gancli.errors import RunError, UsageError
from gancli.figures import figure_file, plot
from gancli.files import disk_errors, write_atomically
from gancli.folders import as_typed
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.report.charts import Chart, charts_of, panel_of
from gancli.report.console import say
from gancli.report.summary import summarise_run
from gancli.runs.find import ANY, find
from gancli.runs.folder import Run


@dataclass(frozen=True)
class FiguresRequest:
    """The arguments and options of `gan figures`."""

    run: str | None
    forms: str
    dpi: int
    out: Path | None
    force: bool

    def formats(self) -> list[FigureFormat]:
        """The formats that are asked for.

        Raises:
            UsageError: one is unknown.
        """
        words = [word.strip() for word in self.forms.split(",")]
        known = [form.value for form in FigureFormat]
        for word in words:
            if word not in known:
                raise UsageError(
                    f"--format {self.forms} must name {', '.join(known)}, with commas between them"
                )
        return [FigureFormat(word) for word in dict.fromkeys(words)]


def figures(request: FiguresRequest) -> None:
    """Write one plot per chart of the run's page, in each format.

    Raises:
        UsageError: a format is unknown.
        RunError: there is no such run, it has logged nothing yet, or a file is in the way.
    """
    forms = request.formats()
    found = find(request.run, ANY)
    if not isinstance(found, Run):
        raise UsageError(f"{found} is a checkpoint, which holds no curves: name its run")
    charts = charts_of(summarise_run(found, read_header(found.checkpoint())))
    if not charts:
        raise RunError(
            f"{found.folder} has logged nothing yet: train it on with "
            + command("resume", found.folder)
        )
    folder = request.out or found.folder / "figures"
    files = {(chart.title, form): folder / f"{_stem(chart)}.{form}" for chart in charts
             for form in forms}  # fmt: skip
    if request.out is not None and not request.force:
        for file in files.values():
            if file.exists():
                raise RunError(f"{file} exists: replace it with --force, or choose another --out")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        drawn = plot([panel_of(chart)])
        for form in forms:
            write_atomically(files[chart.title, form], figure_file(drawn, form, request.dpi))
    names = ", ".join(form.value for form in forms)
    say(f"wrote {counted(len(charts), 'figure')} ({names}) to {as_typed(folder)}")


def _stem(chart: Chart) -> str:
    return re.sub(r"\W+", "-", chart.title).strip("-").lower()
