"""What generators of images share: what they read, and how labels enter."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gancli.networks.conditioning import ConditionalBatchNorm2d, labelled, shares
from gancli.networks.layers import ConditionalNormSpec, LayeredSpec, OutputSpec, batch_norm
from gancli.networks.spec import GeneratorSpec
from gancli.prior import Prior
from gancli.types import DataShape, Latent


class ConditionedGeneratorSpec(OutputSpec, ConditionalNormSpec, LayeredSpec, GeneratorSpec):
    """The settings of generators of images that may be told the class of each."""

    condition: Literal["none", "concat", "norm"] = "none"
    """how the label enters; concat: one-hot, joined to the latent (Mirza and Osindero 2014); norm:
    as scale and shift of the batch norms (Dumoulin et al. 2017)"""

    takes_codes: ClassVar[bool] = True

    @property
    def takes_labels(self) -> bool:
        """As `condition` says."""
        return self.condition != "none"

    def idle(self) -> Mapping[str, str]:
        """How norms start that are not there."""
        found = dict(super().idle())
        if self.condition == "norm":
            return found | {"norm_start": "each class has a scale and a shift of its own"}
        return found | self.idle_without_class_norms(f"condition = {self.condition}")

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        if self.condition == "norm" and self.norm != "batch":
            return f"norm: condition = norm takes norm = batch, and not {self.norm}"
        return super().misfit(shape)

    def norm_of(self, channels: int, classes: int) -> nn.Module:
        """A norm of feature maps, as `norm` and `condition` say."""
        if self.condition == "norm":
            return self.class_norm(channels, classes)
        return batch_norm(self.norm, channels, spatial=True)


class LatentReader:
    """Joins the noise with the latent's other parts; label and category as one-hot vectors."""

    def __init__(self, condition: str, prior: Prior, shape: DataShape) -> None:
        self.classes = shape.classes if condition == "concat" else 0
        self.categories = prior.categories
        self.size = prior.z_dim + self.classes + prior.categories + prior.codes

    def __call__(self, latent: Latent) -> Tensor:
        """Return (B, size)."""
        parts = [latent.z]
        if self.classes:
            parts.append(shares(latent.label, self.classes, latent.z.dtype))
        if latent.category is not None:
            parts.append(one_hot(latent.category, self.categories).to(latent.z.dtype))
        if latent.code is not None:
            parts.append(latent.code)
        return torch.cat(parts, 1)


def normed(norm: nn.Module, x: Tensor, label: Tensor | None) -> Tensor:
    """What a layer makes of feature maps; norms with scales of each class alone read the label."""
    if isinstance(norm, ConditionalBatchNorm2d):
        return norm(x, labelled(label))  # type: ignore[no-any-return]
    made: Tensor = norm(x)
    return made
