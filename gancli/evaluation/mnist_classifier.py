"""A small classifier of handwritten digits, which says what a generator's images show, if anything.

It has learnt ten digits and an eleventh answer, none of them, from what generators make when they
fail: noise, blotches, torn and blended strokes. Without it a classifier is sure of any noise.
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

from gancli.data import Dataset
from gancli.data.torchvision_images import resized
from gancli.errors import RunError
from gancli.files import write_atomically
from gancli.rng import stream

SETTINGS = (
    "conv16-conv32-fc128 batch-norm; adam one-cycle 5e-3; 3 epochs of 200 and 50; shift 2; v2"
)
"""Names what is trained; a change of any of it gets another name."""
EPOCHS = 3
BATCH_SIZE = 200
PEAK_LR = 5e-3
SHIFT = 2
"""Training images are moved by up to so many pixels."""
NO_DIGITS = 50
"""Images without a digit that are shown beside each batch."""
TILE = 7
"""Side of the pieces a torn digit is laid of."""
BLENDED = 6
"""Digits that a blend is the mean of."""
THREADS = 1
AT_ONCE = 1000
CLASSES = 10
SIDE = 28
WIDTH = 128
"""Of the last activations."""


class DigitClassifier(nn.Sequential):
    """(B, 1, 28, 28) in [-1, 1] to the logits of ten digits, and of none of them."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(),
            nn.Linear(WIDTH, CLASSES + 1),
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

        What shows no digit gets a low one. Images of another side than MNIST's are resized to it.
        """
        labels, sure = [], []
        if images.shape[2:] != (SIDE, SIDE):
            images = resized(images, SIDE)
        with torch.no_grad():
            for part in torch.split(images, AT_ONCE):
                chance, label = self.net(scaled(part)).softmax(1)[:, :CLASSES].max(1)
                labels.append(label)
                sure.append(chance)
        return torch.cat(labels).numpy(), torch.cat(sure).numpy()


def digit_reader(
    train: Dataset,
    test: Dataset,
    cache: Path,
    done: Callable[[int], None] = lambda batches: None,
) -> Reader:
    """The classifier of these data, from the cache or trained now.

    Args:
        train: labelled digits of (N, 1, 28, 28), uint8.
        test: those its accuracy is measured on.
        cache: the folder it is kept in.
        done: told how many batches of `batches(train)` it has seen.

    Raises:
        RunError: the cached file is damaged.
        DiskError: the cache cannot be written.
    """
    name = hashlib.sha256(f"{SETTINGS} {train.fingerprint}".encode()).hexdigest()[:16]
    file = cache / f"digits-{name}.safetensors"
    net = DigitClassifier()
    if file.exists():
        return Reader(net.eval(), _load(net, file), name)
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = DigitClassifier()
        _fit(net, train, done)
        found = Reader(net.eval(), 0.0, name)
        labels, _ = found.read(test.x)
        accuracy = float((labels == _labels(test).numpy()).mean())
    finally:
        torch.set_num_threads(threads)
    _save(net, file, accuracy)
    return Reader(net, accuracy, name)


def batches(train: Dataset) -> int:
    """How many batches the training takes."""
    return EPOCHS * (len(train) // BATCH_SIZE)


def _fit(net: DigitClassifier, train: Dataset, done: Callable[[int], None]) -> None:
    labels = _labels(train)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=batches(train))
    for epoch in range(EPOCHS):
        rng = stream(0, "digits", epoch)
        order = torch.from_numpy(rng.permutation(len(train)))
        for number, index in enumerate(torch.split(order, BATCH_SIZE)[: len(train) // BATCH_SIZE]):
            moved = torch.roll(
                train.x[index], tuple(rng.integers(-SHIFT, SHIFT + 1, 2).tolist()), (2, 3)
            )
            shown = torch.cat([moved, no_digits(moved, NO_DIGITS, rng)])
            told = torch.cat([labels[index], torch.full((NO_DIGITS,), CLASSES)])
            loss = cross_entropy(net(scaled(shown)), told)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
            done(epoch * (len(train) // BATCH_SIZE) + number + 1)


def no_digits(digits: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Images that show no digit, made of digits or of nothing.

    A fifth each of white noise, smooth blotches, shuffled pixels, shuffled tiles, and means of
    several digits.

    Args:
        digits: uint8 of (B, 1, 28, 28), B at least `BLENDED`.
        count: how many to make, a multiple of 5.
        rng: the only source of chance.

    Returns:
        uint8 of (count, 1, 28, 28).
    """
    each, side = count // 5, digits.shape[-1]

    def some(number: int) -> Tensor:
        return digits[torch.from_numpy(rng.integers(len(digits), size=number))]

    noise = rng.integers(0, 256, (each, 1, side, side)) * rng.random((each, 1, 1, 1))
    coarse = torch.from_numpy(rng.normal(-0.5, 1.5, (each, 1, TILE, TILE)).astype(np.float32))
    blotches = interpolate(coarse, size=(side, side), mode="bilinear").sigmoid() * 255
    pixels = torch.from_numpy(rng.permutation(side * side))
    tiles = torch.from_numpy(rng.permutation((side // TILE) ** 2))
    grid = (each, 1, side // TILE, TILE, side // TILE, TILE)
    pieces = some(each).view(grid).transpose(3, 4).reshape(each, -1, TILE, TILE)[:, tiles]
    torn = pieces.view(*grid[:3], side // TILE, TILE, TILE).transpose(3, 4)
    blends = some(each * BLENDED).view(each, BLENDED, 1, side, side).float().mean(1)
    return torch.cat(
        [
            torch.from_numpy(noise).to(torch.uint8),
            blotches.to(torch.uint8),
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
    said = {"accuracy": repr(accuracy), "sha256": _digest(tensors), "settings": SETTINGS}
    write_atomically(file, safetensors.torch.save(tensors, said), shared=True)


def _load(net: DigitClassifier, file: Path) -> float:
    """Take over a file's weights; returns the accuracy it says."""
    try:
        with safe_open(file, "pt") as opened:
            said = opened.metadata() or {}
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        if said.get("sha256") != _digest(tensors):
            raise ValueError("its content does not match its own hash")
        net.load_state_dict(tensors)
        return float(said["accuracy"])
    except (SafetensorError, ValueError, KeyError, RuntimeError, OSError) as error:
        raise RunError(
            f"the digit classifier in {file} is damaged: delete the file, and it is trained again "
            "(a minute)"
        ) from error
