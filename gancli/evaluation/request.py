"""What an evaluation is asked for, in plain values: the command and the library fill it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import get_args

from gancli.defaults import (
    EVALUATION_COUNT,
    IMAGES_AT_ONCE,
    MEMORY_GIB,
    QUICK_COUNT,
    QUICK_RESAMPLES,
)
from gancli.errors import UsageError
from gancli.evaluation.extractors import classifies
from gancli.evaluation.folded import Forward
from gancli.evaluation.metrics import METRICS, Metric
from gancli.evaluation.protocol import ClassesAs
from gancli.score_words import metric_meant
from gancli.scores import METRIC_TABLE, metric_options, quick_metrics, setting_named


@dataclass(frozen=True)
class ExtractorWeights:
    """The weights of the feature network."""

    file: Path | None = None
    """None: the published ones, downloaded where they are not there"""
    trusted: bool = False
    """whether to take weights that are not the published ones"""


_OPTIONS = {
    "everything": "all",
    "is_quick": "quick",
    "memory_gib": "memory-budget",
    "resamples": "bootstrap",
}
"""Options whose fields of a request have other names."""


def _option(name: str, value: object) -> str:
    """The option, as it was typed, that a field of a request has its value from."""
    if isinstance(value, ExtractorWeights):
        return "--trust-weights" if value.file is None else "--weights"
    if isinstance(value, Mapping):
        return f"--{next(iter(value))}"
    # Each way to compute the network has an option of its own name.
    return f"--{value if name == 'forward' else _OPTIONS.get(name, name.replace('_', '-'))}"


@dataclass(frozen=True)
class EvaluationRequest:
    """Which metrics, of how many images, compared with what; None: the default.

    Raises:
        UsageError: there is no metric of a name.
    """

    metrics: tuple[str, ...] = ()
    """none: FID and, where the extractor classifies, the Inception score"""
    everything: bool = False
    """whether to add all metrics that can be computed"""
    is_quick: bool = False
    """whether few images on either side are enough where nothing else is asked for"""
    count: int | None = None
    """images to generate; None: as many as the metrics are defined for, else `usual_count`"""
    per_class: int | None = None
    """images of each class to generate"""
    classes_as: ClassesAs | None = None
    """how many images of each class: the same number, or in the reference's proportions; None: the
    same number where the reference's classes are about equally frequent"""
    raw: bool = False
    """whether to take the weights as trained, even where there is a moving average"""
    reference: str | None = None
    """train, test, both or a path of images or of their statistics; None: train"""
    images_key: str | None = None
    """the array of the images in each npz that has one of this name; None: `images`, or `arr_0`"""
    held_out: Path | None = None
    """images the generator has not seen; None: the test split, where there is one"""
    dataset: str | None = None
    """the data set that `reference` is a split of, for image files"""
    data_dir: Path | None = None
    """folder of named data sets"""
    extractor: str | None = None
    """None: that of the metrics, else `mnist` for MNIST, else `inception`"""
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)
    forward: Forward = "folded"
    """how a published network is computed: `exact`, as it was published; `fast`, in bfloat16"""
    batch_size: int = IMAGES_AT_ONCE
    memory_gib: float = MEMORY_GIB
    resamples: int = 0
    """of the bootstrap; 0: no intervals"""
    settings: Mapping[str, int] = field(default_factory=dict)
    """of the metrics, by name, e.g. `kid-subsets`; those left out have their defaults"""

    reference_count: int | None = None
    """the most real images to compare with, always the same ones; None: all, or `QUICK_COUNT`"""

    is_part: bool = False
    """whether it is one of the parts of a request, each of which needs an extractor of its own"""
    more: str = "raise --count"
    """what to do to generate more images, where they are too few"""

    def __post_init__(self) -> None:
        options = [entry.name for entry in metric_options()]
        meant = tuple(dict.fromkeys(map(metric_meant, self.metrics)))
        object.__setattr__(self, "metrics", meant)
        unknown = [name for name in meant if name not in options]
        if unknown:
            raise UsageError(f"no metric {unknown[0]}: choose from {', '.join(options)}")
        if self.classes_as not in (None, *get_args(ClassesAs)):
            raise UsageError(
                f"--classes-as {self.classes_as} is neither {' nor '.join(get_args(ClassesAs))}"
            )
        for name, value in self.settings.items():
            least = setting_named(name).least
            if value < least:
                raise UsageError(f"--{name} is {value}, and must be at least {least}")

    def by_extractor(self) -> "list[EvaluationRequest]":
        """This request, in parts where metrics are defined for several extractors.

        Metrics that take any extractor come first, together.

        Raises:
            UsageError: there are several parts, and one file of weights.
        """
        own = {name: METRIC_TABLE[name].extractor for name in self.metrics}
        free = tuple(name for name in own if own[name] is None)
        if self.extractor is not None or not any(own.values()):
            return [self._counted()]
        parts = [replace(self, metrics=free)] if free or self.everything else []
        for extractor in dict.fromkeys(each for each in own.values() if each is not None):
            names = tuple(name for name in own if own[name] == extractor)
            parts.append(replace(self, metrics=names, extractor=extractor, everything=False))
        if len(parts) > 1 and self.weights.file is not None:
            bound = " ".join(f"--{name}" for name in own if name not in free)
            raise UsageError(
                f"--weights names the weights of one extractor, and {bound} needs one of its own: "
                f"evaluate {bound} in a command of its own, or leave --weights out"
            )
        return [part._counted() for part in self._shared_out(parts)]

    def _counted(self) -> "EvaluationRequest":
        """With the number of images that its metrics are defined for, if it is one."""
        counts = {METRIC_TABLE[name].count for name in self.metrics}
        if len(counts) != 1 or self.everything or self.per_class is not None:
            return self
        return replace(self, count=self.count or counts.pop())

    def _shared_out(self, parts: "list[EvaluationRequest]") -> "list[EvaluationRequest]":
        """Parts of it, each with what concerns it; the first has what concerns none of them."""
        if len(parts) == 1:
            return parts
        own = [{s.name for n in each.metrics for s in METRIC_TABLE[n].settings} for each in parts]
        own[0] = {*own[0], *self.settings} - set().union(*own[1:])
        compares = any(each.looks_at_reals for each in parts)
        found = []
        for each, names in zip(parts, own, strict=True):
            settings = {name: value for name, value in self.settings.items() if name in names}
            known = each if each.looks_at_reals or not compares else each._without_reals()
            found.append(replace(known, settings=settings, is_part=True))
        return found

    def _without_reals(self) -> "EvaluationRequest":
        """Without what needs real images."""
        rule = None if self.classes_as == "reference" else self.classes_as
        return replace(
            self,
            reference=None,
            reference_count=None,
            images_key=None,
            held_out=None,
            dataset=None,
            classes_as=rule,
        )

    def quick(self) -> "EvaluationRequest":
        """This request with the metrics that few images are enough for, and few images.

        An explicit choice stays: more metrics, other counts, other resamples.
        """
        able = self.extractor is None or classifies(self.extractor)
        few = (n for n in quick_metrics() if able or not METRICS[n].needs_classifier)
        return replace(
            self,
            metrics=tuple(dict.fromkeys((*few, *self.metrics))),
            is_quick=True,
            resamples=self.resamples or QUICK_RESAMPLES,
        )

    def typed(self) -> dict[str, str]:
        """The options that are not at their defaults, by their fields here."""
        plain, every = EvaluationRequest(), (each.name for each in fields(self))
        changed = {name: getattr(self, name) for name in every}
        return {
            name: _option(name, value)
            for name, value in changed.items()
            if value != getattr(plain, name)
        }

    @property
    def usual_count(self) -> int:
        """Images to generate where `count` is None."""
        return QUICK_COUNT if self.is_quick else EVALUATION_COUNT

    @property
    def most_files(self) -> int | None:
        """The most image files to score, always the same ones; None: all."""
        return QUICK_COUNT if self.is_quick else None

    @property
    def most_reals(self) -> int | None:
        """The most real images to compare with, always the same ones; None: all."""
        return self.reference_count or (QUICK_COUNT if self.is_quick else None)

    def _named(self) -> list[type[Metric]]:
        return [METRICS[name] for name in self.metrics]

    @property
    def goes_by_class(self) -> bool:
        """Whether images must have classes."""
        return self.per_class is not None or any(kind.goes_by_class for kind in self._named())

    @property
    def looks_at_training_images(self) -> bool:
        """Whether a metric may need what the generator learnt from, and what it has not seen."""
        named = any(kind.training_needs is not None for kind in self._named())
        return self.everything or named

    @property
    def looks_at_reals(self) -> bool:
        """Whether a metric may look at real images."""
        if self.everything or not self.metrics or self.looks_at_training_images:
            return True
        return any(kind.reference_needs is not None for kind in self._named())
