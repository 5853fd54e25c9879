"""Why runs are not ranked: how their evaluations differ, and the commands that make them alike."""

from collections.abc import Sequence
from pathlib import Path

from gancli.catalog import dataset_names
from gancli.checkpoint import TRAINED
from gancli.errors import RunError, UsageError
from gancli.evaluation.extractors import MADE_HERE
from gancli.evaluation.protocol import GIVEN, Evaluation, Protocol, Split, protocol_differences
from gancli.evaluation.results import BEST_OF, ScoredRun
from gancli.pasteable import command
from gancli.scores import METRIC_TABLE, option_of, ranking_scores, ranks, settings_of


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
    scores = [n for n in group[0].scores if ranks(n)]
    aim = _within_reach(runs, group[0].protocol)
    others = [run for run in runs if not run.by(aim)]
    unscored = [run for run in others if not run.every]
    if unscored:
        these = _and([run.name for run in unscored])
        if aim.network == GIVEN:
            return RunError(f"there is no evaluation of {these}: {_remedy(unscored, aim, scores)}")
        remedy = _and([command_for(run, aim, scores) for run in unscored])
        return RunError(
            f"there is no evaluation of {these}: make one like the others' with {remedy}"
        )
    theirs = {run.name: run.nearest(aim).protocol for run in others}
    ours = {run.name: aim for run in runs if run not in others} or {"wanted": aim}
    fields = [name for name in PROTOCOL_FIELDS if any(
        name in protocol_differences([aim, protocol]) for protocol in theirs.values()
    )]  # fmt: skip
    table = {
        PROTOCOL_FIELDS[field]: {name: _value(field, p) for name, p in (ours | theirs).items()}
        for field in fields
    }
    told = "; ".join(
        f"{field}: {' / '.join(dict.fromkeys(values.values()))}" for field, values in table.items()
    )
    return ProtocolsDifferError(
        f"these runs were scored by different protocols ({told}): {_remedy(others, aim, scores)}",
        table,
    )


def _within_reach(runs: Sequence[ScoredRun], aim: Protocol) -> Protocol:
    """A protocol, changed where some of the runs could not be scored by it."""
    averages = aim.network not in (TRAINED, GIVEN)
    if averages and any(run.every and not run.averages for run in runs):
        aim = aim.model_copy(update={"network": TRAINED})
    # All can follow the reference: images without classes do so anyhow.
    if aim.skews_classes and any(not e.protocol.skews_classes for run in runs for e in run.every):
        aim = aim.model_copy(update={"classes_as": "reference", "per_class": None})
    return aim


def _remedy(others: Sequence[ScoredRun], aim: Protocol, scores: Sequence[str]) -> str:
    """What to do about runs that were scored by other protocols than the one aimed at, or by none.

    Generators are not ranked next to image files, whose protocol says nothing of a generator; but
    their images may be written into files.
    """
    if aim.network != GIVEN and any(_is_given(run) for run in others):
        return "image files and generators are not ranked together"
    if aim.network == GIVEN and any(not _is_given(run) for run in others):
        written = [_through_files(run, aim, scores) for run in others if not _is_given(run)]
        return (
            f"image files and generators are not ranked together: write images first, {written[0]}"
        )
    theirs = [run.nearest(aim).protocol for run in others]
    if any(_is_of_other_images(protocol, aim) for protocol in theirs):
        return "no option makes scores against other real images comparable"
    if aim.network == GIVEN and any(protocol.count != aim.count for protocol in theirs):
        return (
            f"scores depend on how many images there are, so score {aim.count:,} of each: put that "
            "number into a folder, and evaluate it"
        )
    return f"rank them after {_and([command_for(run, aim, scores) for run in others])}"


def _is_given(run: ScoredRun) -> bool:
    """Whether image files were scored, and no generator."""
    return bool(run.every) and all(each.step is None for each in run.every)


def _through_files(run: ScoredRun, aim: Protocol, scores: Sequence[str]) -> str:
    """The commands that score a generator's images as image files are."""
    folder = f"{Path(run.name).name}-images"
    sampled = command("sample", run.name, "--count", aim.count, "--out", folder)
    file = Path(folder).with_suffix(".json")
    words = ["evaluate", folder, *_metrics(scores), *_reference(aim), *_network(aim), "--out", file]
    return f"{sampled}, then {command(*words)}"


def _is_of_other_images(protocol: Protocol, aim: Protocol) -> bool:
    """Whether no option of `gan evaluate` leads from one reference to the other."""
    if "all" in (protocol.split, aim.split):
        return False
    both = (protocol, aim)
    some = any(each.drawn_from is not None for each in both)
    # Some images of the same set are others than all of it, and an option leads there.
    same_set = some and len({each.drawn_from or each.reference_count for each in both}) == 1
    other_files = protocol.split == aim.split and protocol.data != aim.data and not same_set
    return other_files or protocol.reference != aim.reference


