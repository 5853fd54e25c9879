"""Registers parts of your own; a plugin is a file or a package that does so when it is imported.

Each function is a decorator that takes the name by which presets know the part. A name that is
taken is refused; the same definition again, as in a notebook's cell that is run twice, replaces the
first.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, get_args

from gancli.errors import UsageError
from gancli.plugin_records import record_scores
from gancli.registry import Registry
from gancli.settings import Settings

if TYPE_CHECKING:
    from gancli.data import DataSpec
    from gancli.evaluation.metrics import Metric
    from gancli.networks import DiscriminatorSpec, GeneratorSpec
    from gancli.objective.term import ObjectivePart
    from gancli.optimizers import OptimizerSpec

    _Table = TypeVar("_Table", bound=type[ObjectivePart])
    _Generator = TypeVar("_Generator", bound=GeneratorSpec)
    _Discriminator = TypeVar("_Discriminator", bound=DiscriminatorSpec)
    _Optimizer = TypeVar("_Optimizer", bound=OptimizerSpec)
    _Measure = TypeVar("_Measure", bound=Metric)
    _Data = TypeVar("_Data", bound=DataSpec)

_Part = TypeVar("_Part", bound=Settings)
_Named = TypeVar("_Named", bound=Settings)


def term(name: str) -> "Callable[[_Table], _Table]":
    """Register a table of the objective: `[objective.NAME]` in a preset.

    The class is a `gancli.parts.Term` (a summand of a loss), a `gancli.parts.Adversarial` (the one
    loss of the logits), a `gancli.parts.Constraint` (what holds for weights) or a
    `gancli.parts.View` (how the discriminator sees every sample); its fields are the table's.

    Raises:
        UsageError: the name is taken.
    """
    from gancli.objective.term import TERMS

    return TERMS.register(name)


def generator(name: str) -> "Callable[[type[_Generator]], type[_Generator]]":
    """Register a family of generators: `family = "NAME"` in a preset's `[generator.network]`.

    The class is a `gancli.parts.GeneratorSpec` with a field `family: Literal["NAME"] = "NAME"`; its
    fields are the table's, and it builds a `gancli.parts.GeneratorNet`.

    Raises:
        UsageError: the name is taken, or the class does not have that field.
    """
    from gancli.networks import GENERATORS

    return _tagged(GENERATORS, name, "family")


def discriminator(name: str) -> "Callable[[type[_Discriminator]], type[_Discriminator]]":
    """Register a family of discriminators: `family = "NAME"` in `[discriminator.network]`.

    The class is a `gancli.parts.DiscriminatorSpec` with a field `family: Literal["NAME"] = "NAME"`;
    its fields are the table's, and it builds a `gancli.parts.DiscriminatorNet`.

    Raises:
        UsageError: the name is taken, or the class does not have that field.
    """
    from gancli.networks import DISCRIMINATORS

    return _tagged(DISCRIMINATORS, name, "family")


def metric(name: str) -> "Callable[[type[_Measure]], type[_Measure]]":
    """Register a metric: `gan evaluate --NAME`; a preset's `schedule.evaluate_by` takes its scores.

    The class is a `gancli.parts.Metric` whose `entry`, a `gancli.parts.MetricEntry`, is of this
    name and lists its scores; it says what it needs of the images' features, and computes.

    Raises:
        UsageError: the name, or that of a score, is taken, or the entry has another name.
    """
    from gancli.evaluation.metrics import METRICS

    def add(kind: "type[_Measure]") -> "type[_Measure]":
        METRICS.register(name)(kind)
        record_scores(kind, [score.name for score in kind.entry.scores])
        return kind

    return add


def dataset(name: str) -> "Callable[[type[_Data]], type[_Data]]":
    """Register a kind of data set: `kind = "NAME"` in a preset's `[data]`.

    The class is a `gancli.parts.DataSpec` with a field `kind: Literal["NAME"] = "NAME"`; it says
    the shape of a sample, loads the data, and turns what a generator makes into samples.

    Raises:
        UsageError: the name is taken, or the class does not have that field.
    """
    from gancli.data import KINDS

    return _tagged(KINDS, name, "kind")


def optimizer(name: str) -> "Callable[[type[_Optimizer]], type[_Optimizer]]":
    """Register a kind of optimiser: `kind = "NAME"` in a preset's `[optimizer]`.

    The class is a `gancli.parts.OptimizerSpec` with a field `kind: Literal["NAME"] = "NAME"`; its
    fields are the table's, and it builds a torch optimiser.

    Raises:
        UsageError: the name is taken, or the class does not have that field.
    """
    from gancli.optimizers import OPTIMIZERS

    return _tagged(OPTIMIZERS, name, "kind")


def _tagged(
    parts: "Registry[type[_Part]]", name: str, tag: str
) -> "Callable[[type[_Named]], type[_Named]]":
    """Register what a field of its own tells apart from others."""

    def add(part: type[_Named]) -> type[_Named]:
        field = part.model_fields.get(tag)
        if field is None or get_args(field.annotation) != (name,):
            raise UsageError(
                f"presets know {part.__name__} by its field {tag}: give it the line "
                f'{tag}: Literal["{name}"] = "{name}"'
            )
        return parts.register(name)(part)

    return add
