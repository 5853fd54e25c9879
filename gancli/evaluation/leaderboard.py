"""`gan compare`: runs that were scored by the same protocol, ranked by one of their scores."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from gancli.errors import GanError, RunError
from gancli.evaluation.not_comparable import (
    alone,
    command_for_first,
    refusal,
    shared_settings,
    without_score,
)
from gancli.evaluation.protocol import Evaluation, Protocol, Split, protocol_differences
from gancli.evaluation.results import BEST_OF, ScoredRun
from gancli.runs.folder import LAST
from gancli.score_words import score_meant
from gancli.scores import ranking_scores, ranks, score_named


@dataclass(frozen=True)
class Entry:
    """An evaluation that stands for its run."""

    evaluation: Evaluation
    how: str
    """how its checkpoint was chosen, in words"""

    @property
    def is_chosen(self) -> bool:
        """Whether it is the best of several, which flatters it compared with a last one."""
        return self.how.startswith(BEST_OF)


def comparable_groups(every: Iterable[Evaluation]) -> list[list[Evaluation]]:
    """The evaluations in groups whose scores compare, the group with the newest one last."""
    groups: list[list[Evaluation]] = []
    for each in sorted(every, key=lambda e: e.made):
        own = [g for g in groups if not protocol_differences([g[0].protocol, each.protocol])]
        group = own[0] if own else []
        groups = [other for other in groups if other is not group] + [[*group, each]]
    return groups


def score_that_ranks(group: Sequence[Evaluation], wanted: str | None = None) -> str | None:
    """The score wanted; else the first that all of them have and that ranks; None: there is none.

    Args:
        group: evaluations that compare.
        wanted: a score's name, taken where all have it.
    """
    shared = [n for n in group[0].scores if ranks(n) and all(n in e.scores for e in group)]
    return wanted if wanted in shared else next(iter(shared), None)


def standing_entries(
    group: Sequence[Evaluation], by: str, always: Sequence[Evaluation] = ()
) -> list[Entry]:
    """The best and the last of one run's evaluations that compare, by step; all sets of images.

    Args:
        group: the evaluations, the newest of a checkpoint counting.
        by: the score by which one is best; those without it are passed over.
        always: those of the group that are entries, too.
    """
    newest_last = [e for e in sorted(group, key=lambda e: e.made) if by in e.scores]
    # Image files have no steps to be the best of: each set stands for itself.
    sets = {e.model: Entry(e, e.model) for e in newest_last if e.step is None}
    of_step = {e.step: e for e in newest_last if e.step is not None}
    steps = sorted(of_step)
    if not steps:
        return [*sets.values()]
    best = steps[0]
    for step in steps[1:]:
        if score_named(by).is_better(of_step[step].scores[by], of_step[best].scores[by]):
            best = step
    wanted = {best, steps[-1], *(e.step for e in always)}

    def how(step: int) -> str:
        said = of_step[step].selection
        last = step == steps[-1]
        if said.startswith(BEST_OF):
            return said
        if step == best and len(steps) > 1:
            return f"{BEST_OF} {len(steps)} by {by}" + (", and last" if last else "")
        return said if len(steps) == 1 else LAST if last else "by its step"

    own = [Entry(of_step[step], how(step)) for step in steps if step in wanted]
    return [*sets.values(), *own]


class Row(NamedTuple):
    """A line of the ranking."""

    name: str
    entry: Entry

    @property
    def scores(self) -> dict[str, float]:
        """Of its evaluation."""
        return self.entry.evaluation.scores

    def alike(self, settings: Mapping[str, int]) -> "Row":
        """The line with those scores alone that were computed with these settings."""
        own = self.entry.evaluation
        scores = {
            name: value
            for name, value in own.scores.items()
            if own.protocol.settings_of(name).items() <= settings.items()
        }
        return Row(self.name, Entry(own.model_copy(update={"scores": scores}), self.entry.how))


def best_value(score: str, values: Collection[float]) -> float | None:
    """The best of different values of a score; None where there are not several."""
    if len(values) < 2 or not ranks(score):
        return None
    return max(values) if score_named(score).better == "higher" else min(values)


def place_by(by: str, value: Callable[[str], float | None]) -> list[float]:
    """A key that sorts the best first: by a score, and modes that tie by the others of modes.

    Args:
        by: the score that ranks.
        value: of a score's name, what it is here; None: it is not known.
    """
    is_of_modes = score_named(by).of_known_modes
    further = [n for n in ranking_scores() if is_of_modes and score_named(n).of_known_modes]
    names = dict.fromkeys([by, *further])
    values = {name: value(name) for name in names}
    return [
        math.inf if found is None else -found if score_named(name).better == "higher" else found
        for name, found in values.items()
    ]


class Comparison(NamedTuple):
    """A ranking of runs that were scored by the same protocol."""

    by: str
    """the score that ranks"""
    protocol: Protocol
    rows: list[Row]
    """the best first"""
    left_out: Sequence[str] = ()
    """the names of those that were scored by other protocols alone, next to some that were not"""

    def best(self, name: str) -> float | None:
        """The best value of a score; None where there are not several."""
        return best_value(name, {row.scores[name] for row in self.rows if name in row.scores})

    @property
    def is_uneven(self) -> bool:
        """Whether a best of several is compared with one that was not chosen by its score."""
        chosen = {row.entry.is_chosen for row in self.rows}
        return len(chosen) > 1


def rank_runs(runs: Sequence[ScoredRun], by: str | None, split: Split | None = None) -> Comparison:
    """Rank runs by the evaluations with most images that all of them have.

    Args:
        runs: one or more.
        by: the score that ranks; None: the first that all share.
        split: of the reference; None: any.

    Raises:
        RunError: they were not scored, or not alike.
        UsageError: they do not share this score, or a single evaluation is all there is.
    """
    by = None if by is None else score_meant(by)
    considered = [e for run in runs for e in run.every if split in (None, e.protocol.split)]
    if not considered:
        against = f" against the {split} split" if split else ""
        raise RunError(
            f"there is no evaluation{against} of {' and '.join(run.name for run in runs)}: make "
            f"one with {command_for_first(runs[0], split)}"
        )
    groups = comparable_groups(considered)
    groups.sort(key=lambda group: group[0].protocol.count)
    shared = [g for g in groups if all(run.by(g[0].protocol) for run in runs)]
    if not shared:
        raise refusal(runs, groups)
    wanted = [g for g in reversed(shared) if by in (None, *_in_common(runs, g))]
    names = _in_common(runs, wanted[0] if wanted else shared[-1])
    if not wanted or not names:
        raise without_score(runs, shared[-1], by, names)
    return _ranked(runs, wanted[0][0].protocol, by or names[0])


def _in_common(runs: Sequence[ScoredRun], group: Sequence[Evaluation]) -> list[str]:
    """The scores that rank and that every run has by the group's protocol, in their order."""
    names = dict.fromkeys(name for each in group for name in each.scores if ranks(name))
    return [n for n in names if shared_settings(runs, group[0].protocol, n) is not None]


