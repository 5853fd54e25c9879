"""What real images look like to an extractor, kept under a hash of all it depends on."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gancli.errors import RunError
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import Gathered, Needs, gather
from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.metrics import reaches
from gancli.files import write_atomically

FORMAT = "gancli-reference-2"
TOTAL = "total"
FEATURES, REACHES = "features", "reaches"
HASH = "sha256"


def reference_name(images: ImageSet, extractor: Extractor) -> str:
    """A hash of the images, their labels, the extractor, its weights, and how it resizes."""
    of_images = (images.fingerprint, images.labelling)
    parts = (FORMAT, *of_images, extractor.name, extractor.weights, extractor.resize)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def reference(
    images: ImageSet,
    extractor: Extractor,
    needs: Needs,
    keeper: FeatureStore,
    *,
    batch_size: int,
    done: Callable[[int], None] = lambda count: None,
) -> Gathered:
    """The reference's statistics, from the keeper's folder, or gathered now and kept there.

    Raises:
        RunError: the cached file is damaged.
        DiskError: the cache cannot be written.
    """
    file = keeper.folder / f"reference-{reference_name(images, extractor)}.safetensors"
    found, lacking = None, True
    if file.exists():
        found = _load(file, extractor)
        lacking = (needs.features and found.features is None) or (
            needs.by_class and not found.by_class
        )
        if not lacking and (found.reaches is not None or not needs.reaches):
            return found
        # What was kept for another command stays kept.
        needs = replace(
            needs,
            features=needs.features or found.features is not None,
            by_class=needs.by_class or bool(found.by_class),
            reaches=needs.reaches or found.reaches is not None,
        )
    if found is None or lacking:
        found = gather(images, extractor, needs, keeper, batch_size=batch_size, done=done)
    if needs.reaches and found.features is not None:
        found.reaches = reaches(found.features, extractor.exact_device, keeper.block_bytes)
    _save(found, file)
    return found


def _save(found: Gathered, file: Path) -> None:
    tensors = _named(TOTAL, found.total)
    for label, gaussian in found.by_class.items():
        tensors |= _named(f"class{label}", gaussian)
    for name, kept in ((FEATURES, found.features), (REACHES, found.reaches)):
        if kept is not None:
            tensors[name] = kept.contiguous()
    content = safetensors.torch.save(tensors, {HASH: _hash(tensors)})
    write_atomically(file, content, shared=True)


def _hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of the tensors: their names, shapes, types and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def _named(prefix: str, gaussian: Gaussian) -> dict[str, Tensor]:
    parts = {
        "count": torch.tensor([gaussian.count]),
        "mean": gaussian.mean,
        "covariance": gaussian.covariance,
        "root": gaussian.root,
    }
    return {f"{prefix}.{name}": part.cpu().contiguous() for name, part in parts.items()}


def _load(file: Path, extractor: Extractor) -> Gathered:
    damaged = RunError(
        f"{file}, which keeps what real images look like, is damaged: delete it, and it is made "
        "again"
    )
    try:
        # Mapped, not read: features may take more memory than there is.
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if opened.metadata().get(HASH) != _hash(tensors):
                raise damaged
        names = [name.removesuffix(".count") for name in tensors if name.endswith(".count")]
        gaussians = {name: _gaussian(tensors, name, extractor.exact_device) for name in names}
        total = gaussians.pop(TOTAL)
    except (OSError, SafetensorError, KeyError, AttributeError) as error:
        raise damaged from error
    by_class = {int(name.removeprefix("class")): own for name, own in gaussians.items()}
    return Gathered(
        total.count,
        total,
        dict(sorted(by_class.items())),
        tensors.get(FEATURES),
        reaches=tensors.get(REACHES),
    )


def _gaussian(tensors: Mapping[str, Tensor], prefix: str, device: torch.device) -> Gaussian:
    mean, covariance, root = (
        tensors[f"{prefix}.{name}"].to(device) for name in ("mean", "covariance", "root")
    )
    return Gaussian(int(tensors[f"{prefix}.count"]), mean, covariance, root)
