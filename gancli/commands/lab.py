"""`gan lab`."""

from dataclasses import dataclass
from pathlib import Path

from gancli.files import disk_errors, write_atomically
from gancli.folders import as_typed
from gancli.html import page_bytes
from gancli.lab.choices import lab_tables, mixtures, refuse_unknown_model
from gancli.lab.page import LabChoice, lab_page
from gancli.lab.point_file import read_points
from gancli.output_places import refuse_to_replace
from gancli.report.console import say


@dataclass(frozen=True)
class LabRequest:
    """The arguments and options of `gan lab`."""

    dataset: str
    model: str | None
    against: str | None
    out: Path
    force: bool


def lab(request: LabRequest) -> None:
    """Write the page, and say where it is.

    Raises:
        UsageError: a data set or model is unknown.
        DataError: a file of points cannot be read.
        RunError: a file is in the way.
    """
    for model in (request.model, request.against):
        refuse_unknown_model(model)
    refuse_to_replace(request.out, force=request.force)
    own = None if request.dataset in mixtures() else read_points(request.dataset)
    choice = LabChoice(own.name if own else request.dataset, request.model, request.against)
    page = lab_page(lab_tables(own), choice)
    with disk_errors(request.out):
        request.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(request.out, page_bytes(page))
    say(f"wrote {as_typed(request.out)}: open it in a browser; it needs nothing else")
