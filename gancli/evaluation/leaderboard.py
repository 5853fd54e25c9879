"""Runs side by side: ranked where they were scored alike, and otherwise what to type."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gancli.checkpoint import TRAINED
from gancli.errors import RunError, UsageError
from gancli.evaluation.extractors import MNIST
from gancli.evaluation.protocol import GIVEN, Evaluation, Protocol, Split, differences
from gancli.evaluation.ranking import BEST_OF, METRIC_OF, RANKED, Entry, alike, entries
from gancli.evaluation.results import HIGHER_IS_BETTER, is_better


@dataclass(frozen=True)
class Scored:
    """A run, or a folder of images, and its evaluations."""

    name: str
    """as it is typed"""
    asked: Sequence[Evaluation]
    """those that were asked for"""
    trained: Sequence[Evaluation] = ()
    """those made in training"""
    averages: bool = False
    """whether a moving average of the generator is kept"""

    @property
    def every(self) -> list[Evaluation]:
        """All of them."""
        return [*self.trained, *self.asked]

    def by(self, protocol: Protocol) -> list[Evaluation]:
        """Those of a protocol."""
        return [e for e in self.every if not differences([protocol, e.protocol])]

    def nearest(self, protocol: Protocol) -> Evaluation:
        """One of another protocol that differs from this in fewest fields."""
        return min(self.every, key=lambda e: len(differences([protocol, e.protocol])))


class Row(NamedTuple):
    """A line of the ranking."""

    name: str
    entry: Entry

    @property
    def scores(self) -> dict[str, float]:
        """Those found."""
        return self.entry.evaluation.scores


class Comparison(NamedTuple):
    """Runs that were scored alike."""

    by: str
    """the score that ranks"""
    protocol: Protocol
    rows: list[Row]
    """the best first"""

    def best(self, name: str) -> float | None:
        """The best value of a score; None where there are not several."""
        values = {row.scores[name] for row in self.rows if name in row.scores}
        if len(values) < 2:
            return None
        return max(values) if name in HIGHER_IS_BETTER else min(values)

    @property
    def is_uneven(self) -> bool:
        """Whether the best of several stands beside one that was not chosen by its score."""
        chosen = {row.entry.is_chosen for row in self.rows}
        return len(chosen) > 1


def contest(runs: Sequence[Scored], by: str | None, split: Split | None = None) -> Comparison:
    """Rank runs by the evaluations with most images that all of them have.

    Args:
        runs: one or more.
        by: the score that ranks; None: the first that all share.
        split: of the reference; None: any.

    Raises:
        RunError: they were not scored, or not alike.
        UsageError: they do not share this score, or a single evaluation is all there is.
    """
    considered = [e for run in runs for e in run.every if split in (None, e.protocol.split)]
    if not considered:
        against = f" against the {split} split" if split else ""
        raise RunError(
            f"found no evaluation{against} of {_joined([run.name for run in runs])}: make one "
            f"with gan evaluate {shlex.quote(runs[0].name)}"
            + (f" --reference {split}" if split else "")
        )
    groups = alike(considered)
    groups.sort(key=lambda group: group[0].protocol.count)
    shared = [g for g in groups if all(run.by(g[0].protocol) for run in runs)]
    if not shared:
        raise _refusal(runs, groups)
    wanted = [g for g in reversed(shared) if by in (None, *_in_common(runs, g))]
    names = _in_common(runs, wanted[0] if wanted else shared[-1])
    if not wanted or not names:
        raise _lacking(runs, shared[-1], by, names)
    return _ranked(runs, wanted[0][0].protocol, by or names[0])


def _in_common(runs: Sequence[Scored], group: Sequence[Evaluation]) -> list[str]:
    """The scores that rank and that every run has by the group's protocol, in their order."""
    names = dict.fromkeys(name for each in group for name in each.scores if name in RANKED)
    protocol = group[0].protocol
    return [n for n in names if all(any(n in e.scores for e in r.by(protocol)) for r in runs)]


def _ranked(runs: Sequence[Scored], protocol: Protocol, by: str) -> Comparison:
    rows = []
    for run in runs:
        own = run.by(protocol)
        asked = [e for e in run.asked if e in own]
        rows += [Row(run.name, entry) for entry in entries(own, by, asked)]
    if len(rows) < 2:
        raise UsageError(
            f"read {runs[0].name}, of which there is one evaluation, expected two at least: name "
            "another run, or evaluate another checkpoint with gan evaluate --checkpoint STEP"
        )
    rows.sort(key=lambda row: row.scores[by], reverse=is_better(by, 1.0, 0.0))
    return Comparison(by, protocol, rows)


