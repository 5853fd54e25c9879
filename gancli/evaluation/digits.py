"""A small classifier of handwritten digits, which says what a generator's images show.

Trained once on MNIST's training split and kept in the cache under a hash of the data and of its own
settings; always on one thread, so that it does not depend on the machine's number of cores.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gancli.data import Dataset
from gancli.errors import RunError
from gancli.files import write_atomically
from gancli.streams import stream

SETTINGS = "conv16-conv32-fc128 batch-norm; adam one-cycle 5e-3; 3 epochs of 200; shift 2; v1"
"""Names what is trained; a change of any of it gets another name."""
EPOCHS = 3
BATCH_SIZE = 200
PEAK_LR = 5e-3
SHIFT = 2
"""Training images are moved by up to so many pixels."""
THREADS = 1
AT_ONCE = 1000
CLASSES = 10


class DigitClassifier(nn.Sequential):
    """(B, 1, 28, 28) in [-1, 1] to the logits of ten digits."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 5, 2, 2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.BatchNorm1d(128), nn.ReLU(),
            nn.Linear(128, CLASSES),
        )  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A trained classifier."""

    net: DigitClassifier
    accuracy: float
    """on the test split"""
    name: str
    """hash of the training data and the settings"""

    def read(self, images: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """What each uint8 image of (N, 1, 28, 28) shows, and the probability given to it."""
        labels, sure = [], []
        with torch.no_grad():
            for part in torch.split(images, AT_ONCE):
                chance, label = self.net(_scaled(part)).softmax(1).max(1)
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
            loss = cross_entropy(net(_scaled(moved)), labels[index])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
            done(epoch * (len(train) // BATCH_SIZE) + number + 1)


def _scaled(images: Tensor) -> Tensor:
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
    write_atomically(file, safetensors.torch.save(tensors, said))


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
