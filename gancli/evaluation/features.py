"""One pass over images: each is seen by the extractor once, whatever the metrics need."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gancli.errors import NonFiniteError
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.frechet import Gaussian, Moments
from gancli.evaluation.image_sets import GeneratedImages, ImageSet
from gancli.evaluation.known_modes import KnownModes, Readings
from gancli.evaluation.mode_bins import BinnedSamples, BinSettings, ModeBins
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.objective.mutual_information import stroke_thickness
from gancli.parallel import ALONE, World


@dataclass(frozen=True)
class FeatureNeeds:
    """The data kept in addition to the features' moments; a number takes 4 bytes."""

    features: bool = False
    logits: bool = False
    by_class: bool = False
    """the moments of each class alone"""
    reaches: bool = False
    """distances between the features, for which all of them are kept"""
    thickness: bool = False
    """how thick strokes are"""
    modes: bool = False
    """the mode that each image belongs to, where the data's modes are known"""
    bins: BinSettings | None = None
    """the images' bins by their features"""

    def __or__(self, other: "FeatureNeeds") -> "FeatureNeeds":
        return FeatureNeeds(
            self.features or other.features,
            self.logits or other.logits,
            self.by_class or other.by_class,
            self.reaches or other.reaches,
            self.thickness or other.thickness,
            self.modes or other.modes,
            self.bins or other.bins,
        )


@dataclass
class FeatureSet:
    """Statistics of one set of images, seen by an extractor."""

    count: int
    total: Gaussian
    by_class: dict[int, Gaussian] = field(default_factory=dict)
    """of each class's images alone"""
    features: Tensor | None = None
    """(count, width) float32, on the CPU; may be mapped from a file"""
    logits: Tensor | None = None
    """(count, classes) float32, on the CPU"""
    labels: Tensor | None = None
    """(count,)"""
    reaches: Tensor | None = None
    """(count, 2) float32, on the CPU: as `distances.reaches` says"""
    thickness: Tensor | None = None
    """(count,) float32, on the CPU: as `stroke_thickness` says"""
    modes: Readings | None = None
    """the mode of each"""
    bins: ModeBins | None = None
    """their bins"""

    def all_features(self) -> Tensor:
        """The features, where they were kept.

        Raises:
            ValueError: they were not: no metric's needs name them.
        """
        if self.features is None:
            raise ValueError("the features were not kept: name them in the metric's needs")
        return self.features

    def all_bins(self) -> ModeBins:
        """The bins, where they were kept.

        Raises:
            ValueError: they were not: no metric's needs name them.
        """
        if self.bins is None:
            raise ValueError("the bins were not kept: name them in the metric's needs")
        return self.bins

    def in_bins(self, bins: ModeBins) -> BinnedSamples:
        """These images in the bins of others."""
        return bins.assign(self.all_features())

    def all_logits(self) -> Tensor:
        """The logits, where they were kept.

        Raises:
            ValueError: they were not: no metric's needs name them, or the extractor has none.
        """
        if self.logits is None:
            raise ValueError("the logits were not kept: name them in the metric's needs")
        return self.logits


def extract_features(
    images: ImageSet,
    extractor: Extractor,
    needs: FeatureNeeds,
    store: FeatureStore,
    *,
    batch_size: int,
    unit: str = "images",
    observer: Observer = UNOBSERVED,
    known_modes: KnownModes | None = None,
    world: World = ALONE,
) -> FeatureSet:
    """Look at every image once.

    Args:
        images: two at least.
        extractor: the feature network.
        needs: the data to keep.
        store: makes room for features.
        batch_size: images that are looked at together.
        unit: what the images are called while they are counted.
        observer: is told of each batch, and may stop the pass after it.
        known_modes: those of the data, which images are read by; None: they are not known.
        world: the processes that take turns with generated images; this is the leading one.

    Raises:
        NonFiniteError: the extractor's features are not finite.
        EvaluationStoppedError: the observer wants to stop.
    """
    kept = _Kept(len(images), extractor, needs, store, known_modes)
    observer.go_on_or_stop()
    with observer.watch(len(images), unit) as done:
        for pixels, classes, seen in looked_at(images, extractor, batch_size, world):
            kept.add(seen, classes)
            kept.measure(pixels)
            done(kept.total.count)
            observer.go_on_or_stop()
    return kept.feature_set()


