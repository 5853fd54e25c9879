"""The parts of a film that an experiment's cells have: what they drew, and what they measured."""

from collections.abc import Collection, Sequence

from PIL import Image

from gancli.data import Mixture
from gancli.errors import RunError, UsageError
from gancli.evaluation.collapse import collapse_step
from gancli.experiment.drawings import label_of_group
from gancli.experiment.folder import Cell, Experiment
from gancli.experiment.spec import CellSpec, ExperimentSpec, group_name
from gancli.film.of_run import points_of, training_points
from gancli.film.strip import FilmStrip, Remark
from gancli.frames import Frame
from gancli.palette import BAD_NEWS, GOOD_NEWS, NO_NEWS
from gancli.pictures import grid, resized_sharply
from gancli.plurals import counted

CELLS_NAMED = 12
"""Names that an error lists."""


def chosen_cells(spec: ExperimentSpec, wanted: Collection[str]) -> list[CellSpec]:
    """The cells that these words name; of none, those of the first seed.

    Args:
        spec: the experiment's cells.
        wanted: names of cells, names without their seeds, or labels of any axis.

    Raises:
        UsageError: a word names no cell.
    """
    first = [group[0] for group in spec.groups()]
    if not wanted:
        return first
    names = {group_name(cell): cell for cell in first}
    for word in wanted:
        if not any(_is_named(cell, word) for cell in spec.cells):
            known = ", ".join(list(names)[:CELLS_NAMED])
            raise UsageError(f"--only {word} names no cell: choose among {known}")
    exactly = [cell for cell in spec.cells if cell.name in wanted]
    return exactly + [c for c in first if c not in exactly and any(_is_named(c, w) for w in wanted)]


def _is_named(cell: CellSpec, word: str) -> bool:
    return word in (cell.name, group_name(cell), *cell.labels.values())


def strips_of_cells(experiment: Experiment, cells: Sequence[CellSpec]) -> list[FilmStrip]:
    """Those of the cells that have pictures.

    Raises:
        RunError: none has.
    """
    seeds = {cell.settings.seed for cell in cells}
    found = []
    for cell in cells:
        seed = f", seed {cell.settings.seed}" if len(seeds) > 1 else ""
        strip = strip_of_cell(experiment.cell(cell.name), cell, f"{label_of_group([cell])}{seed}")
        if strip is not None:
            found.append(strip)
    if not found:
        raise RunError(
            f"{experiment.folder} holds no pictures of these cells yet: go on with the experiment, "
            "or choose others with --only"
        )
    return found


def strip_of_cell(cell: Cell, spec: CellSpec, name: str) -> FilmStrip | None:
    """A cell's pictures, from what they are drawn from; None: there are none yet."""
    frames = {step: Frame.read(cell.frame_file(step)) for step in cell.framed_steps()}
    known = {step: frame for step, frame in frames.items() if frame is not None}
    if not known:
        return None
    data = spec.preset.data
    mixture = data if isinstance(data, Mixture) else None
    reals = training_points(mixture, spec.settings.seed) if mixture else None

    def draw(step: int, box: tuple[int, int] | None) -> Image.Image:
        frame = known[step]
        if mixture is not None and reals is not None:
            return points_of(frame, mixture, reals, box)
        picture = grid(frame.samples).convert("RGB")
        return picture if box is None else resized_sharply(picture, box)

    return FilmStrip(
        name=name,
        steps=list(known),
        last_step=max(spec.steps, *known),
        picture=draw,
        size=draw(max(known), None).size,
        news=_counts(cell, spec),
        end=_end(cell),
        of_points=mixture is not None,
    )


def _counts(cell: Cell, spec: CellSpec) -> list[Remark]:
    """The modes that each measurement has found; red once they are lost for good."""
    data = spec.preset.data
    modes = data.modes if isinstance(data, Mixture) else data.shape.classes
    rows = [row for row in cell.rows() if row.get("held") is not None]
    lost = collapse_step(rows, modes)
    found = [Remark(0, "")]
    for row in rows:
        held, step = round(row["held"]), int(row["step"])
        is_lost = isinstance(lost, int) and step >= lost
        usual = GOOD_NEWS if held > modes / 2 else NO_NEWS
        said = f"{'collapsed: ' if is_lost else ''}{held:,} of {counted(modes, 'mode')} held"
        found.append(Remark(step, said, BAD_NEWS if is_lost else usual))
    return found


def _end(cell: Cell) -> str:
    """What became of a cell that did not come to its end; empty: it did, or it may yet."""
    outcome = cell.outcome()
    if outcome is None or not outcome.reason:
        return ""
    if outcome.diverged_step is not None:
        return f"diverged at step {outcome.diverged_step:,}"
    return "failed"