def _too_few(run: ScoredRun, protocol: Protocol) -> GanError:
    """Why one run, or one file, has too few evaluations that compare."""
    things = [replace(run, name=n, requested=own, in_training=()) for n, own in run.subjects]
    if len(things) < 2:
        return alone(run)
    return refusal(things, [run.by(protocol)])


def _ranked(runs: Sequence[ScoredRun], protocol: Protocol, by: str) -> Comparison:
    settings = shared_settings(runs, protocol, by)
    rows, left_out = [], []
    for run in runs:
        alike = [e for e in run.by(protocol) if e.protocol.settings_of(by) == settings]
        for name, every in run.subjects:
            own = [e for e in every if e in alike]
            always = [e for e in run.requested if e in own]
            entries = standing_entries(own, by, always)
            rows += [Row(name, entry) for entry in entries]
            left_out += [] if entries else [name]
    if len(rows) < 2:
        raise _too_few(runs[0], protocol)
    rows.sort(key=lambda row: place_by(by, row.scores.get))
    used: dict[str, int] = {}
    for row in rows:
        for name in (by, *row.scores):
            used = row.entry.evaluation.protocol.settings_of(name) | used
    shown = [row.alike(used) for row in rows]
    return Comparison(by, protocol.model_copy(update={"settings": used}), shown, left_out)
