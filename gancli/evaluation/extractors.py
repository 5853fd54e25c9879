"""The extractors: networks by whose features images are compared.

Inception and VGG are torch-fidelity's, with the published weights; `inception-torchvision` is
torchvision's Inception; `dinov2` has the features of FD-DINOv2; `mnist` is this project's digit
classifier, which needs no download.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gancli.data.torchvision_set import resized
from gancli.errors import DataError, NetworkError, UsageError
from gancli.evaluation.classifier import Reader, scaled
from gancli.evaluation.dinov2 import DinoV2
from gancli.evaluation.folded import Arithmetic, Forward, computed
from gancli.evaluation.mnist_classifier import (
    DIGIT_FEATURES,
    DIGIT_SIDE,
    DIGITS_KNOWN,
    DigitClassifier,
)
from gancli.evaluation.pretrained import DINOV2, INCEPTION, PRETRAINED, VGG, PretrainedNetwork
from gancli.evaluation.torchvision_inception import TorchvisionInception
from gancli.files import disk_error

CHUNK_BYTES = 2**20
MNIST, PIXELS = "mnist", "pixels"
PIXEL_SIDE = 16
MADE_HERE = (MNIST, PIXELS)
"""Extractors without published weights to download."""
HASH_SHOWN = 16
"""Characters of a hash that results carry."""


class Seen(NamedTuple):
    """An extractor's output for a batch."""

    features: Tensor
    """(B, width) float32"""
    logits: Tensor | None
    """(B, classes) float32; None where it does not classify"""


@dataclass(frozen=True)
class Extractor:
    """A feature network on a device."""

    name: str
    weights: str
    """the first 16 characters of the SHA-256 of its weights"""
    published: bool
    """whether these are the weights that the literature's scores are computed with"""
    resize: str
    """what it does to an image first"""
    width: int
    device: torch.device
    see: Callable[[Tensor], Seen]
    """takes uint8 images of (B, C, H, W) on the device"""
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    """how it is computed"""

    @property
    def exact_device(self) -> torch.device:
        """Where sums in float64 are taken: here, but on Apple's GPUs, which have no float64."""
        return torch.device("cpu") if self.device.type == "mps" else self.device

    def __call__(self, images: Tensor) -> Seen:
        """Look at uint8 images of (B, C, H, W), in full float32.

        Raises:
            DataError: they have the wrong number of channels.
        """
        tf32 = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        try:
            with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
                return self.see(images.to(self.device))
        finally:
            torch.backends.cudnn.allow_tf32 = tf32


def classifies(name: str) -> bool:
    """Whether an extractor has classes, as the Inception score needs.

    Raises:
        UsageError: there is no such extractor.
    """
    return classes_of(name) > 0


def classes_of(name: str) -> int:
    """How many classes an extractor tells; 0: none.

    Raises:
        UsageError: there is no such extractor.
    """
    if name in MADE_HERE:
        return DIGITS_KNOWN if name == MNIST else 0
    return _known(name).classes


def width_of(name: str) -> int:
    """How many features an extractor has.

    Raises:
        UsageError: there is no such extractor.
    """
    if name in MADE_HERE:
        return DIGIT_FEATURES if name == MNIST else 3 * PIXEL_SIDE**2
    return _known(name).width


def _known(name: str) -> PretrainedNetwork:
    if name not in PRETRAINED:
        raise UsageError(
            f"no extractor {name}: choose {', '.join(PRETRAINED)}, {MNIST} or {PIXELS}"
        )
    return PRETRAINED[name]


def digit_extractor(reader: Reader, device: torch.device) -> Extractor:
    """The digit classifier's 128 last activations, and its logits of the ten digits."""
    net = DigitClassifier()
    net.load_state_dict(reader.net.state_dict())
    net.to(device).eval()
    *layers, last = net
    body = nn.Sequential(*layers)

    def see(images: Tensor) -> Seen:
        if images.shape[1] != 1:
            raise DataError(
                f"--extractor {MNIST} takes grey images, not those of {images.shape[1]} channels: "
                f"use --extractor {INCEPTION}"
            )
        if images.shape[2:] != (DIGIT_SIDE, DIGIT_SIDE):
            images = resized(images, DIGIT_SIDE)
        features = body(scaled(images))
        return Seen(features, last(features)[:, :DIGITS_KNOWN])

    return Extractor(
        name=MNIST,
        weights=reader.weights[:HASH_SHOWN],
        published=False,
        resize=f"to {DIGIT_SIDE}x{DIGIT_SIDE}, bilinear, antialiased",
        width=DIGIT_FEATURES,
        device=device,
        see=see,
    )


