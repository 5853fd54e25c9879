"""How features become a logit, and the outputs of heads in addition to it."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from gancli.networks.conditioning import ProjectingSpec, projected, projection_of
from gancli.networks.layers import SlopeSpec
from gancli.types import DataShape, DiscriminatorOutput, Sample


class LogitHeadSpec(SlopeSpec, ProjectingSpec):
    """The settings of discriminators whose logit is a dense layer of its own."""

    spectral_logit: bool = True
    """whether spectral normalisation reaches the dense layer that makes the logit"""
    logit_bias: bool = True
    """whether that layer has a bias"""

    has_heads: ClassVar[bool] = True

    def idle(self) -> Mapping[str, str]:
        """Whether spectral norm reaches the last layer, where there is none."""
        found = super().idle()
        return found if self.spectral else {**found, "spectral_logit": "spectral = false"}


class LogitHead(nn.Module):
    """Features of (B, F) to one logit, a projection of the label onto them, and heads."""

    def __init__(
        self, spec: LogitHeadSpec, features: int, shape: DataShape, heads: Mapping[str, int]
    ) -> None:
        super().__init__()
        self.logit = nn.Linear(features, 1, bias=spec.logit_bias)
        self.projection = projection_of(spec.condition, features, shape.classes)
        self.heads = nn.ModuleDict({n: nn.Linear(features, count) for n, count in heads.items()})
        self.without_spectral_norm = () if spec.spectral_logit else (self.logit,)

    def forward(self, features: Tensor, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per sample, and (B, count) of each head."""
        logit = self.logit(features).squeeze(1)
        heads = {name: head(features) for name, head in self.heads.items()}
        return DiscriminatorOutput(
            projected(logit, self.projection, features, sample), heads, features
        )
