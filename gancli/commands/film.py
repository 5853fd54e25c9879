"""`gan film`."""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gancli.animation import require_writer
from gancli.catalog import example_of
from gancli.choices import FilmFormat
from gancli.errors import RunError, UsageError
from gancli.experiment.films import chosen_cells, strips_of_cells
from gancli.experiment.folder import Experiment
from gancli.files import disk_errors, flush_file
from gancli.film.encode import write_film
from gancli.film.film import Film, FilmTiming
from gancli.film.of_run import strip_of_run
from gancli.film.strip import FilmStrip
from gancli.folders import as_typed, expanded
from gancli.output_places import refuse_to_replace, scratch_beside
from gancli.plurals import counted, in_bytes
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.runs.find import RunFilter, find
from gancli.runs.folder import Run
from gancli.runs.names import runs_root

NAMED_BOXES = {"phone": (720, 1280), "slide": (1280, 720)}
"""Width and height in pixels of what a word means."""
LEAST_FILM_SIDE, MOST_FILM_SIDE = 100, 4096
"""Pixels of a film's side."""
MOST_TOGETHER = 9
"""Runs of one film; more would be too small to see."""
FEW_FRAMES = 12
"""Pictures of a run; a film of fewer is jerky."""
FILMED = RunFilter(lambda run: bool(run.previews()), "run with previews", example_of)
_SIZE = re.compile(r"(\d+)(?:x(\d+))?")
_SPAN = re.compile(r"(\d*)-(\d*)")


@dataclass(frozen=True)
class FilmRequest:
    """The arguments and options of `gan film`."""

    runs: tuple[str, ...]
    to: FilmFormat | None
    size: str
    seconds: float
    per_second: int
    steps: str | None
    only: str | None
    loop: bool
    out: Path | None
    force: bool

    def form(self) -> FilmFormat:
        """The format: as typed, else as --out ends, else GIF.

        Raises:
            UsageError: the two disagree, or --out ends otherwise.
        """
        if self.out is None:
            return self.to or FilmFormat.GIF
        known = {f".{form.value}": form for form in FilmFormat}
        by_name = known.get(self.out.suffix.lower())
        if by_name is None or self.to not in (None, by_name):
            wanted = f".{self.to.value}" if self.to else ", ".join(known)
            raise UsageError(f"--out {self.out} must end in {wanted}")
        return by_name

    def box(self) -> tuple[int, int]:
        """Width and height in pixels that the film fits into.

        Raises:
            UsageError: --size is neither of them nor a word, or out of bounds.
        """
        if self.size in NAMED_BOXES:
            return NAMED_BOXES[self.size]
        found = _SIZE.fullmatch(self.size)
        if found is None:
            raise UsageError(
                f"--size {self.size} is not a number of pixels: type e.g. 720 for the longer side, "
                f"1280x720 for width and height, or {' or '.join(NAMED_BOXES)}"
            )
        width = int(found[1][:9])
        sides = (width, int(found[2][:9]) if found[2] else width)
        if not all(LEAST_FILM_SIDE <= side <= MOST_FILM_SIDE for side in sides):
            raise UsageError(
                f"--size {self.size} is out of bounds: each side from {LEAST_FILM_SIDE} to "
                f"{MOST_FILM_SIDE:,} pixels"
            )
        return sides

    def span(self) -> tuple[int, float]:
        """The first and the last step that are shown.

        Raises:
            UsageError: --steps names none.
        """
        if self.steps is None:
            return 0, float("inf")
        found = _SPAN.fullmatch(self.steps)
        low, high = (found[1], found[2]) if found else ("", "")
        span = (int(low[:18] or 0), float(high or "inf"))
        if not (low or high) or span[0] > span[1]:
            raise UsageError(
                f"--steps {self.steps} is not a range of steps: type e.g. 100-500, or 100- for all "
                "from 100 on"
            )
        return span


