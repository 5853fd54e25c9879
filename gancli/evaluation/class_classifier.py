"""A small classifier of the classes of any labelled images: trained once on them, and cached."""

import math
from pathlib import Path

import torch
from torch import nn

from gancli.cache_layout import CLASSES_PREFIX, TENSORS
from gancli.data import Dataset
from gancli.data.torchvision_set import resized
from gancli.evaluation.classifier import (
    TILES_ACROSS,
    ImageClassifier,
    Lesson,
    Reader,
    trained_reader,
)
from gancli.evaluation.image_sets import ImageSet, sha
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.rng import stream

CLASS_SETTINGS = (
    "conv32-conv64-conv128-fc128 batch-norm, down to 4 pixels; adam one-cycle 5e-3; 8 epochs of "
    "200 and 50, at least 240 batches; shift 2; a sixth held out; v1"
)
"""Part of the name of the cached weights; a change of any of it gets another name."""
MAX_CLASS_SIDE, MIN_CLASS_SIDE = 32, 8
"""Pixels of the images it looks at."""
STAGE_WIDTHS = (32, 64, 128)
CLASS_FEATURES = 128
FINAL_SIDE = 4
"""Pixels of the last stage's maps, about."""
CLASS_EPOCHS, CLASS_BATCH, LEAST_BATCHES = 8, 200, 240
MAX_LEARNT = 60_000
"""Images that are looked at, those held out among them."""
HELD_OUT_PART = 6
"""Of every six images one is held out, to measure the accuracy on."""


def class_reader(images: ImageSet, cache: Path, observer: Observer = UNOBSERVED) -> Reader:
    """The classifier of a labelled set, from the cache or trained now.

    Args:
        images: labelled, of two classes or more.
        cache: where the classifier is kept.
        observer: sees the progress of its training, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    count, classes = min(len(images), MAX_LEARNT), len(images.classes)
    channels, height, width = images.shape
    side = min(
        MAX_CLASS_SIDE, max(MIN_CLASS_SIDE, TILES_ACROSS * (min(height, width) // TILES_ACROSS))
    )
    learnt = count - count // HELD_OUT_PART
    batch = min(CLASS_BATCH, learnt)
    epochs = max(CLASS_EPOCHS, math.ceil(LEAST_BATCHES / (learnt // batch)))
    lesson = Lesson(epochs, batch, "classes", "classifier of classes", CLASS_SETTINGS)
    name = sha(f"{CLASS_SETTINGS} {images.fingerprint} {images.labelling}")[:16]
    file = cache / f"{CLASSES_PREFIX}{name}{TENSORS}"
    with observer.watch(lesson.batches(learnt), "batches for the classifier of classes") as done:
        return trained_reader(
            lambda: _network(channels, side, classes),
            lesson,
            file,
            lambda: _lessons(images, count, side),
            done=done,
            should_stop=observer.should_stop,
        )


def _network(channels: int, side: int, classes: int) -> ImageClassifier:
    layers: list[nn.Module] = []
    before, now = channels, side
    for width in STAGE_WIDTHS:
        layers += [nn.Conv2d(before, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
        before = width
        if now > FINAL_SIDE:
            layers.append(nn.MaxPool2d(2))
            now //= 2
    layers += [nn.Flatten(), nn.Linear(before * now**2, CLASS_FEATURES)]
    layers += [nn.BatchNorm1d(CLASS_FEATURES), nn.ReLU(), nn.Linear(CLASS_FEATURES, classes + 1)]
    return ImageClassifier(*layers, side=side, classes=classes)


def _lessons(images: ImageSet, count: int, side: int) -> tuple[Dataset, Dataset]:
    """The images to learn from, and those held out, at the classifier's size."""
    order = stream(0, "classes").permutation(len(images))[:count]
    wanted = torch.zeros(len(images), dtype=torch.bool)
    wanted[torch.from_numpy(order)] = True
    pixels, labels, start = [], [], 0
    for part, told in images.batches(CLASS_BATCH):
        chosen = wanted[start : start + len(part)]
        start += len(part)
        if told is not None and bool(chosen.any()):
            pixels.append(resized(part[chosen], side))
            labels.append(told[chosen])
    x, y = torch.cat(pixels), torch.cat(labels)
    mixed = torch.from_numpy(stream(0, "held-out classes").permutation(len(x)))
    held, learnt = mixed[: len(x) // HELD_OUT_PART], mixed[len(x) // HELD_OUT_PART :]
    return Dataset(x[learnt], y[learnt]), Dataset(x[held], y[held])
