"""The evaluations that a run keeps: those that were asked for, and those made while it trained."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from gancli.errors import RunError
from gancli.evaluation.protocol import Evaluation, differences
from gancli.files import disk_errors, write_atomically
from gancli.runs.folder import Run
from gancli.settings import Settings

HIGHER_IS_BETTER = frozenset(
    {"inception_score", "precision", "recall", "density", "coverage", "recognised"}
)
LOWER_IS_BETTER = frozenset({"fid", "kid", "intra_fid"})


class Examined(Settings):
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


def is_better(name: str, value: float, other: float) -> bool:
    """Whether a value of this score is better than another."""
    return value > other if name in HIGHER_IS_BETTER else value < other


def examined_now(
    before: Sequence[Examined],
    found: Evaluation,
    by: str,
    seconds: float,
    there: Collection[int],
) -> Examined:
    """The next line of evaluations.jsonl.

    Args:
        before: the lines so far; those of another protocol, or without this score, do not compete.
        found: what was found now.
        by: the score that checkpoints are chosen by.
        seconds: how long it took.
        there: steps whose checkpoints there are.
    """
    rivals = [
        each.evaluation
        for each in before
        if by in each.evaluation.scores
        and not differences([each.evaluation.protocol, found.protocol])
    ]
    step = found.step or 0
    best, value = step, found.scores[by]
    # Backwards, so that of equals the earliest wins.
    for rival in reversed(rivals):
        if rival.step in there and not is_better(by, value, rival.scores[by]):
            best, value = rival.step or 0, rival.scores[by]
    return Examined(
        step=step, by=by, best=best, of=len(rivals) + 1, seconds=seconds, evaluation=found
    )


def examined(run: Run) -> list[Examined]:
    """The evaluations made in training, up to a line that is none of ours."""
    found = []
    for row in run.evaluations():
        try:
            found.append(Examined.model_validate(row))
        except ValidationError:
            break
    return found


def evaluations(file: Path) -> list[Evaluation]:
    """The evaluations that were asked for, from a run's evaluation.json.

    Raises:
        RunError: they cannot be read.
    """
    if not file.exists():
        return []
    try:
        return [Evaluation.model_validate(each) for each in json.loads(file.read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise RunError(
            f"{file} is damaged or of another version: move it away, and type the command again"
        ) from error


def keep(file: Path, found: Sequence[Evaluation]) -> None:
    """Write evaluations as such a file."""
    rows = [each.model_dump(mode="json") for each in found]
    write_atomically(file, json.dumps(rows, indent=1).encode())


def add(file: Path, found: Sequence[Evaluation], lock: Path) -> None:
    """Add evaluations to such a file.

    Args:
        file: maybe not there yet.
        found: what is added.
        lock: a file that keeps other processes from adding at the same time.
    """
    with disk_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        keep(file, [*evaluations(file), *found])
