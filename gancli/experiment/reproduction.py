"""An experiment's file and its results side by side: published values, ours, and claims."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from gancli.errors import UsageError
from gancli.experiment.axes import Change, cell_name
from gancli.experiment.claims import ClaimRow, NotMeasuredError, holds
from gancli.experiment.file import ExperimentFile, PictureTable, change_of
from gancli.experiment.frames import spread_steps
from gancli.experiment.grid import GridPlan, GridPoint
from gancli.experiment.measures import measures_named
from gancli.experiment.over_seeds import interval_of_share
from gancli.experiment.results import OTHER_WEIGHTS, CellResult, Column, Results
from gancli.experiment.spec import ExperimentSpec, MeasureSpec, group_name
from gancli.experiment.tables import DASH, number
from gancli.plurals import counted
from gancli.scores import score_named

PUBLISHED_HEADINGS = ("cell", "measure", "published", "ours", "difference", "verdict")
ValueVerdict = Literal["as published", "another value", "not run", "other weights", ""]
"""Empty: the source says no tolerance, so that nothing is decided."""


class PublishedValue(NamedTuple):
    """One published value, and ours."""

    group: str
    """the cell's label"""
    measure: str
    published: float
    ours: Sequence[float]
    """one per seed; none: not run"""
    verdict: ValueVerdict

    @property
    def difference(self) -> float | None:
        """Ours, as the mean over seeds, less the published one."""
        if not self.ours or self.verdict == OTHER_WEIGHTS:
            return None
        return sum(self.ours) / len(self.ours) - self.published


class ClaimResult(NamedTuple):
    """A claim, and of how many seeds it holds."""

    says: str
    holds: int
    of: int
    """seeds of which it could be checked"""
    unchecked: int = 0
    """seeds of which it could not"""
    wants: str = ""
    """what is missing of the first of them"""

    def verdict(self) -> str:
        """In words: "holds for 2 of 3 seeds (9 to 99 %)", and what is missing."""
        if not self.of:
            return f"not checked: wants {self.wants}"
        low, high = interval_of_share(self.holds, self.of)
        sure = "" if self.of == 1 else f" ({100 * low:.0f} to {100 * high:.0f} %)"
        said = f"holds for {self.holds} of {counted(self.of, 'seed')}{sure}"
        if not self.unchecked:
            return said
        # Cells that diverged have no measures: without them, a claim might only seem to hold.
        return f"{said}; not checked of {self.unchecked:,} more: wants {self.wants}"


def measures_of(file: ExperimentFile, *, lite: bool = False) -> list[MeasureSpec]:
    """The measures of a file, each under the name that the program has for it.

    Raises:
        UsageError: there is none of a name.
    """
    found = []
    for spec in file.measure_list(lite=lite):
        (known,) = measures_named(spec.kind)
        found.append(spec.model_copy(update={"kind": known.kind}))
    return found


def plan_of(
    file: ExperimentFile,
    *,
    lite: bool = False,
    last: Sequence[Change] = (),
    device: Literal["cpu", "cuda", "mps"] = "cpu",
) -> GridPlan:
    """The cells of a file.

    Args:
        file: the experiment's.
        lite: whether its shorter form is meant.
        last: laid over everything else.
        device: where cells compute.

    Raises:
        UsageError: an axis or a cell of the file does not make sense, or it has no shorter form.
    """
    if lite and not file.lite:
        raise UsageError(f"{file.title} has no shorter form: leave --lite out")
    shorter = file.lite if lite else None
    return GridPlan(
        title=file.title + (" (lite)" if lite else ""),
        base=change_of([file.base]),
        axes=file.grid_axes(),
        seeds=file.seed_list(lite=lite),
        measures=measures_of(file, lite=lite),
        points=file.points(),
        only={axis: set(labels) for axis, labels in shorter.only.items()} if shorter else {},
        last=[*([change_of([shorter.layer])] if shorter else []), *last],
        frames=_frames_of(file.pictures),
        device=device,
    )