def looked_at(
    images: ImageSet, extractor: Extractor, batch_size: int, world: World
) -> Iterator[tuple[Tensor, Tensor | None, Seen]]:
    """Batch after batch, its classes, and what the extractor sees.

    Where several processes share the work, they take turns with images that are generated, and the
    leading one has it all; other images it looks at alone.
    """
    if world.size == 1 or not isinstance(images, GeneratedImages):
        for pixels, classes in images.batches(batch_size) if world.leads else ():
            yield pixels, classes, extractor(pixels)
        return
    own = replace(images, turns=(world.rank, world.size)).batches(batch_size)

    def look(place: int) -> tuple[Tensor, Tensor | None, Seen]:
        del place
        pixels, classes = next(own)
        seen = extractor(pixels)
        logits = None if seen.logits is None else seen.logits.cpu()
        return pixels.cpu(), classes, Seen(seen.features.cpu(), logits)

    for pixels, classes, seen in world.dealt(images.batch_count(batch_size), look):
        yield pixels, classes, Seen(seen.features.to(extractor.exact_device), seen.logits)


class _Kept:
    """The data kept from the batches so far."""

    def __init__(
        self,
        count: int,
        extractor: Extractor,
        needs: FeatureNeeds,
        store: FeatureStore,
        known_modes: KnownModes | None,
    ) -> None:
        self.total = Moments(extractor.width, extractor.exact_device)
        self._extractor = extractor
        self._needs = needs
        self._by_class: dict[int, Moments] = {}
        self._features = store.room(count, extractor.width) if needs.features else None
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._thickness: list[Tensor] = []
        self._known_modes = known_modes if needs.modes else None
        self._modes: list[Readings] = []

    def add(self, seen: Seen, labels: Tensor | None) -> None:
        start = self.total.count
        self.total.add(seen.features)
        if self._features is not None:
            self._features[start : self.total.count] = seen.features
        if self._needs.logits and seen.logits is not None:
            self._logits.append(seen.logits.cpu())
        if labels is None:
            return
        self._labels.append(labels)
        if self._needs.by_class:
            self._add_by_class(seen.features, labels)

    def measure(self, pixels: Tensor) -> None:
        if self._needs.thickness:
            self._thickness.append(stroke_thickness(pixels.float() / 255).cpu())
        if self._known_modes is not None:
            self._modes.append(self._known_modes.read(pixels))

    def _add_by_class(self, features: Tensor, labels: Tensor) -> None:
        extractor = self._extractor
        for label in torch.unique(labels).tolist():
            if label not in self._by_class:
                self._by_class[label] = Moments(extractor.width, extractor.exact_device)
            self._by_class[label].add(features[(labels == label).to(features.device)])

    def feature_set(self) -> FeatureSet:
        return FeatureSet(
            self.total.count,
            _finite(self.total.gaussian(), self._extractor),
            {n: own.gaussian() for n, own in sorted(self._by_class.items()) if own.count > 1},
            self._features,
            torch.cat(self._logits) if self._logits else None,
            torch.cat(self._labels) if self._labels else None,
            thickness=torch.cat(self._thickness) if self._thickness else None,
            modes=Readings.joined(self._modes) if self._modes else None,
        )


def _finite(whole: Gaussian, extractor: Extractor) -> Gaussian:
    if not bool(whole.covariance.isfinite().all()):
        raise NonFiniteError(
            f"the {extractor.name} extractor gave features that are infinite or not a number: name "
            "other weights with --weights"
        )
    return whole
