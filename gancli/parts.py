"""What parts of your own are made of: the base classes, and the types they give and take."""

from gancli.data import Dataset, DataSpec
from gancli.objective import Adversarial
from gancli.objective.context import Context, Read, Side, State, View, input_gradient
from gancli.objective.term import Constraint, Term
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
    "GeneratorNet",
    "Latent",
    "Read",
    "Sample",
    "Side",
    "State",
    "Term",
    "View",
    "input_gradient",
]
