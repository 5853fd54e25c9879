"""How a turn went, in addition to its losses: gradients, moves of the weights, separation."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from gancli.networks import singular_values
from gancli.objective.adversarial import Adversarial
from gancli.objective.context import Scene
from gancli.objective.take_turn import TurnWatch
from gancli.objective.turn import Turn
from gancli.types import Players

HEALTH = "health"
"""The middle of the names under which these measures are logged, e.g.
`discriminator.health.gradient_norm`."""
GAUGES = {
    "gradient_norm": "norms of the gradients",
    "update_ratio": "how far a step moves the weights, as a share of their norm",
    "accuracy_real": "reals that the discriminator tells right, as a share of the batch",
    "accuracy_fake": "fakes that the discriminator tells right, as a share of the batch",
    "logit_gap": "mean logit of reals minus that of fakes",
    "clipped": "share of the discriminator's parameters at the clipping bound",
    "sigma": "largest singular value of a layer, before spectral norm divides by it",
}
"""Each measure, in words."""


def is_gauge(name: str) -> bool:
    """Whether a logged value is one of these measures."""
    return f".{HEALTH}." in name


class TurnGauge(TurnWatch):
    """Measures one turn: made before it, asked within it, with numbers that stay on the device.

    Of each player that steps (D and G below) it gives, under TURN.health:

    - `gradient_norm`: the 2-norm of all of its gradients together;
    - `update_ratio`: the 2-norm of what its optimiser (and a constraint) moved, over that of its
      weights; for Adam about the learning rate where all goes well;

    and of a turn of the discriminator

    - `accuracy_real`, `accuracy_fake`: shares of the batch on their own side of the loss's boundary
      (0 of logits, the middle of the targets of least squares), or, of a loss without one, of the
      middle between the means of both;
    - `logit_gap`: mean logit of reals minus that of fakes;
    - `clipped`: share of parameters at the bound of a weight clip;
    - `sigma`: the largest singular value of any layer under spectral norm, before it is divided.
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
            before = self._before.pop(name)
            moved = torch._foreach_sub(list[Tensor](weights), list[Tensor](before))
            self._say(name, "update_ratio", _norm(moved) / _norm(before))
        if "discriminator" in self._steppers:
            self._separation(scene)
            self._constraints()

    def _separation(self, scene: Scene) -> None:
        if scene.real_output is None or scene.fake_output is None:
            return
        real, fake = scene.real_output.logit.detach(), scene.fake_output.logit.detach()
        boundary: Tensor | float | None = self._adversarial.boundary
        if boundary is None:
            boundary = (real.mean() + fake.mean()) / 2
        self._say("discriminator", "accuracy_real", (real > boundary).float().mean())
        self._say("discriminator", "accuracy_fake", (fake < boundary).float().mean())
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
        alone = len(self._steppers) == 1 or player not in self._steppers
        self.measures[f"{HEALTH}.{name}" if alone else f"{HEALTH}.{player}_{name}"] = value


def _norm(tensors: Sequence[Tensor] | Iterable[Tensor]) -> Tensor:
    """The 2-norm of all numbers of some tensors, in float32 at least."""
    norms = torch._foreach_norm(list(tensors))
    return torch.stack([norm.float() for norm in norms]).norm() if norms else torch.zeros(())
