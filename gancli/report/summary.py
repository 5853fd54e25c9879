"""What there is to say of a run, read from its folder: the report and `gan status` show it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from gancli.checkpoint import Header
from gancli.errors import RunError
from gancli.evaluation.leaderboard import (
    Entry,
    comparable_groups,
    score_that_ranks,
    standing_entries,
)
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.results import read_evaluations, training_evaluations
from gancli.health.measures import is_look
from gancli.health.verdict import StandingVerdict, verdicts_in
from gancli.report.evaluation import shown_name
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.standing import known_step
from gancli.scores import is_headline
from gancli.step import RATE
from gancli.turn_gauge import GAUGES, HEALTH, gradient_ratio, is_gauge

LOSS = "loss_"
LARGEST_SHOWN = 1e100
"""Larger numbers are not this program's; quotients and sums of smaller ones are finite."""
LONGEST_SHOWN_SECONDS = 1e11
"""Some three thousand years; what takes longer is said to take as long."""


class Point(NamedTuple):
    """A value at a step."""

    step: int
    value: float


Series = dict[str, list[Point]]


@dataclass(frozen=True)
class Summary:
    """One run, as of its last line."""

    run: Run
    header: Header
    """of its last checkpoint"""
    metrics: list[LogRow]
    timing: list[LogRow]
    previews: dict[int, Path]
    trained: list[Evaluation]
    """the evaluations made in training"""
    asked: list[Evaluation]
    """those of `gan evaluate`"""

    @property
    def step(self) -> int:
        """The last step anything is known of."""
        return known_step(self.header.step, self.metrics)

    @property
    def state(self) -> str:
        """How far the run has come, in words."""
        schedule = self.header.preset.schedule
        if self.header.step >= schedule.steps:
            return f"complete: {schedule.length}"
        return f"step {self.step:,} of {schedule.steps:,}{schedule.epochs_in_brackets}"

    @cached_property
    def losses(self) -> Series:
        """Each player's whole loss, by player: mean values since the line before."""
        return {n: points for n, points in self._logged.items() if n.count("_") == 1}

    @cached_property
    def terms(self) -> Series:
        """The summands of the losses that have several."""
        return {n: points for n, points in self._logged.items() if n.count("_") > 1}

    @cached_property
    def scores(self) -> Series:
        """What is neither a loss nor a learning rate, e.g. the modes held."""
        return _series(
            self.metrics,
            lambda name: not (name.startswith((LOSS, RATE)) or is_gauge(name) or is_look(name)),
        )

    @cached_property
    def gauges(self) -> dict[str, Series]:
        """Gradients, moves of weights and the like: a series per turn, under the measure's name."""
        found: dict[str, Series] = {}
        for name, points in _series(self.metrics, is_gauge).items():
            turn, _, measured = name.partition(f".{HEALTH}.")
            kind = next((each for each in GAUGES if measured.endswith(each)), measured)
            player = measured.removesuffix(kind).strip("_")
            whose = player if player == turn or not player else f"{turn} turn, {player}"
            found.setdefault(kind, {})[whose or turn] = points
        return found

    @cached_property
    def gradient_ratios(self) -> list[Point]:
        """The generator's gradient norm over the discriminator's, where both are logged."""
        found: list[Point] = []
        for row in self.metrics:
            norms = {name: value for name, value in row.items() if _is_number(value)}
            ratio = gradient_ratio(norms)
            if ratio is not None and _is_number(ratio):
                found.append(Point(row["step"], ratio))
        return found

    @cached_property
    def rates(self) -> Series:
        """The learning rates that fall as training goes on, by optimiser."""
        return _series(self.metrics, lambda name: name.startswith(RATE))

    @cached_property
    def judged(self) -> Series:
        """The scores found in training, by the protocols of the last of them."""
        found: Series = {}
        last = self.trained[-1].step if self.trained else None
        groups = comparable_groups(self.trained)
        current = [group for group in groups if any(each.step == last for each in group)]
        for each in (each for group in current for each in group):
            for name, value in each.scores.items():
                if is_headline(name):
                    shown = shown_name(name, each, ())
                    found.setdefault(shown, []).append(Point(each.step or 0, value))
        return {name: sorted(points) for name, points in found.items()}

    @cached_property
    def verdicts(self) -> list[StandingVerdict]:
        """How the run was doing, in order: each until the next."""
        return list(verdicts_in(self.metrics))

    @cached_property
    def looks(self) -> Series:
        """Measures of samples, by their names in the log."""
        return _series(self.metrics, is_look)

    def standing(self) -> list[list[Entry]]:
        """The best and the last evaluation of each protocol, that with the newest first."""
        wanted = self.header.preset.schedule.evaluate_by
        groups = reversed(comparable_groups([*self.trained, *self.asked]))
        return [
            standing_entries(group, by)
            for group in groups
            if (by := score_that_ranks(group, wanted))
        ]

    @cached_property
    def speed(self) -> list[Point]:
        """Steps per second, at each line of the log."""
        return [Point(r["step"], r["steps"] / r["seconds"]) for r in self.timing]

    @property
    def seconds(self) -> float:
        """How long was trained so far, all calls together."""
        return float(sum(row["seconds"] for row in self.timing))

    @property
    def samples_per_second(self) -> float | None:
        """Real samples per second, over the last line of the log."""
        preset = self.header.preset
        if not self.speed:
            return None
        return self.speed[-1].value * preset.schedule.batch_size * preset.batches_per_step

    def pace(self, *, goes_on: bool = True) -> str:
        """Speed, time taken, and, where it goes on, the time left, in words."""
        rate = self.samples_per_second
        if rate is None:
            return "no speed is known before the first log"
        spent = _duration(self.seconds)
        said = f"{self.speed[-1].value:,.1f} steps/s, {rate:,.0f} {self.unit}/s; trained {spent}"
        left = self.header.preset.schedule.steps - self.step
        if not left or not goes_on:
            return said
        return f"{said}, {_duration(left / self.speed[-1].value)} to go"

    @property
    def unit(self) -> str:
        """What the samples are."""
        return self.header.preset.data.key

    def latest(self) -> dict[str, float]:
        """The last value of each loss and score."""
        every = self.losses | self.terms | self.scores | self.rates
        return {name: points[-1].value for name, points in every.items()}

    @cached_property
    def _logged(self) -> Series:
        return _series(self.metrics, lambda name: name.startswith(LOSS))


