"""What an evaluation scores, and the real images it compares with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from gancli.checkpoint import Checkpoint, Header, Network
from gancli.data import AnyData, TorchvisionImages
from gancli.data.image_folder import MovedImagesError
from gancli.data.survey import survey
from gancli.defaults import EVALUATION_COUNT
from gancli.errors import DataError, UsageError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import (
    DatasetImages,
    GeneratedImages,
    ImageSet,
    refuse_other_shape,
)
from gancli.evaluation.protocol import GIVEN, Split
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.spec import RealImages
from gancli.folders import data_folder
from gancli.notices import as_text
from gancli.pasteable import command
from gancli.preset import Preset, spec_named
from gancli.runs.find import LABELLED, OF_IMAGES, find, open_checkpoint
from gancli.runs.folder import LAST, SUFFIX, Run
from gancli.user_images import ARCHIVES

REFERENCE_SPLITS: dict[str, tuple[Split, ...]] = {
    "train": ("train",),
    "test": ("test",),
    "both": ("train", "test"),
}


@dataclass(frozen=True)
class ScoredImages:
    """The images to score, and where they come from."""

    images: ImageSet
    run: Run | None = None
    """the run they come from, in whose folder results are kept"""
    saved: Checkpoint | None = None
    """what makes them; None: they are image files"""
    selection: str = ""
    """how the checkpoint was chosen"""
    header: Header | None = None
    """of the run that made them, where one is known"""

    @property
    def preset(self) -> Preset | None:
        """Of the run that made them, where one is known."""
        return None if self.header is None else self.header.preset

    @property
    def network(self) -> Network | Literal["none"]:
        """Whose weights make them."""
        if not isinstance(self.images, GeneratedImages):
            return GIVEN
        return self.images.saved.network(raw=self.images.raw)

    def __str__(self) -> str:
        if isinstance(self.images, ImageFiles):
            return as_text(self.images.path)
        preset = self.preset
        return f"{preset.name} on {preset.dataset}, {self.network}" if preset else ""


def scored_images_of(
    name: str | None, checkpoint: str, request: EvaluationRequest, device: torch.device
) -> ScoredImages:
    """The images to score.

    Args:
        name: a run, a checkpoint file, or a folder, a zip or an npz of images; None: the latest
            run that fits.
        checkpoint: which of the run: last, best or a step.
        request: how many.
        device: where to generate them.

    Raises:
        GanError: there are none, or the request does not fit them.
    """
    if name is not None and _holds_images(Path(name)):
        return _image_files(Path(name), checkpoint, request)
    found = find(name, LABELLED if request.goes_by_class else OF_IMAGES)
    saved = open_checkpoint(found, checkpoint)
    if not isinstance(found, Run):
        return images_of_checkpoint(saved, request, device)
    return images_of_checkpoint(saved, request, device, found, found.selection(checkpoint))


def images_of_checkpoint(
    saved: Checkpoint,
    request: EvaluationRequest,
    device: torch.device,
    run: Run | None = None,
    selection: str = "by its step",
) -> ScoredImages:
    """The images that a checkpoint's generator makes.

    Args:
        saved: the checkpoint.
        request: how many, and whether from the weights as trained.
        device: where to generate them.
        run: the run it belongs to, where that is known.
        selection: how it was chosen, in words.

    Raises:
        UsageError: it makes points, or knows no classes and `per_class` is set.
    """
    preset = saved.header.preset
    if request.dataset is not None:
        raise UsageError(
            f"--dataset is for image files, and {preset.name} was trained on {preset.dataset}: "
            "leave it out, or choose real images with --reference"
        )
    if not preset.data.shape.is_image:
        raise UsageError(
            f"{preset.name} on {preset.dataset} makes points, and scores are of images: count the "
            f"modes of points with {command('collapse-study')}"
        )
    seeds = _seeds(request, preset)
    images = GeneratedImages(saved, seeds, request.raw, request.batch_size, device)
    return ScoredImages(images, run, saved, selection, saved.header)


def _samples_in(path: Path) -> Path:
    """The archive in a folder that holds nothing else."""
    files = list(path.iterdir()) if path.is_dir() else []
    archives = [file for file in files if file.suffix in ARCHIVES]
    return archives[0] if len(archives) == len(files) == 1 else path


def _holds_images(path: Path) -> bool:
    try:
        return (path.is_dir() and not Run(path).exists()) or (
            path.is_file() and path.suffix.lower() != SUFFIX
        )
    except OSError:
        return False


def _image_files(path: Path, checkpoint: str, request: EvaluationRequest) -> ScoredImages:
    options = {
        "--count": request.count,
        "--per-class": request.per_class,
        "--raw": request.raw or None,
        "--checkpoint": None if checkpoint == LAST else checkpoint,
    }
    for option, value in options.items():
        if value is not None:
            raise UsageError(
                f"{option} is for runs, and all images in {path} are scored as they are: leave it "
                "out, or name a run"
            )
    run = next((Run(above) for above in path.resolve().parents if Run(above).exists()), None)
    header = None
    if run is not None and run.checkpoints() and request.dataset is None:
        header = open_checkpoint(run).header
    return ScoredImages(ImageFiles.of(*survey(_samples_in(path))), header=header)


def _seeds(request: EvaluationRequest, preset: Preset) -> int:
    """Images to generate; of each class, if the generator knows any."""
    if request.per_class is not None and not preset.classes:
        raise UsageError(f"--per-class needs classes, and {preset.name} knows none: use --count")
    if request.per_class is not None and request.count is not None:
        raise UsageError("--per-class and --count are mutually exclusive")
    count = request.count or EVALUATION_COUNT
    return request.per_class or (max(1, count // preset.classes) if preset.classes else count)


@dataclass(frozen=True)
class RealSets:
    """The real images."""

    references: tuple[RealImages, ...]
    """those to compare with"""
    train: RealImages | None = None
    """what the generator learnt from; where that is not known, the reference"""
    held_out: RealImages | None = None
    """what it has not seen, where there is any"""


def real_sets_for(scored: ScoredImages, request: EvaluationRequest) -> RealSets:
    """The real images to compare with.

    Raises:
        GanError: there are none, or they are of another size or mode.
    """
    if request.held_out is not None and not request.looks_at_training_images:
        raise UsageError("--held-out is for --memorisation alone: add that, or leave it out")
    reference = request.reference or "train"
    if reference in REFERENCE_SPLITS:
        known = _KnownData.of(scored, request)
        references = tuple(known.split(split) for split in REFERENCE_SPLITS[reference])
    elif request.dataset is not None:
        raise UsageError("--dataset and a path after --reference are mutually exclusive")
    else:
        references = (_at(Path(reference), "--reference"),)
    sets = RealSets(references)
    if request.looks_at_training_images:
        sets = _with_training_images(scored, request, references)
    for real in (*references, sets.train, sets.held_out):
        if real is not None:
            refuse_other_shape(scored.images, real.images, str(real))
    return sets


def _with_training_images(
    scored: ScoredImages, request: EvaluationRequest, references: tuple[RealImages, ...]
) -> RealSets:
    """The references, what the generator learnt from, and what it has not seen."""
    held_out = None if request.held_out is None else _at(request.held_out, "--held-out")
    if scored.preset is None and request.dataset is None:
        return RealSets(references, references[0], held_out)
    known = _KnownData.of(scored, request)
    if held_out is None and known.has_test:
        held_out = known.split("test")
    return RealSets(references, known.split("train"), held_out)


def _at(path: Path, option: str) -> RealImages:
    if not path.exists():
        choices = "train, test, both, or " if option == "--reference" else ""
        raise UsageError(f"{option} {path} does not exist: name {choices}a path of images")
    return RealImages(ImageFiles.of(*survey(_samples_in(path))), as_text(path), "all")


@dataclass(frozen=True)
class _KnownData:
    """The data set of a run, or a named one."""

    name: str
    spec: AnyData
    folder: Path
    seed: int

    @classmethod
    def of(cls, scored: ScoredImages, request: EvaluationRequest) -> "_KnownData":
        before = None if scored.header is None else scored.header.data_folder
        folder = data_folder(request.data_dir, before)
        if request.dataset is not None:
            return cls(request.dataset, _as_large(request.dataset, scored.images), folder, 0)
        if scored.header is None:
            raise UsageError(
                f"no run has made {scored}, so there is no split to compare it with: name the real "
                "images with --reference PATH, or their data set with --dataset NAME"
            )
        preset, seed = scored.header.preset, scored.header.settings.seed
        return cls(preset.dataset, preset.data, folder, seed)

    @property
    def has_test(self) -> bool:
        """Whether there are images that training does not see."""
        return isinstance(self.spec, TorchvisionImages)

    def split(self, split: Split) -> RealImages:
        """The images of a split.

        Raises:
            UsageError: there is no such split.
        """
        if isinstance(self.spec, TorchvisionImages):
            data = self.spec.split(self.folder, train=split == "train")
        elif split == "test":
            raise UsageError(f"{self.name} has no test split: use --reference train")
        else:
            try:
                data = self.spec.load(self.folder, self.seed)
            except MovedImagesError as error:
                raise DataError(f"{error}, or name them with --reference PATH") from error
        return RealImages(DatasetImages(data, self.spec.class_names), self.name, split)


def _as_large(dataset: str, images: ImageSet) -> AnyData:
    """A data set at the images' size, as training at that size resizes it."""
    spec, (_, height, width) = spec_named(dataset), images.shape
    if isinstance(spec, TorchvisionImages) and height == width != spec.shape.x[1]:
        return spec.model_copy(update={"size": width})
    return spec
