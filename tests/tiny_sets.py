"""Data sets of a few images, in files laid out as torchvision's downloads are."""

import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from gancli.data.set_names import CELEBA_ATTRIBUTES, CIFAR10, CIFAR100, FLOWERS, STL10

COUNTS = {"train": 12, "test": 8, "unlabeled": 10}
"""Images of each part; of those for training a third is for validation, where a set has such."""
_CHECKED = ("cifar", "stl10", "svhn", "flowers102", "celeba")
"""torchvision's modules that compare files with checksums."""


def pixels_of(name: str, part: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Noise, of its own for each set and part; (COUNTS[part], *shape)."""
    seed = int.from_bytes(hashlib.sha256(f"{name} {part}".encode()).digest()[:4], "little")
    return np.random.default_rng(seed).integers(0, 256, (COUNTS[part], *shape), dtype=np.uint8)


def labels_of(part: str, classes: int) -> NDArray[np.int64]:
    """The last class first, the others counted up from it."""
    return (np.arange(COUNTS[part]) + classes - 1) % classes


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """An array in the format of MNIST's files."""
    header = bytes([0, 0, 8, values.ndim])
    sides = b"".join(side.to_bytes(4, "big") for side in values.shape)
    path.write_bytes(header + sides + values.tobytes())


def _mnist(name: str, of: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        raw = folder / of / "raw"
        raw.mkdir(parents=True)
        for part, word in (("train", "train"), ("test", "t10k")):
            write_idx(raw / f"{word}-images-idx3-ubyte", pixels_of(name, part, (28, 28)))
            labels = labels_of(part, 10).astype(np.uint8)
            write_idx(raw / f"{word}-labels-idx1-ubyte", labels)

    return write


def _emnist(folder: Path) -> None:
    raw = folder / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "test"):
        stem = f"emnist-letters-{part}"
        write_idx(raw / f"{stem}-images-idx3-ubyte", pixels_of("emnist", part, (28, 28)))
        labels = labels_of(part, 26).astype(np.uint8) + 1
        write_idx(raw / f"{stem}-labels-idx1-ubyte", labels.astype(np.uint8))


def _batch(path: Path, images: NDArray[np.uint8], key: str, labels: NDArray[np.int64]) -> None:
    path.write_bytes(pickle.dumps({"data": images.reshape(-1, 3072), key: labels.tolist()}))


def _cifar10(folder: Path) -> None:
    where = folder / "cifar-10-batches-py"
    where.mkdir()
    images, labels = pixels_of("cifar10", "train", (3, 32, 32)), labels_of("train", 10)
    for number in range(5):
        rows = np.array_split(np.arange(len(images)), 5)[number]
        _batch(where / f"data_batch_{number + 1}", images[rows], "labels", labels[rows])
    tested = pixels_of("cifar10", "test", (3, 32, 32))
    _batch(where / "test_batch", tested, "labels", labels_of("test", 10))
    (where / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR10)}))


def _cifar100(folder: Path) -> None:
    where = folder / "cifar-100-python"
    where.mkdir()
    for part in ("train", "test"):
        images = pixels_of("cifar100", part, (3, 32, 32))
        _batch(where / part, images, "fine_labels", labels_of(part, 100))
    (where / "meta").write_bytes(pickle.dumps({"fine_label_names": list(CIFAR100)}))


def _svhn(folder: Path) -> None:
    (folder / "svhn").mkdir()
    for part in ("train", "test"):
        images = pixels_of("svhn", part, (3, 32, 32)).transpose(2, 3, 1, 0)
        labels = labels_of(part, 10)
        labels[labels == 0] = 10
        savemat(folder / "svhn" / f"{part}_32x32.mat", {"X": images, "y": labels[:, None]})


def _stl10(folder: Path) -> None:
    where = folder / "stl10_binary"
    where.mkdir()
    for part in COUNTS:
        columns = pixels_of("stl10", part, (3, 96, 96)).transpose(0, 1, 3, 2)
        (where / f"{part}_X.bin").write_bytes(columns.tobytes())
        if part != "unlabeled":
            labels = labels_of(part, 10).astype(np.uint8) + 1
            (where / f"{part}_y.bin").write_bytes(labels.astype(np.uint8).tobytes())
    (where / "class_names.txt").write_text("\n".join(STL10) + "\n")