def film(request: FilmRequest) -> None:
    """Write a film of runs, or of an experiment's cells, side by side.

    Raises:
        UsageError: a format's package is not installed, or an option cannot be understood.
        RunError: there is no such run, it has no previews, or a file is in the way.
        DiskError: the file cannot be written.
    """
    form, box, span = request.form(), request.box(), request.span()
    require_writer(form)
    timing = FilmTiming(request.seconds, request.per_second)
    parts = [_part(request, word) for word in request.runs or (None,)]
    strips = _told_apart([strip for part in parts for strip in part.strips])
    strips = _at_most([_within(strip, span) for strip in strips])
    own = parts[0].folder if len(parts) == 1 else None
    file = (request.out or (own or Path()) / f"film.{form.value}").absolute()
    # Next to what it is of, it is a picture like the others there, and as easily made again.
    is_own = request.out is None and own is not None
    refuse_to_replace(file, force=request.force or is_own)
    for remark in filter(None, (part.remark for part in parts)):
        say(remark)
    made = Film(strips, timing, box)
    _write(made, form, file, loop=request.loop)
    width, height = made.size
    runs = counted(len(strips), "run")
    say(
        f"wrote {as_typed(file)}: {counted(len(made.steps), 'frame')} of {runs}, {width} x "
        f"{height} pixels, {request.seconds:g} s, {in_bytes(file.stat().st_size)}"
    )


@dataclass(frozen=True)
class _Part:
    """What one word of the command line names."""

    folder: Path
    strips: Sequence[FilmStrip]
    remark: str = ""


def _part(request: FilmRequest, word: str | None) -> _Part:
    experiment = None if word is None else _experiment(word)
    if experiment is not None:
        spec = experiment.stored()
        wanted = [] if request.only is None else [w.strip() for w in request.only.split(",")]
        cells = chosen_cells(spec, wanted) if spec else []
        return _Part(experiment.folder, strips_of_cells(experiment, cells))
    if request.only is not None:
        raise UsageError(
            "--only chooses cells of a sweep or study, and a run has none: leave it out, or name "
            "the folder of a study"
        )
    run = find(word, FILMED)
    if not isinstance(run, Run):
        raise UsageError(
            f"{word} is a checkpoint, which has no previews: name a run's folder, or train one, "
            f"e.g. with {example_of()}"
        )
    strip = strip_of_run(run)
    return _Part(run.folder, [strip], _remark_on(strip, run))


def _remark_on(strip: FilmStrip, run: Run) -> str:
    """A remark on a finished run with few previews; empty: there are enough."""
    count, end = len(strip.steps), strip.last_step
    if count > min(FEW_FRAMES, end) or strip.steps[-1] < end:
        return ""
    every = max(1, end // (2 * FEW_FRAMES))
    return (
        f"{run.folder} has only {counted(count, 'preview')}: for a smoother film, train it again "
        f"with more, e.g. --set schedule.preview_every={every}"
    )


def _experiment(word: str) -> Experiment | None:
    """The experiment that a word names, by its path or below the root of runs."""
    typed = expanded(word)
    for folder in (Path(typed), runs_root() / typed):
        # Words that cannot be paths are looked at by whoever finds runs.
        with suppress(OSError):
            experiment = Experiment(folder)
            if any(file.is_file() for file in experiment.spec_files):
                return experiment
    return None


def _told_apart(strips: Sequence[FilmStrip]) -> list[FilmStrip]:
    """Names that several share get what tells them apart."""
    shared = Counter(strip.name for strip in strips)
    return [
        replace(strip, name=f"{strip.name}, {strip.folder}") if shared[strip.name] > 1 else strip
        for strip in strips
    ]


def _within(strip: FilmStrip, span: tuple[int, float]) -> FilmStrip:
    """The strip with the pictures of these steps alone.

    Raises:
        RunError: it has none of them.
    """
    low, high = span
    steps = [step for step in strip.steps if low <= step <= high]
    if not steps:
        raise RunError(
            f"{strip.name} has no pictures of these steps: choose --steps from {strip.steps[0]} to "
            f"{strip.steps[-1]}"
        )
    return replace(strip, steps=steps)


def _at_most(strips: list[FilmStrip]) -> list[FilmStrip]:
    if len(strips) > MOST_TOGETHER:
        say(
            f"of {len(strips)} runs the first {MOST_TOGETHER} are shown: choose others with --only "
            "NAME,..., by their labels or names"
        )
    return strips[:MOST_TOGETHER]


def _write(made: Film, form: FilmFormat, file: Path, *, loop: bool) -> None:
    with (
        disk_errors(file),
        scratch_beside(file) as scratch,
        counting(console(), len(made.steps), "frames") as done,
    ):
        new = scratch / file.name
        write_film(made, form, new, done, loop=loop)
        flush_file(new)
        new.replace(file)
