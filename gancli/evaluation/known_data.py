"""The data set of a run, or a named one, as real images to compare with."""

from dataclasses import dataclass
from pathlib import Path

from gancli.checkpoint import Header
from gancli.data import AnyData, TorchvisionImages
from gancli.data.image_folder import MovedImagesError
from gancli.data.images import StoredImages
from gancli.data.torchvision_images import SetSplit
from gancli.errors import DataError, UsageError
from gancli.evaluation.image_sets import DatasetImages, ImageSet
from gancli.evaluation.protocol import Split
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.spec import RealImages
from gancli.folders import data_folder
from gancli.preset import spec_named


@dataclass(frozen=True)
class KnownData:
    """The data set of a run, or a named one."""

    name: str
    spec: AnyData
    folder: Path
    seed: int
    is_of_run: bool
    """whether it is the one that a run was trained on"""

    @classmethod
    def of(
        cls, images: ImageSet, said: str, header: Header | None, request: EvaluationRequest
    ) -> "KnownData":
        """The set that is named, or else that of the run.

        Args:
            images: those that are scored.
            said: the same, in words.
            header: of the run that made them, where one is known.
            request: may name a set.

        Raises:
            UsageError: there is neither a name nor a run.
        """
        before = None if header is None else header.data_folder
        folder = data_folder(request.data_dir, before)
        if request.dataset is not None:
            return cls(request.dataset, _as_large(request.dataset, images), folder, 0, False)
        if header is None:
            raise UsageError(
                f"no run has made {said}, so there is no split to compare it with: name the real "
                "images with --reference PATH, or their data set with --dataset NAME"
            )
        preset, seed = header.preset, header.settings.seed
        return cls(preset.dataset, preset.data, folder, seed, True)

    @property
    def unseen(self) -> SetSplit | None:
        """The split that training does not see; None: there is none."""
        if not isinstance(self.spec, TorchvisionImages):
            return None
        seen = self.spec.split if self.is_of_run else "train"
        return None if seen == "both" else "train" if seen == "test" else "test"

    def split(self, split: SetSplit) -> RealImages:
        """The images of a split of the set, whatever a run was trained on.

        Raises:
            UsageError: there is no such split.
        """
        if split == "test" and not isinstance(self.spec, TorchvisionImages):
            raise UsageError(f"{self.name} has no test split: use --reference train")
        whole = _whole(self.spec, split)
        return self._images(whole, self.name, split, seen=self.is_of_run and whole == self.spec)

    def trained_on(self) -> RealImages:
        """What training saw, where a run says so; else the training split."""
        if not self.is_of_run or _whole(self.spec, "train") == self.spec:
            return self.split("train")
        return self._images(self.spec, f"{self.name} as trained on", "all", seen=True)

    def _images(self, spec: AnyData, name: str, split: Split, *, seen: bool) -> RealImages:
        try:
            data = spec.load(self.folder, self.seed)
        except MovedImagesError as error:
            raise DataError(f"{error}, or name them with --reference PATH") from error
        return RealImages(DatasetImages(data, spec.class_names), name, split, of_training=seen)


def _whole(spec: AnyData, split: SetSplit) -> AnyData:
    """A data set without what a preset leaves out of it."""
    if isinstance(spec, TorchvisionImages):
        return spec.whole(split)
    return spec.model_copy(update={"limit": None}) if isinstance(spec, StoredImages) else spec


def _as_large(dataset: str, images: ImageSet) -> AnyData:
    """A data set at the images' size, as training at that size resizes it."""
    spec, (_, height, width) = spec_named(dataset), images.shape
    if isinstance(spec, TorchvisionImages) and height == width != spec.shape.x[1]:
        return spec.model_copy(update={"size": width})
    return spec
