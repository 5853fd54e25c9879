"""A small classifier of handwritten digits, which reads the digit that an image shows, if any.

It has learnt ten digits and an eleventh answer, none of them, from what generators make when they
fail: noise, blobs, torn and blended strokes. Without it a classifier is sure of any noise.
Trained once on MNIST's training split and kept in the cache under a hash of the data and of its own
settings; always on one thread, so that it does not depend on the machine's number of cores.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from gancli.data import Dataset, TorchvisionImages
from gancli.data.stacked import DIGITS
from gancli.data.torchvision_images import SET_SPLITS
from gancli.data.torchvision_set import resized
from gancli.evaluation.observer import UNOBSERVED, EvaluationStoppedError, Observer, never
from gancli.files import keep
from gancli.notices import notice_once
from gancli.preset import Preset
from gancli.rng import stream
from gancli.watch import Done

CLASSIFIER_SETTINGS = (
    "conv16-conv32-fc128 batch-norm; adam one-cycle 5e-3; 3 epochs of 200 and 50; shift 2; v2"
)
"""Part of the name of the cached weights; a change of any of it gets another name."""
EPOCHS = 3
BATCH_SIZE = 200
PEAK_LR = 5e-3
MAX_SHIFT = 2
"""Pixels by which training images are moved at most, each way."""
NO_DIGITS_PER_BATCH = 50
"""Images without a digit that are added to each batch."""
TORN_TILE_SIDE = 7
"""Pixels of the side of the pieces that a torn digit is made from."""
DIGITS_PER_BLEND = 6
"""Digits whose mean is a blend."""
CLASSIFIER_THREADS = 1
DIGITS_AT_ONCE = 1000
DIGITS_KNOWN = 10
DIGIT_SIDE = 28
DIGIT_FEATURES = 128
DAMAGED = (SafetensorError, ValueError, KeyError, RuntimeError, OSError)
"""What a damaged file of the classifier raises."""
"""Of the last activations."""


class DigitClassifier(nn.Sequential):
    """(B, 1, 28, 28) in [-1, 1] to the logits of ten digits, and of none of them."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, DIGIT_FEATURES), nn.BatchNorm1d(DIGIT_FEATURES), nn.ReLU(),
            nn.Linear(DIGIT_FEATURES, DIGITS_KNOWN + 1),
        )  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A trained classifier."""

    net: DigitClassifier
    accuracy: float
    """on the test split"""
    name: str
    """hash of the training data and the settings"""

    @cached_property
    def weights(self) -> str:
        """SHA-256 of its weights: those of equal name may differ by how a machine rounds."""
        return _digest(self.net.state_dict())

    def read(self, images: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The likeliest digit in each uint8 image of (N, 1, H, W), and its probability.

        Images that show no digit get a low one. Images of another size than MNIST's are resized.
        """
        labels, sure = [], []
        if images.shape[2:] != (DIGIT_SIDE, DIGIT_SIDE):
            images = resized(images, DIGIT_SIDE)
        with torch.no_grad():
            for part in torch.split(images, DIGITS_AT_ONCE):
                chance, label = self.net(scaled(part)).softmax(1)[:, :DIGITS_KNOWN].max(1)
                labels.append(label)
                sure.append(chance)
        return torch.cat(labels).numpy(), torch.cat(sure).numpy()


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
    with observer.watch(training_batches(train), "batches for the digit classifier") as done:
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
        done: told how many batches of `training_batches(train)` it has seen.
        should_stop: asked after each batch whether to stop; nothing is kept then.

    """
    name = hashlib.sha256(f"{CLASSIFIER_SETTINGS} {train.fingerprint}".encode()).hexdigest()[:16]
    file = cache / f"digits-{name}.safetensors"
    net = DigitClassifier()
    if file.exists():
        try:
            return Reader(net.eval(), _load(net, file), name)
        except DAMAGED:
            notice_once(
                f"the digit classifier in {file} is damaged: it is trained again (a minute)"
            )
    threads = torch.get_num_threads()
    torch.set_num_threads(CLASSIFIER_THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = DigitClassifier()
        _fit(net, train, done, should_stop)
        found = Reader(net.eval(), 0.0, name)
        labels, _ = found.read(test.x)
        accuracy = float((labels == _labels(test).numpy()).mean())
    finally:
        torch.set_num_threads(threads)
    _save(net, file, accuracy)
    return Reader(net, accuracy, name)


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


def training_batches(train: Dataset) -> int:
    """How many batches the training takes."""
    return EPOCHS * (len(train) // BATCH_SIZE)


def _fit(net: DigitClassifier, train: Dataset, done: Done, should_stop: Callable[[], bool]) -> None:
    labels = _labels(train)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LR, total_steps=training_batches(train)
    )
    for epoch in range(EPOCHS):
        rng = stream(0, "digits", epoch)
        order = torch.from_numpy(rng.permutation(len(train)))
        for number, index in enumerate(torch.split(order, BATCH_SIZE)[: len(train) // BATCH_SIZE]):
            moved = torch.roll(
                train.x[index], tuple(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, 2).tolist()), (2, 3)
            )
            shown = torch.cat([moved, no_digits(moved, NO_DIGITS_PER_BATCH, rng)])
            told = torch.cat([labels[index], torch.full((NO_DIGITS_PER_BATCH,), DIGITS_KNOWN)])
            loss = cross_entropy(net(scaled(shown)), told)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
            done(epoch * (len(train) // BATCH_SIZE) + number + 1)
            if should_stop():
                raise EvaluationStoppedError


def no_digits(digits: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Images that show no digit, made from digits or from nothing.

    A fifth each of white noise, smooth blobs, shuffled pixels, shuffled tiles, and means of
    several digits.

    Args:
        digits: uint8 of (B, 1, 28, 28), B at least `DIGITS_PER_BLEND`.
        count: how many to make, a multiple of 5.
        rng: the only source of chance.

    Returns:
        uint8 of (count, 1, 28, 28).
    """
    each, side, tile = count // 5, digits.shape[-1], TORN_TILE_SIDE
    across = side // tile

    def some(number: int) -> Tensor:
        return digits[torch.from_numpy(rng.integers(len(digits), size=number))]

    noise = rng.integers(0, 256, (each, 1, side, side)) * rng.random((each, 1, 1, 1))
    coarse = torch.from_numpy(rng.normal(-0.5, 1.5, (each, 1, tile, tile)).astype(np.float32))
    blobs = interpolate(coarse, size=(side, side), mode="bilinear").sigmoid() * 255
    pixels = torch.from_numpy(rng.permutation(side * side))
    tiles = torch.from_numpy(rng.permutation(across**2))
    rows = some(each).view(each, 1, across, tile, across, tile).transpose(3, 4)
    pieces = rows.reshape(each, -1, tile, tile)[:, tiles]
    torn = pieces.view(each, 1, across, across, tile, tile).transpose(3, 4)
    drawn = some(each * DIGITS_PER_BLEND).view(each, DIGITS_PER_BLEND, 1, side, side)
    blends = drawn.float().mean(1)
    return torch.cat(
        [
            torch.from_numpy(noise).to(torch.uint8),
            blobs.to(torch.uint8),
            some(each).flatten(2)[:, :, pixels].view(each, 1, side, side),
            torn.reshape(each, 1, side, side),
            blends.to(torch.uint8),
        ]
    )


def scaled(images: Tensor) -> Tensor:
    """uint8 images as the classifier's [-1, 1]."""
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


def _save(net: DigitClassifier, file: Path, accuracy: float) -> None:
    tensors = net.state_dict()
    said = {"accuracy": repr(accuracy), "sha256": _digest(tensors), "settings": CLASSIFIER_SETTINGS}
    keep(file, safetensors.torch.save(tensors, said))


def _load(net: DigitClassifier, file: Path) -> float:
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
    return float(said["accuracy"])
