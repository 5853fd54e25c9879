"""The objective: what each player loses, as terms, what holds for its weights, and views.

A new term is a class registered under its table's name, here or in a plugin.
"""

# A loss sums its terms in the order in which they are registered, so that this order of the
# imports is part of the result.
from gancli.objective.adversarial import Adversarial, SeparateAdversarial

# isort: split
from gancli.objective.penalties import R1, R2, GradientPenalty

# isort: split
from gancli.objective.auxiliary import ClassLoss, LatentReconstruction

# isort: split
from gancli.objective.mutual_information import MutualInformation
from gancli.objective.orthogonality import Orthogonality

# isort: split
from gancli.objective.constraints import WeightClip

# isort: split
from gancli.objective.equilibrium import Equilibrium
from gancli.objective.regularizers import FeatureMatching, LogitAnchor
from gancli.objective.relativistic import RelativisticAverageHinge, RelativisticPairing
from gancli.objective.views import DifferentiableAugmentation

# isort: split
from gancli.objective.objective import Objective

__all__ = [
    "R1",
    "R2",
    "Adversarial",
    "ClassLoss",
    "DifferentiableAugmentation",
    "Equilibrium",
    "FeatureMatching",
    "GradientPenalty",
    "LatentReconstruction",
    "LogitAnchor",
    "MutualInformation",
    "Objective",
    "Orthogonality",
    "RelativisticAverageHinge",
    "RelativisticPairing",
    "SeparateAdversarial",
    "WeightClip",
]
