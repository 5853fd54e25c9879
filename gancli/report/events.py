"""What one listener tells the others of evaluations, in addition to the trainer's events."""

from dataclasses import dataclass

from gancli.checkpoint import Header
from gancli.evaluation.results import Examined
from gancli.trainer import Event


@dataclass(frozen=True)
class Evaluating(Event):
    """The checkpoint of this step is being evaluated."""

    done: int
    total: int
    unit: str
    """what is counted"""


@dataclass(frozen=True)
class Evaluated(Event):
    """The checkpoint of this step was evaluated, and the scores were written."""

    found: Examined
    header: Header
    """of the checkpoint"""