def _frames_of(pictures: Sequence[PictureTable]) -> Callable[[Mapping[str, str], int], list[int]]:
    """The steps of which a cell's pictures are wanted."""

    def frames(labels: Mapping[str, str], steps: int) -> list[int]:
        found = {steps}
        for picture in pictures:
            wanted = picture.steps_of(labels)
            if picture.kind == "samples" and not wanted:
                wanted = spread_steps(steps)
            found |= {step for step in wanted if step <= steps}
        return sorted(found)

    return frames


def published_values(
    file: ExperimentFile, spec: ExperimentSpec, results: Results
) -> list[PublishedValue]:
    """Every published value, in the order of the cells, with ours."""
    groups = {group.name: group for group in results.groups}
    foreign = {(cell.group, measure) for cell in results.cells for measure in cell.foreign}
    found = []
    for point in _points(file, spec):
        name = point.name or cell_name(point.labels)
        group = groups.get(name)
        for measure, value in _published(file, spec, point).items():
            over = group.measures.get(measure) if group else None
            ours = list(over.values) if over else []
            verdict = _verdict(value, ours, file.tolerance.get(measure))
            if (name, measure) in foreign:
                verdict = OTHER_WEIGHTS
            label = group.label if group else name
            found.append(PublishedValue(label, measure, value, ours, verdict))
    return found


def published_row(found: PublishedValue, columns: Mapping[str, Column]) -> list[str]:
    """A published value and ours as text, a cell for each of `PUBLISHED_HEADINGS`."""
    column = columns.get(found.measure) or Column(
        name=found.measure, label=score_named(found.measure).label
    )
    ours = ", ".join(number(value, column) for value in found.ours) or DASH
    difference = DASH if found.difference is None else f"{found.difference:+.3g}"
    published = number(found.published, column)
    return [found.group, column.label, published, ours, difference, found.verdict or DASH]


def _points(file: ExperimentFile, spec: ExperimentSpec) -> list[GridPoint]:
    """The points of a file's cells, as far as the experiment has them."""
    names = {group_name(cell) for cell in spec.cells}
    every = plan_of(file).all_points()
    return [point for point in every if (point.name or cell_name(point.labels)) in names]


def _published(file: ExperimentFile, spec: ExperimentSpec, point: GridPoint) -> dict[str, float]:
    if file.published != "presets":
        return file.published_of(point)
    name = point.name or cell_name(point.labels)
    preset = next(cell.preset for cell in spec.cells if group_name(cell) == name)
    said = preset.expected.model_dump() if preset.expected else {}
    return {key: value for key, value in said.items() if isinstance(value, float)}


def _verdict(
    published: float, ours: Sequence[float], tolerance: float | str | None
) -> ValueVerdict:
    if not ours:
        return "not run"
    if tolerance is None:
        return ""
    if isinstance(tolerance, str):
        limit = float(tolerance.rstrip("%")) / 100 * abs(published)
    else:
        limit = tolerance
    near = abs(sum(ours) / len(ours) - published) <= limit
    return "as published" if near else "another value"


def checked_claims(file: ExperimentFile, results: Results) -> list[ClaimResult]:
    """Each claim of a file, checked of each seed whose cells are done."""
    found = []
    for claim in file.claims:
        true = checked = 0
        wants = ""
        for seed in results.seeds:
            rows = [_row(cell) for cell in results.cells if cell.seed == seed]
            try:
                true += holds(claim.test, rows)
                checked += 1
            except NotMeasuredError as error:
                wants = wants or str(error)
        unchecked = len(results.seeds) - checked
        found.append(ClaimResult(claim.says, true, checked, unchecked, wants))
    return found


def _row(cell: CellResult) -> ClaimRow:
    own = {name: value for name, value in cell.values.items() if name not in cell.foreign}
    return ClaimRow(cell.group, cell.labels, own, cell.is_outside)


def protocol_of(file: ExperimentFile, *, lite: bool) -> dict[str, str]:
    """How the source measured, and how that differs from here, under a heading each."""
    said = {"source": file.source, "the source's protocol": file.protocol}
    differs = [*file.differs, *(["a shorter form of the source's experiment"] if lite else [])]
    said["known differences"] = "; ".join(differs)
    return {name: text for name, text in said.items() if text}
