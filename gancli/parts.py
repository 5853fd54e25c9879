"""What parts of your own are made of: the base classes, and the types they give and take."""

from gancli.data import Dataset, DataSpec
from gancli.types import DataShape, DiscriminatorOutput, GeneratorNet, Latent, Sample

__all__ = [
    "DataShape",
    "DataSpec",
    "Dataset",
    "DiscriminatorOutput",
    "GeneratorNet",
    "Latent",
    "Sample",
]
