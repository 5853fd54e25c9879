"""Why runs are not ranked: how their evaluations differ, and the commands that make them alike."""

import shlex
from collections.abc import Sequence

from gancli.checkpoint import TRAINED
from gancli.errors import RunError, UsageError
from gancli.evaluation.extractors import MNIST
from gancli.evaluation.protocol import GIVEN, Evaluation, Protocol, protocol_differences
from gancli.evaluation.results import BEST_OF, ScoredRun
from gancli.pasteable import command
from gancli.scores import option_of, ranking_scores, ranks


class ProtocolsDifferError(RunError):
    """Runs that were scored by other protocols."""

    def __init__(self, sentence: str, table: dict[str, dict[str, str]]) -> None:
        super().__init__(sentence)
        self.table = table
        """what differs -> of each run its value"""


def refusal(runs: Sequence[ScoredRun], groups: Sequence[Sequence[Evaluation]]) -> RunError:
    """Why these runs are not ranked: the others lack the protocol that most have."""

    def reach(group: Sequence[Evaluation]) -> int:
        return sum(bool(run.by(group[0].protocol)) for run in runs)

    group = max(reversed(groups), key=reach)
    aim, scores = group[0].protocol, [n for n in group[0].scores if ranks(n)]
    if aim.network != TRAINED and any(run.every and not run.averages for run in runs):
        aim = aim.model_copy(update={"network": TRAINED})
    others = [run for run in runs if not run.by(aim)]
    unscored = [run for run in others if not run.every]
    if unscored:
        return RunError(
            f"there is no evaluation of {_and([run.name for run in unscored])}: make one like the "
            f"others' with {_and([command_for(run, aim, scores) for run in unscored])}"
        )
    theirs = {run.name: run.nearest(aim).protocol for run in others}
    ours = {run.name: aim for run in runs if run not in others} or {"wanted": aim}
    fields = [name for name in Protocol.model_fields if any(
        name in protocol_differences([aim, protocol]) for protocol in theirs.values()
    )]  # fmt: skip
    table = {
        PROTOCOL_FIELDS[field]: {name: _value(field, p) for name, p in (ours | theirs).items()}
        for field in fields
    }
    told = "; ".join(
        f"{field}: {' / '.join(dict.fromkeys(values.values()))}" for field, values in table.items()
    )
    if any((protocol.network == GIVEN) != (aim.network == GIVEN) for protocol in theirs.values()):
        remedy = "image files and generators are not ranked together"
    elif any(_is_of_other_images(protocol, aim) for protocol in theirs.values()):
        remedy = "no option makes scores against other real images comparable"
    else:
        remedy = f"rank them after {_and([command_for(run, aim, scores) for run in others])}"
    return ProtocolsDifferError(
        f"these runs were scored by different protocols ({told}): {remedy}", table
    )


def _is_of_other_images(protocol: Protocol, aim: Protocol) -> bool:
    """Whether no option of `gan evaluate` leads from one reference to the other."""
    if "all" in (protocol.split, aim.split):
        return False
    other_files = protocol.split == aim.split and protocol.data != aim.data
    return other_files or protocol.reference != aim.reference


PROTOCOL_FIELDS = {
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
"""Fields of a protocol that must be equal in a ranking, in words."""


def _value(field: str, protocol: Protocol) -> str:
    if field == "data":
        return f"{protocol.reference} ({protocol.data})"
    value = getattr(protocol, field)
    return f"{value:,}" if isinstance(value, int) else str(value)


def command_for(run: ScoredRun, protocol: Protocol, scores: Sequence[str]) -> str:
    """The command that scores a run by a protocol."""
    at = protocol.reference if protocol.split == "all" else protocol.split
    words = [
        command("evaluate", run.name),
        *dict.fromkeys(f"--{option}" for name in scores if (option := option_of(name))),
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


def without_score(
    runs: Sequence[ScoredRun], group: Sequence[Evaluation], by: str | None, names: Sequence[str]
) -> RunError | UsageError:
    """What to say where runs share a protocol, and not the score that is to rank them.

    Args:
        runs: all of them.
        group: their evaluations by that protocol.
        by: the score asked for.
        names: the scores that all have.
    """
    if by is not None and not ranks(by):
        return UsageError(f"--by {by} ranks no runs: choose from {', '.join(ranking_scores())}")
    wanted = [by] if by else [name for name in group[0].scores if ranks(name)]
    protocol = group[0].protocol
    without = [r for r in runs if not any(n in e.scores for e in r.by(protocol) for n in wanted)]
    have = f" (all have {', '.join(names)})" if names else ""
    return RunError(
        f"there is no {' or '.join(wanted)} of {_and([run.name for run in without])}{have}: "
        f"compute it with {_and([command_for(run, protocol, wanted) for run in without])}"
    )


def _and(words: Sequence[str]) -> str:
    return " and ".join(words)
