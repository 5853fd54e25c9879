"""How labels enter networks: batch norms with a scale and a shift per class, and projection."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gancli.networks.spec import DiscriminatorSpec
from gancli.types import Sample

NORM_EPS = 1e-5
"""What torch's batch norms add to the variance."""


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift belong to the label (Dumoulin et al. 2017, eq. 5).

    Every class starts with a scale of 1 and a shift of 0; or both start off these by
    U(-1/sqrt(classes), 1/sqrt(classes)), as they do where they are linear layers of the label.

    Args:
        channels: of the images.
        classes: how many.
        eps: added to the variance.
        spread: whether the classes start apart.
    """

    def __init__(
        self, channels: int, classes: int, *, eps: float = NORM_EPS, spread: bool = False
    ) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=eps, affine=False)
        self.weights = nn.Embedding(classes, channels)
        self.biases = nn.Embedding(classes, channels)
        nn.init.ones_(self.weights.weight)
        nn.init.zeros_(self.biases.weight)
        if spread:
            with torch.no_grad():
                for table in (self.weights.weight, self.biases.weight):
                    table += torch.empty_like(table).uniform_(-1, 1) * classes**-0.5

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Return (B, C, H, W), each image scaled and shifted as its label says."""
        scale, shift = _looked_up(self.weights, label), _looked_up(self.biases, label)
        return torch.addcmul(shift[:, :, None, None], self.bn(x), scale[:, :, None, None])


class Projection(nn.Module):
    """What a discriminator's features say of the label: their product with the label's own vector.

    It is added to the logit (Miyato and Koyama 2018, arXiv:1802.05637, eq. 10).
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(classes, features, bias=False)

    def forward(self, features: Tensor, label: Tensor | None) -> Tensor:
        """Return (B,), features being (B, F).

        Raises:
            ValueError: there is no label.
        """
        classes = self.embedding.in_features
        product: Tensor = features * self.embedding(shares(label, classes, features.dtype))
        return product.sum(1)


class ProjectingSpec(DiscriminatorSpec):
    """The settings of discriminators that judge labels by projection, or not at all."""

    condition: Literal["none", "projection"] = "none"
    """how the label enters; projection: as the product of the features with the label's own vector,
    added to the logit (Miyato and Koyama 2018)"""

    @property
    def takes_labels(self) -> bool:
        """As `condition` says."""
        return self.condition != "none"


def projection_of(condition: str, features: int, classes: int) -> Projection | None:
    """The projection of labels onto a number of features, where `condition` asks for it."""
    return Projection(features, classes) if condition == "projection" else None


def projected(
    logit: Tensor, projection: Projection | None, features: Tensor, sample: Sample
) -> Tensor:
    """The logit, (B,), plus what the features, (B, F), say of the sample's label, if anything."""
    return logit if projection is None else logit + projection(features, sample.label)


def _looked_up(table: nn.Embedding, label: Tensor) -> Tensor:
    """The label's rows of a table; of a blend of classes, their mean by its shares."""
    if label.is_floating_point():
        return label @ table.weight
    found: Tensor = table(label)
    return found


def shares(label: Tensor | None, classes: int, dtype: torch.dtype) -> Tensor:
    """A conditional network's label as (B, classes): one-hot, or the shares of a blend as it is.

    Raises:
        ValueError: it is absent.
    """
    label = labelled(label)
    return (label if label.is_floating_point() else one_hot(label, classes)).to(dtype)


def labelled(label: Tensor | None) -> Tensor:
    """The label, which a conditional network cannot do without.

    Raises:
        ValueError: it is absent.
    """
    if label is None:
        raise ValueError("a conditional network takes labels, and there are none")
    return label