def _flowers102(folder: Path) -> None:
    where = folder / "flowers-102"
    (where / "jpg").mkdir(parents=True)
    every = COUNTS["train"] + COUNTS["test"]
    # White edges lie outside the middle square; those for training are not the first ones.
    for number in range(1, every + 1):
        image = np.full((60, 70 + number, 3), 10 * number, dtype=np.uint8)
        image[:, :4] = 255
        Image.fromarray(image).save(where / "jpg" / f"image_{number:05d}.jpg")
    order = np.arange(1, every + 1)
    test, rest = order[: COUNTS["test"]], order[COUNTS["test"] :]
    third = len(rest) // 3
    savemat(where / "setid.mat", {"trnid": rest[third:], "valid": rest[:third], "tstid": test})
    labels = (order - 1) % len(FLOWERS) + 1
    savemat(where / "imagelabels.mat", {"labels": labels})


def _celeba(folder: Path) -> None:
    where = folder / "celeba"
    (where / "img_align_celeba").mkdir(parents=True)
    every = COUNTS["train"] + COUNTS["test"]
    names = [f"{number:06d}.jpg" for number in range(1, every + 1)]
    lists: dict[str, list[str]] = {
        "identity_CelebA.txt": [f"{name} 1" for name in names],
        "list_bbox_celeba.txt": [str(every), "image_id x_1 y_1 width height"],
        "list_landmarks_align_celeba.txt": [str(every), "lefteye_x lefteye_y"],
        "list_attr_celeba.txt": [str(every), " ".join(CELEBA_ATTRIBUTES) + " "],
    }
    lists["list_bbox_celeba.txt"] += [f"{name}    1   2   3   4" for name in names]
    lists["list_landmarks_align_celeba.txt"] += [f"{name} 1  2" for name in names]
    parts = []
    for number, name in enumerate(names):
        image = np.full((218, 178, 3), 10 * number, dtype=np.uint8)
        image[:8] = 255
        Image.fromarray(image).save(where / "img_align_celeba" / name)
        has = {"Male": number % 2, "Smiling": number // 2 % 2}
        marks = " ".join(" 1" if has.get(each, 0) else "-1" for each in CELEBA_ATTRIBUTES)
        lists["list_attr_celeba.txt"].append(f"{name} {marks}")
        # Of every five: three for training, of them one for validation, and two to test with.
        parts.append(f"{name} {(0, 2, 1, 2, 0)[number % 5]}")
    for file, lines in (lists | {"list_eval_partition.txt": parts}).items():
        (where / file).write_text("\n".join(lines) + "\n")


WRITERS: dict[str, Callable[[Path], None]] = {
    "mnist": _mnist("mnist", "MNIST"),
    "fashion-mnist": _mnist("fashion-mnist", "FashionMNIST"),
    "kmnist": _mnist("kmnist", "KMNIST"),
    "emnist": _emnist,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "svhn": _svhn,
    "stl10": _stl10,
    "flowers102": _flowers102,
    "celeba": _celeba,
}


@contextmanager
def tiny_set(name: str, folder: Path) -> Iterator[None]:
    """Write a set into a folder; torchvision takes the sums of these files for the right ones."""
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[name](folder)
    sums = {str(path): _sum(path) for path in folder.rglob("*") if path.is_file()}

    def check(path: str | Path, md5: str | None = None) -> bool:
        is_whole = str(path) in sums and Path(path).is_file()
        return is_whole and (md5 is None or _sum(Path(path)) == sums[str(path)])

    with ExitStack() as stack:
        for module in _CHECKED:
            stack.enter_context(patch(f"torchvision.datasets.{module}.check_integrity", check))
        yield


def _sum(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def as_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """As `Dataset.x` holds them."""
    return torch.from_numpy(np.ascontiguousarray(images))