def _lacking(
    runs: Sequence[Scored], group: Sequence[Evaluation], by: str | None, names: Sequence[str]
) -> RunError | UsageError:
    if by is not None and by not in RANKED:
        return UsageError(f"read --by {by}, expected one of {', '.join(sorted(RANKED))}")
    wanted = [by] if by else [name for name in group[0].scores if name in RANKED]
    protocol = group[0].protocol
    without = [r for r in runs if not any(n in e.scores for e in r.by(protocol) for n in wanted)]
    have = f" (all have {', '.join(names)})" if names else ""
    return RunError(
        f"found no {' or '.join(wanted)} of {_joined([run.name for run in without])}{have}: find "
        f"it with {_joined([command(run, protocol, wanted) for run in without])}"
    )


class NotAlikeError(RunError):
    """Runs that were scored by other protocols."""

    def __init__(self, sentence: str, table: dict[str, dict[str, str]]) -> None:
        super().__init__(sentence)
        self.table = table
        """what differs -> of each run its value"""


def _refusal(runs: Sequence[Scored], groups: Sequence[Sequence[Evaluation]]) -> RunError:
    """Why these runs are not ranked: the protocol that most of them have is taken as the one."""

    def reach(group: Sequence[Evaluation]) -> int:
        return sum(bool(run.by(group[0].protocol)) for run in runs)

    group = max(reversed(groups), key=reach)
    aim, scores = group[0].protocol, [n for n in group[0].scores if n in RANKED]
    if aim.network != TRAINED and any(run.every and not run.averages for run in runs):
        aim = aim.model_copy(update={"network": TRAINED})
    others = [run for run in runs if not run.by(aim)]
    unscored = [run for run in others if not run.every]
    if unscored:
        return RunError(
            f"found no evaluation of {_joined([run.name for run in unscored])}: make one as the "
            f"others' with {_joined([command(run, aim, scores) for run in unscored])}"
        )
    theirs = {run.name: run.nearest(aim).protocol for run in others}
    ours = {run.name: aim for run in runs if run not in others} or {"wanted": aim}
    fields = [name for name in Protocol.model_fields if any(
        name in differences([aim, protocol]) for protocol in theirs.values()
    )]  # fmt: skip
    table = {
        WORDS[field]: {name: _value(field, p) for name, p in (ours | theirs).items()}
        for field in fields
    }
    told = "; ".join(
        f"{field}: {' / '.join(dict.fromkeys(values.values()))}" for field, values in table.items()
    )
    if any((protocol.network == GIVEN) != (aim.network == GIVEN) for protocol in theirs.values()):
        remedy = "images that were given do not rank beside those of generators"
    elif any(_is_of_other_images(protocol, aim) for protocol in theirs.values()):
        remedy = "scores against other real images do not compare, whatever is typed"
    else:
        remedy = f"type {_joined([command(run, aim, scores) for run in others])}"
    return NotAlikeError(
        f"these were not scored alike ({told}), so they do not rank: {remedy}", table
    )


def _is_of_other_images(protocol: Protocol, aim: Protocol) -> bool:
    """Whether no option of `gan evaluate` leads from one reference to the other."""
    if "all" in (protocol.split, aim.split):
        return False
    other_files = protocol.split == aim.split and protocol.data != aim.data
    return other_files or protocol.reference != aim.reference


WORDS = {
    "count": "images scored",
    "split": "reference split",
    "data": "real images",
    "extractor": "extractor",
    "weights": "its weights",
    "dtype": "its precision",
    "resize": "images resized",
    "network": "generator's weights",
    "mode": "generator's batch norm",
    "truncation": "truncation",
}
"""Fields of a protocol that forbid a ranking, in words."""


def _value(field: str, protocol: Protocol) -> str:
    if field == "data":
        return f"{protocol.reference} ({protocol.data})"
    value = getattr(protocol, field)
    return f"{value:,}" if isinstance(value, int) else str(value)


def command(run: Scored, protocol: Protocol, scores: Sequence[str]) -> str:
    """What to type to find a run's scores by a protocol."""
    at = protocol.reference if protocol.split == "all" else protocol.split
    words = [
        f"gan evaluate {shlex.quote(run.name)}",
        *dict.fromkeys(f"--{METRIC_OF[name]}" for name in scores if name in METRIC_OF),
        *([f"--count {protocol.count}"] if protocol.network != GIVEN else []),
        *([f"--reference {shlex.quote(at)}"] if protocol.data else []),
        f"--extractor {protocol.extractor}",
    ]
    if protocol.extractor != MNIST and not protocol.published:
        words.append("--weights FILE --trust-weights")
    if protocol.network == TRAINED and run.averages:
        words.append("--raw")
    if run.every and run.nearest(protocol).selection.startswith(BEST_OF):
        words.append("--checkpoint best")
    return " ".join(words)


def _joined(words: Sequence[str]) -> str:
    return " and ".join(words)
