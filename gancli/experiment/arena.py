"""Arenas: data sets whose modes are known, and how samples are measured there."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel

from gancli.data import (
    AnyData,
    Dataset,
    Mixture,
    StackedDigits,
    TorchvisionImages,
)
from gancli.data.stacked import DIGIT_CLASSES, DIGITS
from gancli.data.torchvision_images import SET_SPLITS
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.mnist_classifier import (
    DIGIT_SIDE,
    DigitClassifier,
    digit_reader,
)
from gancli.evaluation.mode_coverage import (
    FAIR_WORDS,
    MIN_CONFIDENCE,
    NEAR_WORDS,
    Assigned,
    assign_points,
    jensen_shannon,
    read_modes,
    reverse_kl,
    std_ratio,
)
from gancli.sampler import Samples
from gancli.scores import Score

MEASURED_SAMPLES = 10_000
MEASURED_STACKS = 26_000
"""Samples of a measurement: of points and digits, and of stacked digits as published."""
PUBLISHED_BLOCK = 2_500
"""Number of points that VEEGAN counts modes on."""

MIN_MEASUREMENTS = 5
"""Of points, however short the training; of digits they would take longer than it."""
MIN_SHOWN, MAX_SHOWN = 2, 5
"""Steps side by side before the last."""


class ModeCounts(BaseModel):
    """One measurement of a generator; None (a dash) where there is nothing to measure."""

    captured: float
    """modes with at least one high-quality sample"""
    held: float
    """modes with at least `FAIR_SHARE` of their fair share of the samples"""
    high_quality: float
    """share of the samples, in [0, 1]"""
    reverse_kl: float | None
    """KL(made || data) of the mode histogram, in nats"""
    jensen_shannon: float | None
    """of the mode histogram, in nats"""
    std_ratio: float | None = None
    """how wide the modes are made, in units of their true width (points)"""
    published_captured: float | None = None
    """modes captured as the tables in the literature count them: points on 2,500 samples, the mean
    over four draws; digits on all samples, whatever their quality"""
    published_high_quality: float | None = None
    """as published, on 2,500 points"""
    published_kl: float | None = None
    """as published: reverse KL over all digits"""


MODE_SCORES = (
    Score("held", "modes held", "higher", decimals=0, least=0.0, is_count=True),
    Score("high_quality", "quality", "higher", is_share=True),
    Score("captured", "captured", "higher", decimals=0, least=0.0, is_count=True),
    Score("reverse_kl", "rev. KL", "lower", least=0.0),
    Score("jensen_shannon", "JSD", "lower", least=0.0, most=math.log(2)),
    Score("std_ratio", "std ratio", least=0.0),
    Score("published_captured", "captured*", "higher", decimals=0, least=0.0, is_count=True),
    Score("published_high_quality", "quality*", "higher", is_share=True),
    Score("published_kl", "KL*", "lower", least=0.0),
)
"""The columns of `ModeCounts`; the starred are counted as in the literature's tables."""


@dataclass(frozen=True)
class Arena(ABC):
    """A data set whose modes are known."""

    name: str
    every: int
    """steps between two measurements"""
    shown: tuple[int, ...]
    """the steps whose pictures stand side by side"""
    samples: int
    """of a measurement"""
    modes: int

    def every_in(self, steps: int) -> int:
        """Steps between two measurements of a training of this length."""
        del steps
        return self.every

    def shown_in(self, steps: int) -> list[int]:
        """The steps whose pictures stand side by side in a training of this length."""
        shown = [step for step in self.shown if step < steps]
        if len(shown) < MIN_SHOWN:
            every = self.every_in(steps)
            shown = list(range(every, steps, every))[-MAX_SHOWN:]
        return [*shown, steps]

    @abstractmethod
    def examine(self, samples: Samples) -> ModeCounts:
        """Measure samples, as `gan sample` writes them."""

    def scores(self) -> tuple[Score, ...]:
        """What may be measured, as columns."""
        modes = float(self.modes)
        return tuple(replace(s, most=modes) if s.is_count else s for s in MODE_SCORES)

    def protocol(self, count: int) -> dict[str, str]:
        """How it is measured, in words, under a heading each.

        Args:
            count: samples of a measurement.
        """
        return {
            "modes": f"{self.modes:,} of {self.name}",
            "measured": f"{count:,} samples of fixed seeds",
            "a mode is held": FAIR_WORDS,
            "high quality": self.quality_words(),
            "starred columns": self.published_words(),
        }

    @abstractmethod
    def quality_words(self) -> str:
        """What a sample of high quality is."""

    @abstractmethod
    def published_words(self) -> str:
        """How the starred columns are counted."""

    @abstractmethod
    def real(self) -> Samples:
        """As many real samples as are measured, none of them trained on."""


