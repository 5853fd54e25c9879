"""Which of a run's evaluations stand for it, and how their checkpoints were chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gancli.evaluation.protocol import Evaluation, differences
from gancli.evaluation.results import HIGHER_IS_BETTER, LOWER_IS_BETTER, is_better
from gancli.evaluation.spec import Metric
from gancli.runs.folder import LAST

BEST_OF = "best of"
METRIC_OF: dict[str, Metric] = {
    "fid": "fid",
    "intra_fid": "intra-fid",
    "kid": "kid",
    "inception_score": "is",
    "precision": "prc",
    "recall": "prc",
    "density": "dc",
    "coverage": "dc",
}
"""What a score comes with, where it has to be asked for."""
RANKED = HIGHER_IS_BETTER | LOWER_IS_BETTER


@dataclass(frozen=True)
class Entry:
    """An evaluation that stands for its run."""

    evaluation: Evaluation
    how: str
    """how its checkpoint was chosen, in words"""

    @property
    def is_chosen(self) -> bool:
        """Whether it is the best of several, which flatters it beside a last one."""
        return self.how.startswith(BEST_OF)


def alike(found: Iterable[Evaluation]) -> list[list[Evaluation]]:
    """The evaluations in groups whose scores compare, the group with the newest one last."""
    groups: list[list[Evaluation]] = []
    for each in sorted(found, key=lambda e: e.made):
        own = [g for g in groups if not differences([g[0].protocol, each.protocol])]
        group = own[0] if own else []
        groups = [other for other in groups if other is not group] + [[*group, each]]
    return groups


def ranked_by(group: Sequence[Evaluation], wanted: str | None = None) -> str | None:
    """The score wanted; else the first that all of them have and that ranks; None: there is none.

    Args:
        group: evaluations that compare.
        wanted: a score's name, taken where all have it.
    """
    shared = [n for n in group[0].scores if n in RANKED and all(n in e.scores for e in group)]
    return wanted if wanted in shared else next(iter(shared), None)


def entries(group: Sequence[Evaluation], by: str, always: Sequence[Evaluation] = ()) -> list[Entry]:
    """The best and the last of one run's evaluations that compare, by step.

    Args:
        group: the evaluations, the newest of a checkpoint counting.
        by: the score by which one is best; those without it are passed over.
        always: those of the group that are entries, too.
    """
    of_step = {e.step: e for e in sorted(group, key=lambda e: e.made) if by in e.scores}
    steps = sorted(of_step, key=lambda step: -1 if step is None else step)
    if not steps:
        return []
    best = steps[0]
    for step in steps[1:]:
        if is_better(by, of_step[step].scores[by], of_step[best].scores[by]):
            best = step
    wanted = {best, steps[-1], *(e.step for e in always)}

    def how(step: int | None) -> str:
        said = of_step[step].selection
        last = step == steps[-1]
        if said.startswith(BEST_OF):
            return said
        if step == best and len(steps) > 1:
            return f"{BEST_OF} {len(steps)} by {by}" + (", and last" if last else "")
        return said if len(steps) == 1 else LAST if last else "by its step"

    return [Entry(of_step[step], how(step)) for step in steps if step in wanted]
