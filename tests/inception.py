"""An Inception whose weights need no download: seeded, and calibrated by real images."""

import io
from pathlib import Path

import torch
from torch import Tensor, nn


def blank_inception() -> nn.Module:
    """Inception as torch initialises it."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):  # type: ignore[misc]
        def load_state_dict(self, *_: object, **__: object) -> None:
            return None

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    torch.manual_seed(0)
    net: nn.Module = Blank("blank", ["2048"], nothing)
    return net


def calibrated_inception(file: Path, batch: Tensor) -> None:
    """Write seeded weights whose batch norms know one real batch, so that features vary."""
    net = blank_inception()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        net.train()(batch)
    torch.save(net.state_dict(), file)