@dataclass(frozen=True)
class PointArena(Arena):
    """A mixture of Gaussians."""

    data: Mixture

    def every_in(self, steps: int) -> int:
        """As always, or a fifth of a short training: a film of one picture shows nothing."""
        return min(self.every, -(-steps // MIN_MEASUREMENTS))

    def examine(self, samples: Samples) -> ModeCounts:
        """Measure points in data units."""
        points = samples.astype(np.float64)
        found = assign_points(points, self.data.centres(), self.data.std)
        blocks = [
            found.part(slice(start, start + PUBLISHED_BLOCK)).coverage()
            for start in range(0, len(points), PUBLISHED_BLOCK)
        ]
        return _measures(found).model_copy(
            update={
                "std_ratio": std_ratio(points, found, self.data.std),
                "published_captured": float(np.mean([block.captured for block in blocks])),
                "published_high_quality": float(np.mean([block.high_quality for block in blocks])),
            }
        )

    def quality_words(self) -> str:
        """What a sample of high quality is."""
        return NEAR_WORDS

    def published_words(self) -> str:
        """How the starred columns are counted."""
        return f"on {PUBLISHED_BLOCK:,} samples, the mean over four draws (Srivastava et al. 2017)"

    def real(self) -> Samples:
        """A new draw from the mixture."""
        points: Samples = self.data.new_points(self.samples)
        return points


@dataclass(frozen=True)
class DigitArena(Arena):
    """Handwritten digits, one or three per image, told apart by a classifier."""

    reader: Reader
    test: Dataset
    shares: NDArray[np.floating] = field(repr=False)

    def examine(self, samples: Samples) -> ModeCounts:
        """Measure uint8 images of (N, H, W, channels)."""
        channels = samples.shape[3]
        planes = torch.from_numpy(np.ascontiguousarray(samples)).permute(0, 3, 1, 2)
        labels, sure = self.reader.read(planes.reshape(-1, 1, *planes.shape[2:]))
        mode, good = read_modes(labels, sure, channels, DIGIT_CLASSES)
        found = Assigned(mode, good, self.shares)
        every = np.bincount(mode, minlength=self.modes)
        return _measures(found).model_copy(
            update={
                "published_captured": float((every > 0).sum()),
                "published_kl": reverse_kl(every, self.shares),
            }
        )

    def quality_words(self) -> str:
        """What a sample of high quality is."""
        return (
            f"the classifier gives its digit a probability of at least {MIN_CONFIDENCE:g}; it "
            "rejects noise, blobs, broken and blended strokes"
        )

    def published_words(self) -> str:
        """How the starred columns are counted."""
        return "on all samples, whatever their quality (Metz et al. 2017; Srivastava et al. 2017)"

    def real(self) -> Samples:
        """Digits of the test split."""
        if self.modes == DIGIT_CLASSES:
            return DIGITS.to_samples(self.test.x[: self.samples])
        triples = StackedDigits(count=self.samples)
        return triples.to_samples(triples.draw(self.test, self.samples, seed=0).x)


def _measures(found: Assigned) -> ModeCounts:
    coverage = found.coverage()
    return ModeCounts(
        captured=coverage.captured,
        held=coverage.held,
        high_quality=coverage.high_quality,
        reverse_kl=reverse_kl(found.counts, found.shares),
        jensen_shannon=jensen_shannon(found.counts, found.shares),
    )


def is_arena(data: AnyData) -> bool:
    """Whether the modes of a data set are known."""
    is_digits = isinstance(data, TorchvisionImages) and data.source == DIGITS.source
    return isinstance(data, Mixture | StackedDigits) or is_digits


def open_arena(
    name: str,
    data: AnyData,
    folder: Path,
    cache: Path,
    done: Callable[[int], None] = lambda batches: None,
) -> Arena:
    """The arena of a data set.

    Args:
        name: the data set's.
        data: what a preset says of it.
        folder: the folder of named data sets.
        cache: where the digit classifier is kept.
        done: told how many batches it has learnt from, if it must be trained.

    Raises:
        UsageError: the data set's modes are not known.
        DataError: MNIST cannot be read; NetworkError: or not be downloaded.
    """
    if isinstance(data, Mixture):
        shown = (200, 400, 600, 800, 5000)
        return PointArena(name, 100, shown, MEASURED_SAMPLES, data.modes, data)
    if not is_arena(data):
        raise UsageError(f"the modes of {name} are not known, so their collapse cannot be counted")
    train, test = (DIGITS.load_split(folder, split) for split in SET_SPLITS)
    reader = digit_reader(train, test, cache, done)
    if train.labels is None:
        raise UsageError(f"{name} has no labels, by which its modes are known")
    shares = np.bincount(train.labels.numpy(), minlength=DIGIT_CLASSES) / len(train)
    return _digit_arena(name, data, reader, test, shares)


def blank_arena(name: str, data: AnyData) -> Arena:
    """An arena that takes as long, and whose classifier has learnt nothing: it needs no files.

    Raises:
        UsageError: the data set's modes are not known.
    """
    if isinstance(data, Mixture) or not is_arena(data):
        return open_arena(name, data, Path(), Path())
    reader = Reader(DigitClassifier().eval(), 0.0, "blank")
    nothing = Dataset(torch.empty(0, 1, DIGIT_SIDE, DIGIT_SIDE, dtype=torch.uint8))
    shares = np.full(DIGIT_CLASSES, 1 / DIGIT_CLASSES)
    return _digit_arena(name, data, reader, nothing, shares)


def _digit_arena(
    name: str, data: AnyData, reader: Reader, test: Dataset, shares: NDArray[np.floating]
) -> Arena:
    """Of single digits, or of as many equally frequent triples as there are."""
    shown = (1000, 3000, 5000, 7000, 9000)
    if isinstance(data, StackedDigits):
        modes = DIGIT_CLASSES**3
        even = np.full(modes, 1 / modes)
        return DigitArena(name, 500, shown, MEASURED_STACKS, modes, reader, test, even)
    return DigitArena(name, 500, shown, MEASURED_SAMPLES, DIGIT_CLASSES, reader, test, shares)