def load_extractor(
    name: str,
    file: Path | None,
    device: torch.device,
    *,
    trusted: bool = False,
    forward: Forward = "folded",
) -> Extractor:
    """A network but the digit classifier, its weights from a file or downloaded by torch's hub.

    Args:
        name: `inception`, `vgg16`, `inception-torchvision` or `dinov2`.
        file: the weights; None: where torch's hub keeps them, downloaded if they are not there.
        device: where to compute.
        trusted: whether to take weights other than the published ones.
        forward: how the network is computed.

    Raises:
        NetworkError: the weights cannot be had, are others, or belong to another network.
        UsageError: there is no such extractor, or it or the device gains nothing by bfloat16.
    """
    known = _known(name)
    if forward == "fast" and not known.has_norms:
        raise _never_fast(name)
    path = file or _downloaded(known)
    digest = _digest(path)
    published = digest.startswith(known.sha256)
    if not published and not trusted:
        raise _unpublished(path, digest, known, named=file is not None)
    net, arithmetic = computed(_built(name, known, path), forward, device)

    def see(images: Tensor) -> Seen:
        found = net(images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images)
        return Seen(found[0].float(), found[1].float() if len(found) > 1 else None)

    return Extractor(
        name=name,
        weights=digest[:HASH_SHOWN],
        published=published,
        resize=known.resize,
        width=known.width,
        device=device,
        see=see,
        arithmetic=arithmetic,
    )


def _never_fast(name: str) -> UsageError:
    able = " and ".join(each for each, of in PRETRAINED.items() if of.has_norms)
    return UsageError(f"--fast is for --extractor {able}, not for {name}: leave it out")


def _unpublished(path: Path, digest: str, known: PretrainedNetwork, *, named: bool) -> NetworkError:
    return NetworkError(
        f"{path} (SHA-256 {digest[:HASH_SHOWN]}...) does not hold the published weights "
        f"{known.file}, whose SHA-256 begins with {known.sha256}: "
        + ("name that file with --weights" if named else "remove it to download it again")
        + ", or add --trust-weights to use this one (its scores compare with no others)"
    )


def _downloaded(known: PretrainedNetwork) -> Path:
    path = Path(torch.hub.get_dir()) / "checkpoints" / known.file
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(known.url, str(path), known.sha256, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        full = disk_error(error) if isinstance(error, OSError) else None
        raise full or NetworkError(
            f"{known.file} (SHA-256 {known.sha256}...) is not in {path.parent} and cannot be "
            f"downloaded: connect to a network, or fetch {known.url} elsewhere and name the file "
            "with --weights"
        ) from error
    return path


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise NetworkError(f"cannot read the weights {path}: {error.strerror}") from error
    return digest.hexdigest()


def _as_wide(net: DinoV2, known: PretrainedNetwork) -> DinoV2:
    """The network, if it has as many features as there must be."""
    if net.width != known.width:
        raise ValueError(f"it has {net.width} features, and not {known.width}")
    return net


def _built(name: str, known: PretrainedNetwork, path: Path) -> nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    build = {INCEPTION: FeatureExtractorInceptionV3, VGG: FeatureExtractorVGG16}
    try:
        tensors = torch.load(path, "cpu", weights_only=True)
        if name == DINOV2:
            return _as_wide(DinoV2(tensors), known)
        if name not in build:
            return TorchvisionInception(tensors)
        # torch-fidelity would unpickle the file without looking: it gets tensors read safely.
        again = io.BytesIO()
        torch.save(tensors, again)
        again.seek(0)
        net: nn.Module = build[name](name, list(known.layers), again)
    # What a damaged or foreign file makes torch raise is documented nowhere.
    except Exception as error:
        raise NetworkError(
            f"the weights in {path} belong to another network than {name}, or are damaged: name "
            "another file with --weights"
        ) from error
    return net
