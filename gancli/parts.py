"""What parts of your own are made of: the base classes, and the types they give and take."""

from gancli.data import Dataset, DataSpec
from gancli.networks import DiscriminatorSpec, GeneratorSpec
from gancli.objective import Adversarial
from gancli.objective.context import Context, Read, Side, TermState, View, input_gradient
from gancli.objective.term import Constraint, Term
from gancli.optimizers import OptimizerSpec
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Sample,
)

__all__ = [
    "Adversarial",
    "Constraint",
    "Context",
    "DataShape",
    "DataSpec",
    "Dataset",
    "DiscriminatorNet",
    "DiscriminatorOutput",
    "DiscriminatorSpec",
    "GeneratorNet",
    "GeneratorSpec",
    "Latent",
    "OptimizerSpec",
    "Prior",
    "Read",
    "Sample",
    "Side",
    "Term",
    "TermState",
    "View",
    "input_gradient",
]