def summarise_run(run: Run, header: Header) -> Summary:
    """Read a run's folder; `header` is that of its last checkpoint."""
    metrics = run.metrics()
    known = known_step(header.step, metrics)
    previews = {step: path for step, path in run.previews().items() if step <= known}
    timing = [row for row in run.timing() if _is_positive(row.get("seconds"), row.get("steps"))]
    return Summary(run, header, metrics, timing, previews, _in_training(run), _asked(run))


def evaluations_of_run(run: Run) -> list[Evaluation]:
    """All of a run: those made in training, then those of `gan evaluate`."""
    return [*_in_training(run), *_asked(run)]


def _in_training(run: Run) -> list[Evaluation]:
    return [each for row in training_evaluations(run) for each in row.every]


def _asked(run: Run) -> list[Evaluation]:
    """Those in evaluation.json; none where it is damaged, which `gan evaluate` reports."""
    try:
        return read_evaluations(run.evaluation_file)
    except RunError:
        return []


def _series(rows: Iterable[LogRow], wanted: Callable[[str], bool]) -> Series:
    found: Series = {}
    for row in rows:
        for name, value in row.items():
            if name != "step" and wanted(name) and _is_number(value):
                found.setdefault(name, []).append(Point(row["step"], value))
    return found


def _is_number(*values: object) -> bool:
    """Whether all are, and finite as floats: the file may have been edited."""
    return all(
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= LARGEST_SHOWN
        for value in values
    )


def _is_positive(*values: object) -> bool:
    """Whether all are numbers to divide by."""
    return all(
        _is_number(value) and isinstance(value, int | float) and value >= 1 / LARGEST_SHOWN
        for value in values
    )


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=round(min(seconds, LONGEST_SHOWN_SECONDS)))
