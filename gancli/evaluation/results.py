"""The evaluations in a run's folder: those of `gan evaluate`, and those made in training."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from gancli.errors import RunError
from gancli.evaluation.protocol import Evaluation, Protocol, protocol_differences
from gancli.files import unreadable, write_atomically
from gancli.locks import locked
from gancli.outside import ForeignTextError, json_from, model_from
from gancli.runs.folder import Run
from gancli.scores import score_named
from gancli.settings import Settings

BEST_OF = "best of"
"""How the choice of a checkpoint begins that is the best of several."""


class TrainingEvaluation(Settings):
    """An evaluation made in training: a line of evaluations.jsonl."""

    step: int
    by: str
    """the score that checkpoints are chosen by"""
    best: int
    """the step of the best so far, by that score"""
    of: int
    """how many evaluations it is the best of: those of this protocol"""
    seconds: float
    evaluation: Evaluation
    """that with the score"""
    others: tuple[Evaluation, ...] = ()
    """of the same checkpoint, by the other extractors that metrics need"""

    @property
    def every(self) -> tuple[Evaluation, ...]:
        """All of the checkpoint."""
        return (self.evaluation, *self.others)

    @property
    def scores(self) -> dict[str, float]:
        """Those of all."""
        return {name: value for each in self.every for name, value in each.scores.items()}

    @model_serializer(mode="wrap")
    def _said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Files of before lack the others, and those without them are as they were."""
        return {n: v for n, v in dump(self).items() if n != "others" or v}


@dataclass(frozen=True)
class ScoredRun:
    """A run, or a folder of images, and its evaluations."""

    name: str
    """as on the command line"""
    requested: Sequence[Evaluation]
    """those of `gan evaluate`"""
    in_training: Sequence[Evaluation] = ()
    """those made in training"""
    averages: bool = False
    """whether a moving average of the generator is kept"""
    file: Path | None = None
    """where scores that a program gave were added with --out; None: it is a run's own file"""

    @property
    def every(self) -> list[Evaluation]:
        """All of them."""
        return [*self.in_training, *self.requested]

    def by(self, protocol: Protocol) -> list[Evaluation]:
        """Those of a protocol."""
        return [e for e in self.every if not protocol_differences([protocol, e.protocol])]

    @property
    def subjects(self) -> list[tuple[str, list[Evaluation]]]:
        """The scored things, by name, each with its evaluations.

        A run is one thing, with all its checkpoints; so is each set of images, and each checkpoint
        in a file that belongs to no run.
        """
        found: dict[tuple[object, ...], list[Evaluation]] = {}
        for each in self.every:
            is_set, own = each.step is None, self.file is None
            alone = (each.model, each.dataset, each.variant, each.step, each.images)
            thing = (each.model,) if is_set else () if own else alone
            found.setdefault(thing, []).append(each)
        return [(self._called(own[0], len(found)), own) for own in found.values()]

    def _called(self, one: Evaluation, of: int) -> str:
        """The name of what an evaluation is of, next to others."""
        if one.step is not None and self.file is None:
            return self.name
        if of == 1:
            return self.name
        twins = {e.images for e in self.every if (e.model, e.step) == (one.model, one.step)}
        is_one_of_many = one.step is not None and len(twins) > 1
        return one.model + (f" [{one.images[:8]}]" if is_one_of_many else "")

    def nearest(self, protocol: Protocol) -> Evaluation:
        """The one whose protocol differs from this in the fewest fields."""
        return min(self.every, key=lambda e: len(protocol_differences([protocol, e.protocol])))


def next_training_evaluation(
    before: Sequence[TrainingEvaluation],
    found: Evaluation,
    by: str,
    seconds: float,
    there: Collection[int],
    *,
    others: Sequence[Evaluation] = (),
) -> TrainingEvaluation:
    """The next line of evaluations.jsonl.

    Args:
        before: the lines so far; those of another protocol, or without this score, do not compete.
        found: the new one.
        by: the score that checkpoints are chosen by.
        seconds: how long it took.
        there: steps whose checkpoints exist.
        others: of the same checkpoint, without the score.
    """
    rivals = [
        each.evaluation
        for each in before
        if by in each.evaluation.scores
        and not protocol_differences([each.evaluation.protocol, found.protocol])
    ]
    score = score_named(by)
    step = found.step or 0
    best, value = step, found.scores[by]
    # Backwards, so that of equals the earliest wins.
    for rival in reversed(rivals):
        if rival.step in there and not score.is_better(value, rival.scores[by]):
            best, value = rival.step or 0, rival.scores[by]
    of, rest = len(rivals) + 1, tuple(others)
    return TrainingEvaluation(
        step=step, by=by, best=best, of=of, seconds=seconds, evaluation=found, others=rest
    )


def training_evaluations(run: Run) -> list[TrainingEvaluation]:
    """The evaluations made in training, up to a line that is not one."""
    found = []
    for row in run.evaluations():
        try:
            found.append(model_from(TrainingEvaluation, row, run.evaluations_file))
        except ForeignTextError:
            break
    return found


def read_evaluations(file: Path) -> list[Evaluation]:
    """The evaluations of `gan evaluate`, from a run's evaluation.json.

    Raises:
        RunError: they cannot be read.
    """
    try:
        rows = json_from(file.read_bytes(), file)
        if not isinstance(rows, list):
            raise ForeignTextError(f"{file} is not a list of evaluations")
        return [model_from(Evaluation, each, file) for each in rows]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(file, error) from error
    except ForeignTextError as error:
        raise RunError(f"{error}; move it away, then rerun the command") from error


def write_evaluations(file: Path, found: Sequence[Evaluation]) -> None:
    """Write evaluations as such a file."""
    rows = [each.model_dump(mode="json") for each in found]
    write_atomically(file, json.dumps(rows, indent=1).encode())


def append_evaluations(file: Path, new: Sequence[Evaluation], lock: Path) -> None:
    """Add evaluations to such a file.

    Args:
        file: it need not exist yet.
        new: what is added.
        lock: a lock file, for several processes may append at the same time.
    """
    with locked(lock):
        write_evaluations(file, [*read_evaluations(file), *new])
