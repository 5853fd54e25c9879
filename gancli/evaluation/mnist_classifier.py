"""The small classifier of handwritten digits: trained once on MNIST's training split, and cached.

It reads the digit that an image shows, if any, as `classifier` says.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from gancli.cache_layout import DIGITS_PREFIX, TENSORS
from gancli.data import Dataset, TorchvisionImages
from gancli.data.stacked import DIGITS
from gancli.data.torchvision_images import SET_SPLITS
from gancli.evaluation.classifier import ImageClassifier, Lesson, Reader, trained_reader
from gancli.evaluation.observer import UNOBSERVED, Observer, never
from gancli.preset import Preset
from gancli.watch import Done

CLASSIFIER_SETTINGS = (
    "conv16-conv32-fc128 batch-norm; adam one-cycle 5e-3; 3 epochs of 200 and 50; shift 2; v2"
)
"""Part of the name of the cached weights; a change of any of it gets another name."""
DIGIT_LESSON = Lesson(3, 200, "digits", "digit classifier", CLASSIFIER_SETTINGS)
DIGITS_KNOWN = 10
DIGIT_SIDE = 28
DIGIT_FEATURES = 128
"""Of the last activations."""


class DigitClassifier(ImageClassifier):
    """(B, 1, 28, 28) in [-1, 1] to the logits of ten digits, and of none of them."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, DIGIT_FEATURES), nn.BatchNorm1d(DIGIT_FEATURES), nn.ReLU(),
            nn.Linear(DIGIT_FEATURES, DIGITS_KNOWN + 1),
            side=DIGIT_SIDE, classes=DIGITS_KNOWN,
        )  # fmt: skip


def shows_digits(preset: Preset) -> bool:
    """Whether the model's images are MNIST's digits."""
    return isinstance(preset.data, TorchvisionImages) and preset.data.source == DIGITS.source


def load_digit_reader(folder: Path, cache: Path, observer: Observer = UNOBSERVED) -> Reader:
    """The classifier, from the cache or trained now on MNIST.

    Args:
        folder: the folder of named data sets.
        cache: where the classifier is kept.
        observer: sees the progress of its training, and may stop it.

    Raises:
        DataError: MNIST cannot be read; NetworkError: or not be downloaded.
        EvaluationStoppedError: the observer wants to stop.
    """
    train, test = (DIGITS.load_split(folder, split) for split in SET_SPLITS)
    with observer.watch(
        DIGIT_LESSON.batches(len(train)), "batches for the digit classifier"
    ) as done:
        return digit_reader(train, test, cache, done, observer.should_stop)


def digit_reader(
    train: Dataset,
    test: Dataset,
    cache: Path,
    done: Done = lambda batches: None,
    should_stop: Callable[[], bool] = never,
) -> Reader:
    """The classifier of these data, from the cache or trained now.

    Args:
        train: labelled digits of (N, 1, 28, 28), uint8.
        test: those its accuracy is measured on.
        cache: the folder it is kept in.
        done: told how many batches of `DIGIT_LESSON` it has seen.
        should_stop: asked after each batch whether to stop; nothing is kept then.
    """
    name = hashlib.sha256(f"{CLASSIFIER_SETTINGS} {train.fingerprint}".encode()).hexdigest()[:16]
    file = cache / f"{DIGITS_PREFIX}{name}{TENSORS}"
    sets = (train, test)
    return trained_reader(
        DigitClassifier, DIGIT_LESSON, file, lambda: sets, done=done, should_stop=should_stop
    )


@dataclass(frozen=True)
class CodeAgreement:
    """How far a code's values and the images' classes predict each other."""

    purity: float
    """share of images that show the class most often shown under their value, in (0, 1] (Manning et
    al. 2008, "Introduction to Information Retrieval", section 16.3)"""
    mutual_information: float
    """of value and class, in nats; at most the smaller of their entropies, ln 10 for ten digits"""
    meaning: dict[int, int]
    """the class most often shown under each value that occurs"""


def code_agreement(codes: NDArray[np.integer], classes: NDArray[np.integer]) -> CodeAgreement:
    """Compare the code each image was generated from with the class it shows.

    Args:
        codes: (N,) values from 0, N > 0.
        classes: (N,) from 0; any further number may stand for images of no class.

    Raises:
        ValueError: there are no images, or not as many of one as of the other.
    """
    if len(codes) != len(classes) or not len(codes):
        raise ValueError(f"{len(codes)} codes do not match {len(classes)} classes")
    counts = np.zeros((codes.max() + 1, classes.max() + 1))
    np.add.at(counts, (codes, classes), 1)
    joint = counts / len(codes)
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    information = float((joint[there] * np.log(joint[there] / independent[there])).sum())
    return CodeAgreement(
        purity=float(joint.max(1).sum()),
        mutual_information=max(information, 0.0),
        meaning={int(code): int(counts[code].argmax()) for code in np.unique(codes)},
    )
