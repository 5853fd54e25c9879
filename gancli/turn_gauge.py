"""How a turn went, in addition to its losses: gradients, moves of the weights, separation.

docs/health.md says what each measure tells, and what it does not.
"""

from collections.abc import Collection, Mapping
from math import fsum

import torch
from torch import Tensor

from gancli.networks import singular_values
from gancli.objective.adversarial import Adversarial
from gancli.objective.context import Scene, wide
from gancli.objective.take_turn import TurnWatch
from gancli.objective.turn import Turn
from gancli.types import Players

HEALTH = "health"
"""The middle of the names under which these measures are logged, e.g.
`discriminator.health.gradient_norm`."""
GAUGES = {
    "gradient_norm": "2-norm of all gradients of a player together",
    "update_ratio": "2-norm of what a step changes in a player's weights, over that of the weights",
    "accuracy_real": "share of the reals that the discriminator judges to be real",
    "accuracy_fake": "share of the fakes that the discriminator judges to be fake",
    "logit_gap": "mean logit of reals minus that of fakes",
    "penalty_share": "sum of the penalties' absolute values over that of all terms of the loss",
    "clipped": "share of the discriminator's parameters at the clipping bound",
    "sigma": "largest singular value of any layer before spectral norm divides by it",
}
"""Each measure, in words."""
LEAST_LENGTH = 1e-12
"""Of weights, so that a step away from weights of 0 has a finite ratio."""


def is_gauge(name: str) -> bool:
    """Whether a logged value is one of these measures."""
    return f".{HEALTH}." in name


def penalty_shares(means: Mapping[str, float], penalties: Collection[str]) -> dict[str, float]:
    """The share of penalties in the loss of each turn that has some, in [0, 1].

    The sum of the absolute values of the weighted penalties over that of all weighted terms. Of
    means over many turns, so that a penalty that rests in most of them counts as it does in the
    long run.

    Args:
        means: of each weighted term, under TURN.TERM; others are not looked at.
        penalties: names of the terms that are penalties.

    Returns:
        Under TURN.health.penalty_share; of a turn whose terms are all 0, nothing.
    """
    turns: dict[str, dict[str, float]] = {}
    for name, mean in means.items():
        turn, _, term = name.partition(".")
        if "." not in term:
            turns.setdefault(turn, {})[term] = abs(mean)
    # fsum does not depend on the order, which a resumed run takes from its checkpoint.
    return {
        f"{turn}.{HEALTH}.penalty_share": fsum(terms[name] for name in held) / whole
        for turn, terms in turns.items()
        if (held := terms.keys() & set(penalties)) and (whole := fsum(terms.values())) > 0
    }


def gradient_ratio(row: Mapping[str, float]) -> float | None:
    """The generator's gradient norm over the discriminator's, of one row of metrics.jsonl.

    Both are logged, and the ratio is not. None: the row lacks one of them, or the discriminator's
    is 0.
    """
    generator, discriminator = (
        next((row[name] for name in (alone, together) if name in row), None)
        for alone, together in (
            (f"{player}.{HEALTH}.gradient_norm", f"{player}.{HEALTH}.{player}_gradient_norm")
            for player in ("generator", "discriminator")
        )
    )
    return generator / discriminator if generator is not None and discriminator else None


class TurnGauge(TurnWatch):
    """Measures one turn: made before it, asked within it, with numbers that stay on the device.

    Of each player that steps it gives, under TURN.health:

    - `gradient_norm`: the 2-norm of all of its gradients together;
    - `update_ratio`: the 2-norm of what its optimiser (and a constraint) moved, over that of its
      weights before;

    and of a turn of the discriminator, whose logits are those of before the move,

    - `accuracy_real`, `accuracy_fake`: shares of the batch on their own side of the loss's boundary
      (e.g. 0 of logits, the middle of the targets of least squares), or, of a loss without one, of
      the middle between the means of both; what lies on the boundary counts half;
    - `logit_gap`: mean logit of reals minus that of fakes;
    - `clipped`: share of parameters at the bound of a weight clip, or beyond;
    - `sigma`: the largest singular value of any layer under spectral norm, before it is divided.

    `take` averages them over the processes, so that all have the same: of gradients and weights
    they are the run's; a boundary between means is that of each process's part of the batch.
    """

    def __init__(self, turn: Turn, players: Players, adversarial: Adversarial) -> None:
        super().__init__()
        self._turn, self._players, self._adversarial = turn, players, adversarial
        self._steppers = {name: list(players.weights[name]) for name in turn.steppers}
        self._before: dict[str, list[Tensor]] = {}

    @torch.no_grad()
    def stepping(self) -> None:
        """The gradients are there, and no weight has moved."""
        for name, weights in self._steppers.items():
            grads = [weight.grad for weight in weights if weight.grad is not None]
            self._say(name, "gradient_norm", _norm(grads))
            self._before[name] = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def stepped(self, scene: Scene) -> None:
        """The weights are the turn's last."""
        for name, weights in self._steppers.items():
            moved = self._before.pop(name)
            length = _norm(moved).clamp_min(LEAST_LENGTH)
            # In place: the weights of before are not needed any more.
            torch._foreach_sub_(moved, list[Tensor](weights))
            self._say(name, "update_ratio", _norm(moved) / length)
        if self._turn.name == "discriminator":
            self._separation(scene)
            self._constraints()

    def _separation(self, scene: Scene) -> None:
        if scene.real_output is None or scene.fake_output is None:
            return
        # Half types would round the means, and a gap is the small difference of two.
        real, fake = (wide(out.logit.detach()) for out in (scene.real_output, scene.fake_output))
        boundary: Tensor | float | None = self._adversarial.boundary
        if boundary is None:
            boundary = (real.mean() + fake.mean()) / 2
        self._say("discriminator", "accuracy_real", _positive(real - boundary))
        self._say("discriminator", "accuracy_fake", _positive(boundary - fake))
        self._say("discriminator", "logit_gap", real.mean() - fake.mean())

    def _constraints(self) -> None:
        net = self._players.discriminator
        for constraint in self._turn.constraints:
            for name, value in constraint.gauge(net).items():
                self._say("discriminator", name, value)
        sigmas = singular_values(net)
        if sigmas is not None:
            self._say("discriminator", "sigma", sigmas.max())

    def _say(self, player: str, name: str, value: Tensor) -> None:
        """A turn of several players has a measure of each, one of its own keeps the short name."""
        alone = len(self._steppers) == 1
        self.measures[f"{HEALTH}.{name}" if alone else f"{HEALTH}.{player}_{name}"] = value


def _positive(values: Tensor) -> Tensor:
    """The share of positive ones; zeros count half."""
    return values.sign().mean() / 2 + 0.5


def _norm(tensors: list[Tensor]) -> Tensor:
    """The 2-norm of all numbers of one or more tensors."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
    return norm
