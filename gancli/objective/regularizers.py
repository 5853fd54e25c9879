"""Terms that hold a player close to something: to statistics of reals, or to its own past."""

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gancli.objective.adversarial import BOTH
from gancli.objective.context import Context, Read, Side, TermState
from gancli.objective.term import TERMS, Term
from gancli.types import DiscriminatorOutput


@TERMS.register("feature_matching")
class FeatureMatching(Term):
    """Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1, arXiv:1606.03498.

    The generator matches the mean of the discriminator's features. In the paper this takes the
    place of its adversarial loss; here it is added to that.
    """

    def generator(self, context: Context) -> Tensor:
        """Squared distance between the mean features of reals and fakes.

        Raises:
            ValueError: the discriminator has no features.
        """
        outputs = context.real_output, context.fake_output
        real, fake = (context.batch_mean(_features(output)) for output in outputs)
        return (real.detach() - fake).square().sum()

    def reads(self, side: Side) -> frozenset[Read]:
        """Both outputs, for their features."""
        del side
        return BOTH

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return "|mean h(x) - mean h(G(z))|^2"


def _features(output: DiscriminatorOutput) -> Tensor:
    if output.features is None:
        raise ValueError("this discriminator has no features to match")
    return output.features


@TERMS.register("logit_anchor")
class LogitAnchor(Term):
    """Tseng et al. 2021, "Regularizing GANs under Limited Data" (LeCam, arXiv:2104.03310), eq. 5.

    Logits stay near the moving averages of the other kind's, a and b. Here the averages are those
    of before the turn, in the paper those of after it: it makes a factor of `decay` in a and b.
    """

    decay: float = Field(default=0.99, ge=0, lt=1)
    """of the moving averages"""

    def discriminator(self, context: Context) -> Tensor:
        """Squared distances of the reals' logits from b, and of the fakes' from a."""
        real, fake = context.real_output.logit, context.fake_output.logit
        context.observe("real", real.mean())
        context.observe("fake", fake.mean())
        a, b = (context.state[name].to(real) for name in ("mean_real", "mean_fake"))
        return (real - b).square().mean() + (fake - a).square().mean()

    def reads(self, side: Side) -> frozenset[Read]:
        """Both outputs."""
        del side
        return BOTH

    def initial(self) -> Mapping[str, float]:
        """The moving averages of the logits."""
        return {"mean_real": 0.0, "mean_fake": 0.0}

    def advance(self, side: Side, state: TermState, seen: TermState) -> TermState:
        """Both averages, moved towards what was seen."""
        del side
        share = 1 - self.decay
        return {
            name: mean.lerp(seen[name.removeprefix("mean_")].to(mean), share)
            for name, mean in state.items()
        }

    def penalizes(self) -> bool:
        """Always."""
        return True

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return "mean (r - b)^2 + mean (f - a)^2"
