"""The published weights of the extractors: files, sources, and where they are kept; no torch."""

import os
from dataclasses import dataclass
from pathlib import Path

from gancli.scores import PUBLISHED_EXTRACTOR

INCEPTION, VGG, TORCHVISION = PUBLISHED_EXTRACTOR, "vgg16", "inception-torchvision"
DINOV2 = "dinov2"
INCEPTION_SIDE = 299
TORCHVISION_RESIZE = (
    f"to {INCEPTION_SIDE}x{INCEPTION_SIDE}, bilinear with aligned corners, scaled by ImageNet's "
    "mean and deviation"
)


@dataclass(frozen=True)
class PretrainedNetwork:
    """A network, and the file of its published weights."""

    file: str
    url: str
    sha256: str
    """how the file's SHA-256 begins; torch names files by it"""
    resize: str
    """what it does to an image first"""
    width: int
    layers: tuple[str, ...] = ()
    """features, and logits if it has them, as torch-fidelity names them; none: it is not theirs"""
    classes: int = 0
    """that the logits are of"""
    has_norms: bool = False
    """whether it has batch norms, which can be folded"""


PRETRAINED = {
    INCEPTION: PretrainedNetwork(
        "weights-inception-2015-12-05-6726825d.pth",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth",
        "6726825d",
        "to 299x299, bilinear as in TensorFlow 1",
        2048,
        ("2048", "logits_unbiased"),
        1008,
        has_norms=True,
    ),
    VGG: PretrainedNetwork(
        "vgg16-397923af.pth",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af",
        "to 224x224, bilinear as in TensorFlow 1",
        4096,
        ("fc2_relu",),
    ),
    TORCHVISION: PretrainedNetwork(
        "inception_v3_google-0cc3c7bd.pth",
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        "0cc3c7bd",
        TORCHVISION_RESIZE,
        2048,
        classes=1000,
        has_norms=True,
    ),
    # The hash is the one that several public repositories pin this file to.
    DINOV2: PretrainedNetwork(
        "dinov2_vitl14_pretrain.pth",
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
        "d5383ea8f4877b24",
        "to 224x224, bicubic, antialiased, scaled by ImageNet's mean and deviation",
        1024,
    ),
}


def hub_folder() -> Path:
    """Where torch's hub keeps weights, as `torch.hub.get_dir` does, without torch."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or str(Path(caches) / "torch")
    return Path(os.path.expanduser(home)) / "hub" / "checkpoints"  # noqa: PTH111
