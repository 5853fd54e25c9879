"""Verdicts on runs, as their logs and pages show them."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from pydantic import Field, ValidationError

from gancli.choices import VerdictName
from gancli.data import Mixture
from gancli.health.advice import tries
from gancli.health.rules import WARM_UP_OF_IMAGES, WARM_UP_OF_POINTS, finding_of
from gancli.health.signals import Signals
from gancli.outside import STEP_LIMIT
from gancli.preset import Preset
from gancli.runs.logs import LogRow
from gancli.settings import Settings

VERDICT_KEY = "verdict"
"""Of the lines of metrics.jsonl that tell of one."""


class Tone(StrEnum):
    """What a verdict means to whoever waits for the run."""

    GOOD = "good"
    STILL = "still"
    BAD = "bad"


CALM = {
    VerdictName.HEALTHY: Tone.GOOD,
    VerdictName.IMPROVING: Tone.GOOD,
    VerdictName.PLATEAU: Tone.STILL,
}
"""The verdicts that give no alarm."""


class Verdict(Settings):
    """How a run is doing, as of a step."""

    name: VerdictName
    since: int = Field(ge=0, le=STEP_LIMIT)
    """the step from which on it holds"""
    said: str
    """what was seen, as a clause"""
    tries: tuple[str, ...] = ()
    """what to type next, as options of `gan train`"""

    @property
    def title(self) -> str:
        """Its name in a word or three."""
        return self.name.replace("-", " ")

    @property
    def tone(self) -> Tone:
        """Whether it gives an alarm."""
        return CALM.get(self.name, Tone.BAD)

    @property
    def words(self) -> str:
        """Its name, since when, and what was seen."""
        return f"{self.title} since step {self.since:,}: {self.said}"

    @property
    def sentence(self) -> str:
        """The same, with what to try."""
        return f"{self.words}; try {' or '.join(self.tries)}" if self.tries else self.words


class StandingVerdict(Settings):
    """A verdict, and the step of the log at which it was given."""

    step: int
    verdict: Verdict


def signals_for(preset: Preset, rows: Iterable[LogRow] = ()) -> Signals:
    """The series that verdicts on a run are given on.

    Args:
        preset: the run's.
        rows: of metrics.jsonl so far, and counts of modes by evaluations, in the order of steps.
    """
    spec = preset.data
    signals = Signals(
        modes=spec.modes if isinstance(spec, Mixture) else spec.shape.classes,
        has_boundary=preset.objective.adversarial.boundary is not None,
        warm_up=WARM_UP_OF_POINTS if isinstance(spec, Mixture) else WARM_UP_OF_IMAGES,
    )
    signals.extend(rows)
    return signals


def judge(preset: Preset, signals: Signals) -> Verdict | None:
    """How a run is doing; None: it is too early to tell.

    Args:
        preset: the run's.
        signals: what `signals_for` makes of its log.
    """
    found = finding_of(signals)
    if found is None:
        return None
    more = tuple(tries(preset, found))
    return Verdict(name=found.name, since=found.since, said=found.said, tries=more)


def verdict_row(step: int, verdict: Verdict) -> LogRow:
    """The line of metrics.jsonl that tells of a verdict."""
    return {"step": step, VERDICT_KEY: verdict.model_dump(mode="json")}


def verdicts_in(rows: Sequence[LogRow]) -> Iterator[StandingVerdict]:
    """The verdicts that a log tells of, in order: each until the next one."""
    for row in rows:
        if VERDICT_KEY in row:
            try:
                yield StandingVerdict(step=row["step"], verdict=row[VERDICT_KEY])
            except ValidationError:
                continue