PROTOCOL_FIELDS = {
    "count": "images scored",
    "skews_classes": "classes",
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
        some = "" if protocol.drawn_from is None else f"{protocol.reference_count:,} of "
        return f"{some}{protocol.reference} ({protocol.data})"
    if field == "skews_classes":
        return "equally many of each" if protocol.skews_classes else "as in the reference"
    value = getattr(protocol, field)
    return f"{value:,}" if isinstance(value, int) else str(value)


def command_for(run: ScoredRun, protocol: Protocol, scores: Sequence[str]) -> str:
    """The command that scores a run, or image files, by a protocol."""
    nearest = run.nearest(protocol) if run.every else None
    given = nearest if nearest is not None and nearest.step is None else None
    words: list[object] = ["evaluate", run.name if given is None else given.model]
    words += _metrics(scores)
    for name in scores:
        own = protocol.settings_of(name)
        words += [w for s in settings_of(name) if own[s.name] != s.default
                  for w in (f"--{s.name}", own[s.name])]  # fmt: skip
    if given is None:
        words += ["--count", protocol.count]
    words += _reference(protocol, is_given=given is not None)
    if nearest is not None and nearest.protocol.classes_as is not None and protocol.data:
        words += ["--classes-as", protocol.classes_as or "reference"]
    words += _network(protocol)
    if protocol.network == TRAINED and run.averages:
        words.append("--raw")
    if nearest is not None and nearest.selection.startswith(BEST_OF):
        words += ["--checkpoint", "best"]
    if run.file is not None:
        words += ["--out", run.file]
    return command(*words)


def _metrics(scores: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(f"--{option}" for name in scores if (option := option_of(name))))


def _network(protocol: Protocol) -> list[str]:
    """The options that name the extractor and its weights."""
    if not protocol.extractor:
        return []
    is_own = protocol.extractor not in MADE_HERE and not protocol.published
    weights = ["--weights", "FILE", "--trust-weights"] if is_own else []
    fast = ["--fast"] if protocol.dtype == "bfloat16" else []
    return ["--extractor", protocol.extractor, *weights, *fast]


def _reference(protocol: Protocol, *, is_given: bool = True) -> list[str]:
    """The options that name the real images; image files need the name of a split's data set."""
    if not (protocol.data and protocol.extractor):
        return []
    some = (
        [] if protocol.drawn_from is None else ["--reference-count", f"{protocol.reference_count}"]
    )
    if protocol.split == "all":
        return ["--reference", protocol.reference, *some]
    named = is_given and protocol.reference in dataset_names()
    dataset = ["--dataset", protocol.reference] if named else []
    return ["--reference", protocol.split, *dataset, *some]


def command_for_first(run: ScoredRun, split: Split | None) -> str:
    """The command that scores a run for the first time."""
    return command("evaluate", run.name, *(["--reference", split] if split else []))


def alone(run: ScoredRun) -> UsageError:
    """There is one evaluation, and nothing to rank it with."""
    told = f"{run.name} alone has one evaluation, and a ranking needs two: name another run, or "
    if run.file is not None:
        more = command("evaluate", "IMAGES", "--out", run.file)
        return UsageError(f"{told}score other images into the same file with {more}")
    metrics = [] if run.every[0].protocol.extractor else ["--modes"]
    again = command("evaluate", run.name, *metrics, "--checkpoint", "STEP")
    return UsageError(f"{told}evaluate another checkpoint with {again}")


def shared_settings(
    runs: Sequence[ScoredRun], protocol: Protocol, score: str
) -> dict[str, int] | None:
    """The settings with which all runs have a score by a protocol; None: they share none."""

    def of(run: ScoredRun) -> list[dict[str, int]]:
        own = sorted(run.by(protocol), key=lambda e: e.made, reverse=True)
        return [e.protocol.settings_of(score) for e in own if score in e.scores]

    every = [of(run) for run in runs]
    return next((known for known in every[0] if all(known in own for own in every)), None)


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
        own = METRIC_TABLE.get(by.lower())
        several = [score.name for score in own.scores if ranks(score.name)] if own else []
        choices = ", ".join(several or ranking_scores())
        return UsageError(f"--by {by} ranks no runs: choose from {choices}")
    wanted = [by] if by else [name for name in group[0].scores if ranks(name)]
    protocol = group[0].protocol
    without = [r for r in runs if not any(n in e.scores for e in r.by(protocol) for n in wanted)]
    have = f" (all have {', '.join(names)})" if names else ""
    if without:
        return RunError(
            f"there is no {' or '.join(wanted)} of {_and([run.name for run in without])}{have}: "
            f"compute it with {_and([command_for(run, protocol, wanted) for run in without])}"
        )
    return _other_settings(runs, protocol, wanted[0])


def _other_settings(runs: Sequence[ScoredRun], protocol: Protocol, score: str) -> RunError:
    """All have a score, computed with other settings than others'."""

    def own(run: ScoredRun) -> list[dict[str, int]]:
        return [e.protocol.settings_of(score) for e in run.by(protocol) if score in e.scores]

    aim = own(runs[0])[-1]
    others = [run for run in runs if aim not in own(run)]
    told = " / ".join(
        ", ".join(f"{s.label} {known[s.name]:,}" for s in settings_of(score))
        for known in (aim, *(own(run)[-1] for run in others))
    )
    like = protocol.model_copy(update={"settings": aim})
    return RunError(
        f"{score} was computed with other settings ({told}): rank by it after "
        f"{_and([command_for(run, like, [score]) for run in others])}"
    )


def _and(words: Sequence[str]) -> str:
    return " and ".join(words)
