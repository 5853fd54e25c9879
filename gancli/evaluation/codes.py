"""What a discrete code has come to mean, by the classes that a classifier reads in the images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CodeAgreement:
    """How far a code's values and the images' classes tell each other."""

    purity: float
    """share of images that show the class most often shown under their value, in (0, 1] (Manning et
    al. 2008, "Introduction to Information Retrieval", section 16.3)"""
    mutual_information: float
    """of value and class, in nats; at most the smaller of their entropies, ln 10 for ten digits"""
    meaning: dict[int, int]
    """the class most often shown under each value that occurs"""


def code_agreement(codes: NDArray[np.integer], classes: NDArray[np.integer]) -> CodeAgreement:
    """Compare the code each image was made of with the class it shows.

    Args:
        codes: (N,) values from 0, N > 0.
        classes: (N,) from 0; any further number may stand for images of no class.

    Raises:
        ValueError: there are no images, or not as many of one as of the other.
    """
    if len(codes) != len(classes) or not len(codes):
        raise ValueError(f"read {len(codes)} codes and {len(classes)} classes, expected as many")
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
