"""Small classifiers of images, which read the class that an image shows, if any.

Each has learnt the classes of a labelled set and one more answer, none of them, from what
generators make when they fail: noise, blobs, torn and blended images. Without it a classifier is
sure of any noise. Trained once and kept in the cache; always on one thread, so that it does not
depend on the machine's number of cores.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from gancli.data import Dataset
from gancli.data.torchvision_set import resized
from gancli.evaluation.observer import EvaluationStoppedError, never
from gancli.files import keep, note_use
from gancli.notices import notice_once
from gancli.rng import stream
from gancli.watch import Done

PEAK_LR = 5e-3
MAX_SHIFT = 2
"""Pixels by which training images are moved at most, each way."""
CLASSLESS_PER_BATCH = 50
"""Images without a class that are added to each batch."""
TILES_ACROSS = 4
"""Pieces that a torn image is made from, along each side."""
IMAGES_PER_BLEND = 6
"""Images whose mean is a blend."""
CLASSIFIER_THREADS = 1
READ_AT_ONCE = 1000
DAMAGED = (SafetensorError, ValueError, KeyError, RuntimeError, OSError)
"""What a damaged file of a classifier raises."""


class ImageClassifier(nn.Sequential):
    """(B, channels, side, side) in [-1, 1] to the logits of the classes, and of none of them."""

    def __init__(self, *layers: nn.Module, side: int, classes: int) -> None:
        super().__init__(*layers)
        self.side = side
        self.classes = classes


class Lesson(NamedTuple):
    """How a classifier is trained."""

    epochs: int
    batch_size: int
    purpose: str
    """of its random numbers"""
    title: str
    """of the classifier, in sentences"""
    settings: str
    """all that training depends on but its data, in words; kept with the weights"""

    def batches(self, images: int) -> int:
        """How many batches the training takes."""
        return self.epochs * (images // self.batch_size)


@dataclass(frozen=True)
class Reader:
    """A trained classifier."""

    net: ImageClassifier
    accuracy: float
    """on images it has not learnt from"""
    name: str
    """hash of the training data and the settings"""

    @cached_property
    def weights(self) -> str:
        """SHA-256 of its weights: those of equal name may differ by how a machine rounds."""
        return _digest(self.net.state_dict())

    def read(self, images: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The likeliest class in each uint8 image of (N, C, H, W), and its probability.

        Images that show no class get a low one. Images of another size than the classifier's are
        resized.
        """
        labels, sure = [], []
        if images.shape[2:] != (self.net.side, self.net.side):
            images = resized(images, self.net.side)
        with torch.no_grad():
            for part in torch.split(images, READ_AT_ONCE):
                chance, label = self.net(scaled(part)).softmax(1)[:, : self.net.classes].max(1)
                labels.append(label)
                sure.append(chance)
        return torch.cat(labels).numpy(), torch.cat(sure).numpy()


def trained_reader(
    build: Callable[[], ImageClassifier],
    lesson: Lesson,
    file: Path,
    load: Callable[[], tuple[Dataset, Dataset]],
    *,
    done: Done = lambda batches: None,
    should_stop: Callable[[], bool] = never,
) -> Reader:
    """A classifier from its file, or trained now and kept there.

    Args:
        build: makes the network, untrained.
        lesson: how it is trained.
        file: where it is kept; its name ends in the hash of the training data and the settings.
        load: the labelled images it learns from, uint8 of its size, and those that its accuracy is
            measured on.
        done: told how many batches it has seen.
        should_stop: asked after each batch whether to stop; nothing is kept then.
    """
    net, name = build(), file.stem.rpartition("-")[2]
    if file.exists():
        try:
            return Reader(net.eval(), _load(net, file), name)
        except DAMAGED:
            notice_once(f"the {lesson.title} in {file} is damaged: it is trained again (a minute)")
    train, test = load()
    threads = torch.get_num_threads()
    torch.set_num_threads(CLASSIFIER_THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = build()
        _fit(net, train, lesson, done, should_stop)
        found = Reader(net.eval(), 0.0, name)
        labels, _ = found.read(test.x)
        accuracy = float((labels == _labels(test).numpy()).mean())
    finally:
        torch.set_num_threads(threads)
    _save(net, file, accuracy, lesson)
    return Reader(net, accuracy, name)


def _fit(
    net: ImageClassifier,
    train: Dataset,
    lesson: Lesson,
    done: Done,
    should_stop: Callable[[], bool],
) -> None:
    labels, total = _labels(train), lesson.batches(len(train))
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=total)
    each = total // lesson.epochs
    for epoch in range(lesson.epochs):
        rng = stream(0, lesson.purpose, epoch)
        order = torch.from_numpy(rng.permutation(len(train)))
        for number, index in enumerate(torch.split(order, lesson.batch_size)[:each]):
            moved = torch.roll(
                train.x[index], tuple(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, 2).tolist()), (2, 3)
            )
            shown = torch.cat([moved, classless_images(moved, CLASSLESS_PER_BATCH, rng)])
            told = torch.cat([labels[index], torch.full((CLASSLESS_PER_BATCH,), net.classes)])
            loss = cross_entropy(net(scaled(shown)), told)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
            done(epoch * each + number + 1)
            if should_stop():
                raise EvaluationStoppedError


