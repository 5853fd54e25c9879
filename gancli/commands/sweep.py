"""`gan sweep`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gancli.catalog.fit_to_images import UserImages
from gancli.environment import Place
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.axes import typed_axes
from gancli.experiment.folder import Experiment
from gancli.experiment.frames import spread_steps
from gancli.experiment.grid import GridPlan, GridPoint, base_change, experiment_of
from gancli.experiment.measures import (
    MeasureBook,
    default_measures,
    measures_named,
)
from gancli.experiment.results import Results
from gancli.experiment.search import (
    Search,
    has_range,
    judging_column,
    require_optuna,
    typed_ranges,
)
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.tables import values_line
from gancli.experiment.view import view_of_axes
from gancli.report.console import say
from gancli.run_experiment import (
    ExperimentOptions,
    book_of,
    device_of_cells,
    judged,
    plan_experiment,
    refuse_failed,
    run_experiment,
)
from gancli.runs.names import runs_root
from gancli.user_images import ImageChoices, choose

FOLDER_HASH_SHOWN = 6
"""Characters of the hash in the name of a sweep's folder."""


@dataclass(frozen=True)
class SweepRequest:
    """The arguments and options of `gan sweep`."""

    model: str | None
    dataset: str | None
    variant: str | None
    over: tuple[str, ...]
    seeds: int
    steps: int | None
    score: str | None
    score_every: int | None
    search: int | None
    overrides: tuple[str, ...]
    jobs: int | None
    on: str | None
    place: Place
    out: Path | None
    dpi: int
    weights: ExtractorWeights
    compiled: bool = False
    plan_only: bool = False

    def changes(self) -> list[str]:
        """All overrides, `--steps` among them."""
        return [*self.overrides, *([f"schedule.steps={self.steps}"] if self.steps else [])]

    def plan(self) -> GridPlan:
        """The grid that the options describe.

        Raises:
            UsageError: an axis cannot be read, or is set for all cells as well.
        """
        self._check_axes()
        return GridPlan(
            points=[] if self.search is None else [GridPoint({})],
            title=", ".join(filter(None, [self.model, self.dataset])) or "Sweep",
            base=base_change(self.model, self.dataset, self.variant, self.changes()),
            axes=typed_axes(self.over) if self.search is None else [],
            seeds=range(self.seeds),
            measures=measures_named(self.score, self.score_every) if self.score else (),
            frames=lambda labels, steps: spread_steps(steps),
            device=device_of_cells(self.place, self.on).value,
            compiled=self.compiled,
        )

    def _check_axes(self) -> None:
        """Refuse a field that cannot be an axis of this sweep."""
        if not self.over:
            raise UsageError("a sweep needs an axis: add --over FIELD=A,B, e.g. --over model=A,B")
        fields = {text.partition("=")[0].strip() for text in self.over}
        both = next((t for t in self.changes() if t.partition("=")[0].strip() in fields), None)
        if {"seed", "seeds"} & fields:
            raise UsageError(
                "seeds cannot be an axis, as cells are compared over them: type --seeds N for 0 "
                "to N - 1"
            )
        ranged = next(filter(has_range, self.over), None)
        if self.search is None and ranged is not None:
            raise UsageError(
                f"--over {ranged} is a range: add --search N, the number of combinations to try, "
                "or name its values with commas"
            )
        if both is not None:
            raise UsageError(
                f"{both.partition('=')[0]} is set for all cells and swept over: choose one"
            )

    def open_data(self, dataset: str, model: str) -> str | UserImages:
        """A named set, or images of the user's own."""
        return choose(dataset, ImageChoices(), self.place.data_dir, model, say) or dataset


def sweep(request: SweepRequest) -> None:
    """Run what is missing of a grid, and report.

    Raises:
        UsageError: anything unknown.
        RunError: the folder holds cells of these names and other settings.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        PartlyFailedError: a cell failed; the others are done.
    """
    if request.search is not None:
        if request.plan_only:
            raise UsageError(
                "--plan estimates cells that are known before, and --search chooses them: leave "
                "one out"
            )
        require_optuna()
        typed_ranges(request.over)
    plan = request.plan()
    spec = experiment_of(plan, request.open_data)
    if not request.score:
        data = spec.cells[0].preset.data
        measures = [
            each.model_copy(update={"every": request.score_every})
            for each in default_measures(data)
        ]
        plan = replace(plan, measures=measures)
        spec = experiment_of(plan, request.open_data)
    options = ExperimentOptions.typed(
        request.place, request.jobs, request.on, request.dpi, request.weights
    )
    # By the cells as they are typed: a plan does not know the judges.
    experiment = Experiment(request.out or _folder(spec, request.over))
    if request.plan_only:
        plan_experiment(experiment, spec, options)
        return
    book, spec = book_of(options.places, spec)
    if request.search is None:
        results = run_experiment(experiment, spec, book, options, view_of_axes)
    else:
        results = _search(request, plan, experiment, book, options)
    refuse_failed(results)


def _search(
    request: SweepRequest,
    plan: GridPlan,
    experiment: Experiment,
    book: MeasureBook,
    options: ExperimentOptions,
) -> Results:
    """Run proposals, round by round, to their number."""
    search = Search(experiment.folder, typed_ranges(request.over), request.search or 1)

    def cells(results: Results | None) -> ExperimentSpec | None:
        points = search.points(results)
        if points is None:
            return None
        return judged(book, experiment_of(replace(plan, points=points), request.open_data))

    results = run_experiment(experiment, cells, book, options, view_of_axes)
    best = results.ranking()[0]
    column = judging_column(results.columns)
    if column is not None and column.name in best.measures:
        found = values_line(best.measures[column.name], column)
        where = ", ".join(f"{name} = {label}" for name, label in best.labels.items())
        say(f"best: {best.name} ({where}), {column.label} {found}")
    return results


def _folder(spec: ExperimentSpec, over: Sequence[str]) -> Path:
    """A folder of its own for each sweep, which typed again is the same."""
    words: list[str] = []
    for name in ("name", "dataset"):
        known = {getattr(cell.preset, name) for cell in spec.cells}
        words += known if len(known) == 1 else []
    # Without seeds: more of them belong to the same sweep. Without the digit classifier, which
    # --plan does not open.
    first = [
        cell.model_copy(update={"judges": {}}).digest()
        for cell in spec.cells
        if cell.settings.seed == spec.seeds[0]
    ]
    digest = hashlib.sha256("".join([*sorted(first), *sorted(over)]).encode()).hexdigest()[
        :FOLDER_HASH_SHOWN
    ]
    return runs_root() / "-".join(["sweep", *words, digest])
