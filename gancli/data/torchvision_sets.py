"""The data sets that are read through torchvision's own classes: one description each."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.data.set_names import (
    CELEBA_ATTRIBUTES,
    CIFAR10,
    CIFAR100,
    DIGIT_NAMES,
    FASHION,
    FLOWERS,
    KUZUSHIJI,
    LETTER_NAMES,
    STL10,
)
from gancli.data.torchvision_set import ArraySet, FileSet, Listed, SetPart, TorchvisionSet

ReadPart = Callable[[Path, SetPart, bool], Dataset]


# torchvision takes longer to import than torch, so those who need no images do not wait for it.
def _idx(of: str) -> ReadPart:
    """MNIST, and what is laid out like it."""

    def read(folder: Path, part: SetPart, download: bool) -> Dataset:
        from torchvision import datasets

        read = getattr(datasets, of)(str(folder), train=part == "train", download=download)
        return Dataset(read.data.unsqueeze(1), read.targets)

    return read


def _emnist(folder: Path, part: SetPart, download: bool) -> Dataset:
    """Letters: lying on their sides in the files, and numbered from 1."""
    from torchvision.datasets import EMNIST

    read = EMNIST(str(folder), "letters", train=part == "train", download=download)
    return Dataset(read.data.transpose(1, 2).unsqueeze(1).contiguous(), read.targets - 1)


def _cifar(of: str) -> ReadPart:
    def read(folder: Path, part: SetPart, download: bool) -> Dataset:
        from torchvision import datasets

        read = getattr(datasets, of)(str(folder), train=part == "train", download=download)
        return Dataset(torch.from_numpy(read.data).permute(0, 3, 1, 2), torch.tensor(read.targets))

    return read


def _svhn(folder: Path, part: SetPart, download: bool) -> Dataset:
    from torchvision.datasets import SVHN

    # torchvision puts the files into the folder itself, among those of other sets.
    read = SVHN(str(folder / "svhn"), split=part, download=download)
    return Dataset(torch.from_numpy(np.ascontiguousarray(read.data)), torch.tensor(read.labels))


def _stl10(folder: Path, part: SetPart, download: bool) -> Dataset:
    from torchvision.datasets import STL10 as Stl10

    read = Stl10(str(folder), split=part, download=download)
    x = torch.from_numpy(np.ascontiguousarray(read.data))
    if part == "unlabeled" or read.labels is None:
        return Dataset(x)
    return Dataset(x, torch.from_numpy(read.labels.astype(np.int64)))


def _flowers(folder: Path, download: bool) -> Listed:
    from torchvision.datasets import Flowers102

    train, val, test = (
        Flowers102(str(folder), split=split, download=download)
        for split in ("train", "val", "test")
    )
    every = (train, val, test)
    files = [f"jpg/{path.name}" for each in every for path in each._image_files]
    labels = [label for each in every for label in each._labels]
    return Listed(tuple(files), np.array(labels, dtype=np.int64), len(train) + len(val))


def _celeba(folder: Path, download: bool) -> Listed:
    from torchvision.datasets import CelebA

    read = CelebA(str(folder), split="all", download=download)
    is_test = read._load_csv("list_eval_partition.txt").data.squeeze(1).numpy() == 2
    order = np.argsort(is_test, kind="stable")
    files = tuple(f"img_align_celeba/{read.filename[place]}" for place in order)
    marks = read.attr[:, : len(CELEBA_ATTRIBUTES)].numpy().astype(np.int64)
    return Listed(files, marks[order], int((~is_test).sum()))


def _like_mnist(name: str, of: str, classes: tuple[str, ...]) -> ArraySet:
    return ArraySet(
        name,
        f"{of}/raw",
        "train-images-idx3-ubyte",
        classes,
        {"train": 60_000, "test": 10_000},
        shape=(1, 28, 28),
        others=("train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        part=_idx(of),
    )


SETS: dict[str, TorchvisionSet] = {
    each.name: each
    for each in (
        _like_mnist("mnist", "MNIST", DIGIT_NAMES),
        _like_mnist("fashion-mnist", "FashionMNIST", FASHION),
        _like_mnist("kmnist", "KMNIST", KUZUSHIJI),
        ArraySet(
            "emnist",
            "EMNIST/raw",
            "emnist-letters-train-images-idx3-ubyte",
            LETTER_NAMES,
            {"train": 124_800, "test": 20_800},
            shape=(1, 28, 28),
            others=(
                "emnist-letters-train-labels-idx1-ubyte",
                "emnist-letters-test-images-idx3-ubyte",
                "emnist-letters-test-labels-idx1-ubyte",
            ),
            part=_emnist,
        ),
        ArraySet(
            "cifar10",
            "cifar-10-batches-py",
            "data_batch_1",
            CIFAR10,
            {"train": 50_000, "test": 10_000},
            shape=(3, 32, 32),
            others=(*(f"data_batch_{n}" for n in range(2, 6)), "test_batch", "batches.meta"),
            part=_cifar("CIFAR10"),
        ),
        ArraySet(
            "cifar100",
            "cifar-100-python",
            "train",
            CIFAR100,
            {"train": 50_000, "test": 10_000},
            shape=(3, 32, 32),
            others=("test", "meta"),
            part=_cifar("CIFAR100"),
        ),
        ArraySet(
            "svhn",
            "svhn",
            "train_32x32.mat",
            DIGIT_NAMES,
            {"train": 73_257, "test": 26_032},
            shape=(3, 32, 32),
            others=("test_32x32.mat",),
            companions="test_32x32.mat",
            is_compressed=True,
            part=_svhn,
        ),
        ArraySet(
            "stl10",
            "stl10_binary",
            "train_X.bin",
            STL10,
            {"train": 5_000, "test": 8_000, "unlabeled": 100_000},
            shape=(3, 96, 96),
            others=("train_y.bin", "test_X.bin", "test_y.bin", "unlabeled_X.bin"),
            part=_stl10,
        ),
        FileSet(
            "flowers102",
            "flowers-102",
            "jpg",
            FLOWERS,
            {"train": 2_040, "test": 6_149},
            others=("imagelabels.mat", "setid.mat"),
            companions="imagelabels.mat and setid.mat next to it",
            listed=_flowers,
        ),
        FileSet(
            "celeba",
            "celeba",
            "img_align_celeba",
            (),
            {"train": 182_637, "test": 19_962},
            attributes=CELEBA_ATTRIBUTES,
            others=(
                *("list_attr_celeba.txt", "identity_CelebA.txt", "list_bbox_celeba.txt"),
                *("list_landmarks_align_celeba.txt", "list_eval_partition.txt"),
            ),
            companions="the five lists (list_attr_celeba.txt and the others) next to it",
            needs=("gdown",),
            hint="; a download needs gdown, too: pip install gdown",
            listed=_celeba,
        ),
    )
}
"""By name."""