def classless_images(images: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Images that show no class, made from images that do or from nothing.

    A fifth each of white noise, smooth blobs, shuffled pixels, shuffled tiles, and means of
    several images.

    Args:
        images: uint8 of (B, C, S, S), S a multiple of `TILES_ACROSS`.
        count: how many to make, a multiple of 5.
        rng: the only source of chance.

    Returns:
        uint8 of (count, C, S, S).
    """
    each, (channels, side) = count // 5, images.shape[1:3]
    across, tile = TILES_ACROSS, side // TILES_ACROSS

    def some(number: int) -> Tensor:
        return images[torch.from_numpy(rng.integers(len(images), size=number))]

    noise = rng.integers(0, 256, (each, channels, side, side)) * rng.random((each, 1, 1, 1))
    coarse = rng.normal(-0.5, 1.5, (each, channels, tile, tile)).astype(np.float32)
    large = interpolate(torch.from_numpy(coarse), size=(side, side), mode="bilinear")
    blobs = large.sigmoid() * 255
    pixels = torch.from_numpy(rng.permutation(side * side))
    tiles = torch.from_numpy(rng.permutation(across**2))
    rows = some(each).view(each, channels, across, tile, across, tile).transpose(3, 4)
    pieces = rows.reshape(each, channels, -1, tile, tile)[:, :, tiles]
    torn = pieces.view(each, channels, across, across, tile, tile).transpose(3, 4)
    drawn = some(each * IMAGES_PER_BLEND).view(each, IMAGES_PER_BLEND, channels, side, side)
    blends = drawn.float().mean(1)
    return torch.cat(
        [
            torch.from_numpy(noise).to(torch.uint8),
            blobs.to(torch.uint8),
            some(each).flatten(2)[:, :, pixels].view(each, channels, side, side),
            torn.reshape(each, channels, side, side),
            blends.to(torch.uint8),
        ]
    )


def scaled(images: Tensor) -> Tensor:
    """uint8 images as a classifier's [-1, 1]."""
    return images.float().div_(127.5).sub_(1)


def _labels(data: Dataset) -> Tensor:
    if data.labels is None:
        raise ValueError("a classifier learns from labels, and these data have none")
    return data.labels


def _digest(tensors: dict[str, Tensor]) -> str:
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return content.hexdigest()


def _save(net: ImageClassifier, file: Path, accuracy: float, lesson: Lesson) -> None:
    tensors = net.state_dict()
    said = {"accuracy": repr(accuracy), "sha256": _digest(tensors), "settings": lesson.settings}
    keep(file, safetensors.torch.save(tensors, said))


def _load(net: ImageClassifier, file: Path) -> float:
    """Load a file's weights; returns the accuracy it records.

    Raises:
        Exception: one of `DAMAGED`.
    """
    with safe_open(file, "pt") as opened:
        said = opened.metadata() or {}
        tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    if said.get("sha256") != _digest(tensors):
        raise ValueError("its content does not match its own hash")
    net.load_state_dict(tensors)
    note_use(file)
    return float(said["accuracy"])
