"""What a generator learns beside deceiving the discriminator."""

from torch import Tensor

from gancli.objective.term import GeneratorScene, Side, Term


class LatentReconstruction(Term):
    """Srivastava et al. 2017 (VEEGAN), eq. 3: the noise must be found again in what it made.

    The generator's turn trains the reconstructor, too, and by this summand alone.
    """

    averaged: bool = True
    """mean over the noise's dimensions; otherwise half their sum, minus a unit normal's log-density
    up to a constant"""

    def generator(self, scene: GeneratorScene) -> Tensor:
        """Squared distance of the guess from the noise, a mean over the batch.

        Raises:
            ValueError: no reconstructor is there to guess.
        """
        z, reconstructor = scene.fake.z, scene.reconstructor
        if z is None or reconstructor is None:
            raise ValueError("latent reconstruction takes a reconstructor and the fakes' noise")
        squared = (reconstructor(scene.fake.x) - z).square()
        return squared.mean() if self.averaged else squared.sum(1).mean() / 2

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return "mean_ij (R(G(z)) - z)^2" if self.averaged else "1/2 mean |R(G(z)) - z|^2"

    def needs_reconstructor(self) -> bool:
        """Always."""
        return True
