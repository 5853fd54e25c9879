"""What the reference images look like to an extractor, kept under a hash of all it depends on."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from gancli.data import Dataset
from gancli.errors import RunError
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.gather import Gathered, Needs, batches_of, gather
from gancli.evaluation.moments import Gaussian
from gancli.files import write_atomically

FORMAT = "gancli-reference-1"
TOTAL = "total"
FEATURES = "features"


def reference_name(data: Dataset, extractor: Extractor) -> str:
    """A hash of the images, their labels, the extractor, its weights, and how it resizes."""
    parts = (FORMAT, data.fingerprint, extractor.name, extractor.weights, extractor.resize)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def reference(
    data: Dataset,
    extractor: Extractor,
    needs: Needs,
    cache: Path,
    *,
    batch_size: int,
    done: Callable[[int], None] = lambda count: None,
) -> Gathered:
    """The reference's statistics, from the cache or gathered now and kept.

    Raises:
        RunError: the cached file is damaged.
        DiskError: the cache cannot be written.
    """
    file = cache / f"reference-{reference_name(data, extractor)}.safetensors"
    if file.exists():
        known = _load(file, extractor)
        lacking = (needs.features and known.features is None) or (
            needs.by_class and not known.by_class
        )
        if not lacking:
            return known
        # What was kept for another command stays kept.
        needs = Needs(
            needs.features or known.features is not None,
            by_class=needs.by_class or bool(known.by_class),
        )
    found = gather(batches_of(data, batch_size), extractor, needs, done)
    _save(found, file)
    return found


def _save(found: Gathered, file: Path) -> None:
    tensors = _named(TOTAL, found.total)
    for label, gaussian in found.by_class.items():
        tensors |= _named(f"class{label}", gaussian)
    if found.features is not None:
        tensors[FEATURES] = found.features
    content = safetensors.torch.save(tensors)
    digest = hashlib.sha256(content).hexdigest().encode()
    write_atomically(file, digest + content, shared=True)


def _named(prefix: str, gaussian: Gaussian) -> dict[str, Tensor]:
    parts = {
        "count": torch.tensor(gaussian.count),
        "mean": gaussian.mean,
        "covariance": gaussian.covariance,
        "root": gaussian.root,
    }
    return {f"{prefix}.{name}": part.cpu().contiguous() for name, part in parts.items()}


def _load(file: Path, extractor: Extractor) -> Gathered:
    damaged = RunError(
        f"{file}, which keeps what the reference images look like, is damaged: delete it, and it "
        "is made again"
    )
    try:
        content = file.read_bytes()
        if hashlib.sha256(content[64:]).hexdigest().encode() != content[:64]:
            raise damaged
        tensors = safetensors.torch.load(content[64:])
        names = [name.removesuffix(".count") for name in tensors if name.endswith(".count")]
        gaussians = {name: _gaussian(tensors, name, extractor.exact_device) for name in names}
    except (OSError, SafetensorError, KeyError) as error:
        raise damaged from error
    total = gaussians.pop(TOTAL)
    by_class = {int(name.removeprefix("class")): own for name, own in gaussians.items()}
    return Gathered(total.count, total, dict(sorted(by_class.items())), tensors.get(FEATURES))


def _gaussian(tensors: dict[str, Tensor], prefix: str, device: torch.device) -> Gaussian:
    mean, covariance, root = (
        tensors[f"{prefix}.{name}"].to(device) for name in ("mean", "covariance", "root")
    )
    return Gaussian(int(tensors[f"{prefix}.count"]), mean, covariance, root)
