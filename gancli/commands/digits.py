"""The digit classifier, for commands that look at MNIST's images."""

from pathlib import Path

from gancli.data import TorchvisionImages
from gancli.data.stacked import DIGITS
from gancli.evaluation.evaluate import Watch
from gancli.evaluation.mnist_classifier import Reader, batches, digit_reader
from gancli.folders import cache_folder
from gancli.preset import Preset


def shows_digits(preset: Preset) -> bool:
    """Whether the model's images are MNIST's digits."""
    return isinstance(preset.data, TorchvisionImages) and preset.data.source == DIGITS.source


def reader_of_digits(folder: Path, watch: Watch) -> Reader:
    """The classifier, from the cache or trained now.

    Args:
        folder: where named data sets lie.
        watch: shows progress.

    Raises:
        DataError: MNIST cannot be read; NetworkError: or not be downloaded.
        RunError: the cached classifier is damaged.
    """
    train, test = (DIGITS.split(folder, train=split) for split in (True, False))
    with watch(batches(train), "batches for the digit classifier") as done:
        return digit_reader(train, test, cache_folder(), done)
