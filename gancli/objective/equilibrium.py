"""A balance between the players, kept by a factor that follows their losses."""

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gancli.objective.adversarial import BOTH, FAKE, Adversarial
from gancli.objective.context import Context, Read, Side, TermState
from gancli.objective.term import TERMS


@TERMS.register("equilibrium")
class Equilibrium(Adversarial):
    """Berthelot et al. 2017 (BEGAN, arXiv:1703.10717), section 3.4.

    The discriminator is an autoencoder, and its logit for a sample is minus the sample's
    reconstruction loss: r = -L(x), f = -L(G(z)). The factor k keeps E L(G(z)) near
    `diversity` E L(x).
    """

    diversity: float = Field(default=0.5, ge=0, le=1)
    """gamma: the fakes' loss in units of the reals' at equilibrium; a lower one makes samples
    sharper and more alike"""
    rate: float = Field(default=1e-3, gt=0)
    """lambda: by how much k moves in a turn"""

    def discriminator(self, context: Context) -> Tensor:
        """Reconstruct reals, and fakes badly, k times as eagerly."""
        real, fake = context.real_output.logit.mean(), context.fake_output.logit.mean()
        context.observe("real_loss", -real)
        context.observe("fake_loss", -fake)
        return context.state["k"].to(fake) * fake - real

    def generator(self, context: Context) -> Tensor:
        """Be reconstructed well."""
        return -context.fake_output.logit.mean()

    def reads(self, side: Side) -> frozenset[Read]:
        """Both outputs; the generator, that on its fakes."""
        return BOTH if side == "discriminator" else FAKE

    def initial(self) -> Mapping[str, float]:
        """The factor k, and M, the paper's measure of convergence."""
        return {"k": 0.0, "M": 0.0}

    def advance(self, side: Side, state: TermState, seen: TermState) -> TermState:
        """k <- k + lambda (gamma L(x) - L(G(z))), within [0, 1]."""
        if side != "discriminator":
            return state
        real, fake = (seen[name].to(state["k"]) for name in ("real_loss", "fake_loss"))
        lead = self.diversity * real - fake
        return {"k": (state["k"] + self.rate * lead).clamp(0, 1), "M": real + lead.abs()}

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        return "-mean f" if side == "generator" else "k mean f - mean r"
