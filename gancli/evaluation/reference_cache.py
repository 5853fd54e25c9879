"""Statistics of real images, cached under a hash of everything they depend on."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gancli.cache_layout import REFERENCE_PREFIX, SUBJECT, TENSORS
from gancli.data.decode import COLOUR_WORDS
from gancli.evaluation.distances import reaches
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds, FeatureSet, extract_features
from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.mode_bins import BinSettings, ModeBins, fit_bins
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.files import keep, note_use
from gancli.notices import notice_once
from gancli.plurals import counted

REFERENCE_FORMAT = "gancli-reference-2"
TOTAL = "total"
FEATURES, REACHES, BIN_PREFIX = "features", "reaches", "bins"
HASH = "sha256"


def reference_name(images: ImageSet, extractor: Extractor) -> str:
    """A hash of the images, their labels, the extractor, its weights, and how it resizes."""
    of_images = (images.fingerprint, images.labelling)
    parts = [REFERENCE_FORMAT, *of_images, extractor.name, extractor.weights, extractor.resize]
    forward = extractor.arithmetic.forward
    # Those of before were computed exactly.
    parts += [] if forward == "exact" else [forward]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def reference_file(images: ImageSet, extractor: Extractor, folder: Path) -> Path:
    """Where the statistics of images are, or would be, in the folder of a cache."""
    return folder / f"{REFERENCE_PREFIX}{reference_name(images, extractor)}{TENSORS}"


def reference_features(
    images: ImageSet,
    extractor: Extractor,
    needs: FeatureNeeds,
    store: FeatureStore,
    *,
    batch_size: int,
    unit: str = "real images",
    observer: Observer = UNOBSERVED,
) -> FeatureSet:
    """Statistics of real images, from the store's folder, or computed now and kept there.

    Args:
        images: the real images.
        extractor: the feature network.
        needs: the data to keep; data kept for other needs stay.
        store: makes room for features; the cache is its folder.
        batch_size: images that are looked at together.
        unit: what the images are called.
        observer: sees the progress, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop; nothing is written then.
        DiskError: there is no room for features that do not fit into memory.
    """
    file = reference_file(images, extractor, store.folder)
    known = _load(file, extractor) if file.exists() else None
    kept = FeatureNeeds() if known is None else _kept(known)
    if known is not None and needs | kept == kept:
        return known
    # Data kept for another command stay.
    needs |= kept
    bins = None if known is None else known.bins
    lacks_bins = needs.bins is not None and needs.bins != kept.bins
    looked = replace(needs, features=needs.features or lacks_bins)
    if known is None or looked != replace(kept, reaches=needs.reaches, bins=needs.bins):
        known = extract_features(
            images, extractor, looked, store, batch_size=batch_size, unit=unit, observer=observer
        )
    if needs.reaches:
        place = extractor.exact_device
        known.reaches = reaches(known.all_features(), place, store.block_bytes, observer=observer)
    known.bins = _fitted(known, needs) if lacks_bins else bins
    _save(known, file, _subject(images, extractor))
    return known


def _fitted(known: FeatureSet, needs: FeatureNeeds) -> ModeBins | None:
    """The images' bins; features that were kept for them alone are let go."""
    if needs.bins is None:
        return None
    bins = fit_bins(known.all_features(), known.total, needs.bins)
    if not needs.features:
        known.features = None
    return bins


def _kept(known: FeatureSet) -> FeatureNeeds:
    return FeatureNeeds(
        features=known.features is not None,
        by_class=bool(known.by_class),
        reaches=known.reaches is not None,
        bins=None if known.bins is None else known.bins.settings,
    )


def _subject(images: ImageSet, extractor: Extractor) -> str:
    """The images in words, as the list of caches has them."""
    channels, height, width = images.shape
    size = f"{width}x{height} {COLOUR_WORDS[channels]}"
    return f"{counted(len(images), 'image')} of {size}, as {extractor.name} sees them"


def _save(found: FeatureSet, file: Path, subject: str) -> None:
    tensors = _named(TOTAL, found.total)
    for label, gaussian in found.by_class.items():
        tensors |= _named(f"class{label}", gaussian)
    for name, kept in ((FEATURES, found.features), (REACHES, found.reaches)):
        if kept is not None:
            tensors[name] = kept.contiguous()
    if found.bins is not None:
        tensors |= _of_bins(found.bins)
    content = safetensors.torch.save(tensors, {HASH: _hash(tensors), SUBJECT: subject})
    keep(file, content)


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


def _load(file: Path, extractor: Extractor) -> FeatureSet | None:
    """What a file holds; None, and a remark, if it is damaged."""
    try:
        # Mapped, not read: features may take more memory than there is.
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if opened.metadata().get(HASH) != _hash(tensors):
                raise ValueError("its content does not match its own hash")
        names = [name.removesuffix(".count") for name in tensors if name.endswith(".count")]
        gaussians = {name: _gaussian(tensors, name, extractor.exact_device) for name in names}
        total = gaussians.pop(TOTAL)
    except (OSError, SafetensorError, ValueError, KeyError, AttributeError):
        notice_once(
            f"{file}, the cached statistics of real images, is damaged: they are computed again"
        )
        return None
    note_use(file)
    by_class = {int(name.removeprefix("class")): own for name, own in gaussians.items()}
    return FeatureSet(
        total.count,
        total,
        dict(sorted(by_class.items())),
        tensors.get(FEATURES),
        reaches=tensors.get(REACHES),
        bins=_bins(tensors) if f"{BIN_PREFIX}.settings" in tensors else None,
    )


def _of_bins(bins: ModeBins) -> dict[str, Tensor]:
    parts = {field.name: getattr(bins, field.name) for field in fields(bins)}
    return {
        f"{BIN_PREFIX}.{name}": torch.tensor(np.ascontiguousarray(part))
        for name, part in parts.items()
    }


def _bins(tensors: Mapping[str, Tensor]) -> ModeBins:
    parts = {field.name: tensors[f"{BIN_PREFIX}.{field.name}"] for field in fields(ModeBins)}
    settings = BinSettings(*parts.pop("settings").tolist())
    return ModeBins(settings, **{name: part.numpy() for name, part in parts.items()})


def _gaussian(tensors: Mapping[str, Tensor], prefix: str, device: torch.device) -> Gaussian:
    mean, covariance, root = (
        tensors[f"{prefix}.{name}"].to(device) for name in ("mean", "covariance", "root")
    )
    return Gaussian(int(tensors[f"{prefix}.count"]), mean, covariance, root)
