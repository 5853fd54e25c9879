"""A search instead of a grid: Optuna proposes each next cell by how the ones before it went.

Proposals are kept in the experiment's folder. They are made in rounds of a fixed size, each with a
random source of its own number, so that an interrupted search proposes the same as a whole one,
whatever the number of cells at a time.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gancli.errors import UsageError
from gancli.experiment.axes import Change, parts_between_commas, values_of
from gancli.experiment.grid import GridPoint
from gancli.experiment.results import Column, GroupResult, Results
from gancli.outside import json_from
from gancli.preset import PresetLayer

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

TRIALS_PER_ROUND = 4
"""Proposals that are made at once, before any of them has a result."""
LOG_RATIO = 10
"""A positive range whose ends differ by this factor is searched on a logarithmic scale."""
FILE, STUDY = "search.log", "search"
DOTS = ".."


@dataclass(frozen=True)
class SearchRange:
    """A field, and the values among which to search."""

    field: str
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False
    choices: Sequence[object] = ()
    """none: it is a range"""

    def distribution(self) -> "BaseDistribution":
        """As Optuna has it."""
        distributions = _optuna().distributions
        found: BaseDistribution
        if self.choices:
            found = distributions.CategoricalDistribution([json.dumps(v) for v in self.choices])
        elif self.is_whole:
            found = distributions.IntDistribution(int(self.low), int(self.high), log=self._is_log)
        else:
            found = distributions.FloatDistribution(self.low, self.high, log=self._is_log)
        return found

    @property
    def _is_log(self) -> bool:
        return self.low > 0 and self.high / self.low >= LOG_RATIO


def typed_ranges(texts: Sequence[str]) -> list[SearchRange]:
    """The ranges of `--over FIELD=LOW..HIGH` and `--over FIELD=a,b,c`.

    Raises:
        UsageError: one cannot be read, or its ends are not numbers in order.
    """
    return [_read_range(text) for text in texts]


def has_range(text: str) -> bool:
    """Whether an `--over` has a range."""
    _, _, said = text.partition("=")
    # A path of the folder above has two dots, too.
    is_one = len(parts_between_commas(said)) == 1
    return is_one and DOTS in said and not {'"', "/"} & set(said)


def _read_range(text: str) -> SearchRange:
    path, equals, said = (part.strip() for part in text.partition("="))
    if not equals or not path or not said:
        raise UsageError(
            f"--over {text} is not of the form FIELD=LOW..HIGH or FIELD=a,b,c, e.g. --over "
            "optimizer.lr=1e-5..1e-2"
        )
    if not has_range(text):
        return SearchRange(path, choices=values_of(said))
    ends = [values_of(part.strip()) for part in said.split(DOTS)]
    flat = [end[0] for end in ends if len(end) == 1]
    numbers = [end for end in flat if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not numbers[0] < numbers[1]:
        raise UsageError(f"--over {text} has no range: write LOW..HIGH, two numbers in order")
    is_whole = all(isinstance(number, int) for number in numbers)
    return SearchRange(path, float(numbers[0]), float(numbers[1]), is_whole)


def require_optuna() -> None:
    """Refuse a search where Optuna is not installed.

    Raises:
        UsageError: it is not.
    """
    _optuna()


def _optuna() -> ModuleType:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            "--search needs Optuna, which is not installed: pip install 'gancli[search]'"
        ) from error
    optuna.logging.set_verbosity(logging.ERROR)
    module: ModuleType = optuna
    return module


class Search:
    """The proposals of one experiment, and what came of them."""

    def __init__(self, folder: Path, ranges: Sequence[SearchRange], trials: int) -> None:
        self.folder, self.ranges, self.trials = folder, ranges, trials

    def points(self, results: Results | None) -> list[GridPoint] | None:
        """All proposals so far, to the end of a round; None: the search is over.

        Args:
            results: of the proposals so far; None: nothing was run in this call.
        """
        study = self._study()
        if results is not None:
            self._tell(study, results)
        before = study.get_trials(deepcopy=False)
        is_waiting = any(not trial.state.is_finished() for trial in before)
        if results is not None and not is_waiting and len(before) >= self.trials:
            return None
        # The next round is proposed by the results of this one, which a stop may have cut off.
        if not is_waiting or len(before) % TRIALS_PER_ROUND:
            self._ask(study)
        return self._points(study)

    def _study(self) -> "Study":
        optuna = _optuna()
        self.folder.mkdir(parents=True, exist_ok=True)
        backend = optuna.storages.journal.JournalFileBackend(str(self.folder / FILE))
        storage = optuna.storages.JournalStorage(backend)
        # Whatever it is called, a file has one search: its folder may have been renamed since.
        names = optuna.get_all_study_names(storage)
        study: Study = (
            optuna.load_study(study_name=names[0], storage=storage)
            if names
            else optuna.create_study(study_name=STUDY, storage=storage, direction="maximize")
        )
        return study

    def _ask(self, study: "Study") -> None:
        """Fill the round: one that was interrupted has some of its proposals already."""
        optuna, asked = _optuna(), len(study.get_trials(deepcopy=False))
        begun = asked - asked % TRIALS_PER_ROUND
        end = min(begun + TRIALS_PER_ROUND, self.trials)
        for number in range(asked, end):
            study.sampler = optuna.samplers.TPESampler(seed=number, constant_liar=True)
            study.ask({each.field: each.distribution() for each in self.ranges})

    def _tell(self, study: "Study", results: Results) -> None:
        groups = {group.name: group for group in results.groups}
        column = judging_column(results.columns)
        for trial in study.get_trials(deepcopy=False):
            group = groups.get(trial_name(trial.number))
            if trial.state.is_finished() or group is None:
                continue
            value = _value(group, column)
            if value is None:
                study.tell(trial.number, state=_optuna().trial.TrialState.PRUNED)
            else:
                study.tell(trial.number, value)

    def _points(self, study: "Study") -> list[GridPoint]:
        return [_point(trial.number, trial.params) for trial in study.get_trials(deepcopy=False)]


def trial_name(number: int) -> str:
    """The name of a proposal's cells, without their seeds."""
    return f"trial-{number:03d}"


def judging_column(columns: Sequence[Column]) -> Column | None:
    """The column by which a search tells better from worse: the first that ranks."""
    return next((column for column in columns if column.better is not None), None)


def _value(group: GroupResult, column: Column | None) -> float | None:
    """What a group is worth; None: it diverged, or collapsed."""
    if (
        column is None
        or group.failed
        or any(isinstance(step, int) for step in group.collapse_steps)
    ):
        return None
    found = group.measures.get(column.name)
    if found is None:
        return None
    return found.mean if column.better == "higher" else -found.mean


def _point(number: int, params: Mapping[str, Any]) -> GridPoint:
    overrides = [
        f"{field}={value if isinstance(value, str) else json.dumps(value)}"
        for field, value in params.items()
    ]
    labels = {
        field.rpartition(".")[2]: json_from(v, "a proposal") if isinstance(v, str) else f"{v:.4g}"
        for field, v in params.items()
    }
    change = Change(layer=PresetLayer(overrides=overrides))
    shown = {name: str(label) for name, label in labels.items()}
    return GridPoint(shown, [change], trial_name(number))
