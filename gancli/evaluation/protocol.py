"""What a score depends on, and what is kept of an evaluation."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from gancli.checkpoint import Network, versions
from gancli.settings import Settings

Split = Literal["train", "test", "all"]
"""Of a data set; all: images of a path, which has no splits."""
GIVEN: Literal["none"] = "none"
"""The network of images that were given."""
FOLLOWING = frozenset(
    {"per_class", "seeds", "reference", "reference_count", "published", "train", "held_out"}
)
"""Fields of the protocol that follow from others, or touch no score that ranks."""


class Protocol(Settings):
    """All a score depends on, beside the generator itself."""

    count: int
    """images that are scored"""
    per_class: int | None = None
    """of each class, where they were asked for by class"""
    reference: str
    """name or path of the real images"""
    split: Split
    reference_count: int
    data: str
    """hash of the real images and their labels"""
    extractor: str
    weights: str
    """hash of the extractor's weights"""
    published: bool
    """whether these are the published weights, so that scores compare with the literature's"""
    dtype: Literal["float32"] = "float32"
    """of the extractor; moments and distances are float64"""
    resize: str
    network: Network | Literal["none"]
    """whose weights made the images"""
    mode: Literal["evaluation", "none"] = "evaluation"
    """of the generator's batch norms"""
    seeds: str
    """of each class, where they were asked for by class; empty for given images"""
    truncation: float | None = None
    """how far the generator's noise may lie from 0, in the prior's scale; None: anywhere"""
    train: str = ""
    """training images that memorisation looks for, with their hash"""
    held_out: str = ""
    """real images that memorisation is held against, with their hash"""


class Evaluation(Settings):
    """Scores of one set of images against one reference."""

    model: str
    """of a run; of given images their name"""
    dataset: str
    variant: str
    step: int | None
    """of the checkpoint; None for given images"""
    selection: str
    """how the checkpoint was chosen: last, best of so many, or by its step; empty: none was"""
    images: str = ""
    """hash of the images, or of the checkpoint and what it was asked for"""
    protocol: Protocol
    scores: dict[str, float]
    """raw values; a distance may be a tiny negative number"""
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """of some of the scores, as `evaluation.intervals` finds them; 95 %"""
    made: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: dict[str, str] = Field(default_factory=versions)


def differences(protocols: Sequence[Protocol]) -> list[str]:
    """The fields in which protocols differ so that scores do not compare.

    How many images of each class there were and from which seeds they were made follows from the
    count; what the reference is called and how large it is, from the hash of its data. The step
    and the choice of the checkpoint are no part of a protocol.
    """
    return [
        name
        for name in Protocol.model_fields
        if name not in FOLLOWING and len({getattr(each, name) for each in protocols}) > 1
    ]
