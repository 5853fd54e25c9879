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


def calibrated_torchvision_inception(file: Path, images: Tensor) -> nn.Module:
    """Write seeded weights of torchvision's network, and return it as it is by itself.

    Its batch norms know some uint8 images, so that answers vary; its classes are near each other,
    so that none is certain.
    """
    from torchvision.models import inception_v3

    torch.manual_seed(0)
    net = inception_v3(weights=None, transform_input=False, init_weights=False)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        net.fc.weight *= 0.03
        net.train()(nn.functional.interpolate(images.float() / 255, size=(299, 299)))
    torch.save(net.state_dict(), file)
    whole: nn.Module = net.eval()
    return whole
