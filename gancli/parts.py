"""Base classes for parts of your own, and the types that their methods take and return."""

from gancli.data import Dataset, DataSpec
from gancli.evaluation.features import FeatureNeeds, FeatureSet
from gancli.evaluation.intervals import Influences, Share, Uncertainty
from gancli.evaluation.metrics import ImageCounts, Metric, MetricInputs
from gancli.networks import DiscriminatorSpec, GeneratorSpec
from gancli.objective import Adversarial
from gancli.objective.context import Context, Read, Side, TermState, View, input_gradient
from gancli.objective.term import Constraint, Term
from gancli.optimizers import OptimizerSpec
from gancli.prior import Prior
from gancli.scores import MetricEntry, MetricSetting, Score
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
    "FeatureNeeds",
    "FeatureSet",
    "GeneratorNet",
    "GeneratorSpec",
    "ImageCounts",
    "Influences",
    "Latent",
    "Metric",
    "MetricEntry",
    "MetricInputs",
    "MetricSetting",
    "OptimizerSpec",
    "Prior",
    "Read",
    "Sample",
    "Score",
    "Share",
    "Side",
    "Term",
    "TermState",
    "Uncertainty",
    "View",
    "input_gradient",
]
