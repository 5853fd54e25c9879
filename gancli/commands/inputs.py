"""What `gan evaluate` scores, and the real images it compares with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from gancli.checkpoint import Checkpoint, Header, Network
from gancli.data import AnyData, Mixture, TorchvisionImages
from gancli.data.survey import survey
from gancli.defaults import IMAGES_AT_ONCE
from gancli.errors import UsageError
from gancli.evaluation.generated import Generated
from gancli.evaluation.image_sets import Given, ImageSet, Stored, refuse_other_shape
from gancli.evaluation.protocol import GIVEN, Split
from gancli.evaluation.spec import Real
from gancli.folders import data_folder
from gancli.preset import Preset, spec_named
from gancli.runs.find import LABELLED, OF_IMAGES, find, open_checkpoint
from gancli.runs.folder import LAST, SUFFIX, Run
from gancli.user_images import ARCHIVES

DEFAULT_COUNT = 50_000
SPLITS: dict[str, tuple[Split, ...]] = {
    "train": ("train",),
    "test": ("test",),
    "both": ("train", "test"),
}


@dataclass(frozen=True)
class Choice:
    """What was typed of the images to score, and of those to compare with."""

    subject: str | None = None
    """a run, a checkpoint, or a folder, a zip or an npz of images"""
    by_class: bool = False
    """whether the metrics go by class"""
    count: int | None = None
    per_class: int | None = None
    checkpoint: str = LAST
    raw: bool = False
    reference: str | None = None
    """train, test, both or a path; None: train"""
    memorises: bool = False
    """whether what the generator learnt from is looked at, beside what it has not seen"""
    held_out: Path | None = None
    dataset: str | None = None
    data_dir: Path | None = None
    batch_size: int = IMAGES_AT_ONCE


@dataclass(frozen=True)
class Subject:
    """What is scored."""

    images: ImageSet
    run: Run | None = None
    """whose images these are, and where results are kept"""
    saved: Checkpoint | None = None
    """what makes them; None: they were given"""
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
        if not isinstance(self.images, Generated):
            return GIVEN
        return self.images.saved.network(raw=self.images.raw)

    def __str__(self) -> str:
        if isinstance(self.images, Given):
            return str(self.images.path)
        preset = self.preset
        return f"{preset.name} on {preset.dataset}, {self.network}" if preset else ""


def subject_of(choice: Choice, device: torch.device) -> Subject:
    """The images to score.

    Raises:
        GanError: there are none, or what was typed does not fit them.
    """
    if choice.subject is not None and _holds_images(Path(choice.subject)):
        return _given(Path(choice.subject), choice)
    found = find(choice.subject, LABELLED if choice.by_class else OF_IMAGES)
    saved = open_checkpoint(found, choice.checkpoint)
    if choice.dataset is not None:
        raise UsageError("read --dataset with a run, which knows its own: use --reference")
    if not isinstance(found, Run):
        return of_checkpoint(choice, saved, None, "by its step", device)
    return of_checkpoint(choice, saved, found, found.selection(choice.checkpoint), device)


def of_checkpoint(
    choice: Choice, saved: Checkpoint, run: Run | None, selection: str, device: torch.device
) -> Subject:
    """What a checkpoint's generator makes.

    Args:
        choice: how many, and whether from the weights as trained.
        saved: the checkpoint.
        run: whose it is, where that is known.
        selection: how it was chosen, in words.
        device: where to make images.

    Raises:
        UsageError: it makes points, or knows no classes that were asked for.
    """
    preset = saved.header.preset
    if isinstance(preset.data, Mixture):
        raise UsageError(
            f"read a run of {preset.name} on {preset.dataset}, expected one of images: points are "
            "scored by gan collapse-study"
        )
    images = Generated(saved, _seeds(choice, preset), choice.raw, choice.batch_size, device)
    return Subject(images, run, saved, selection, saved.header)


def _samples_in(path: Path) -> Path:
    """The archive in a folder of samples that were written as one."""
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


def _given(path: Path, choice: Choice) -> Subject:
    typed = {
        "--count": choice.count,
        "--per-class": choice.per_class,
        "--raw": choice.raw or None,
        "--checkpoint": None if choice.checkpoint == LAST else choice.checkpoint,
    }
    for option, said in typed.items():
        if said is not None:
            raise UsageError(
                f"read {option} with {path}, whose images are scored as they are, all of them: "
                "leave it out, or name a run"
            )
    run = next((Run(above) for above in path.resolve().parents if Run(above).exists()), None)
    header = None
    if run is not None and run.checkpoints() and choice.dataset is None:
        header = open_checkpoint(run).header
    return Subject(Given.of(*survey(_samples_in(path))), header=header)


def _seeds(choice: Choice, preset: Preset) -> int:
    """Images to generate; of each class, if the generator knows any."""
    if choice.per_class is not None and not preset.classes:
        raise UsageError(
            f"read --per-class with a run of {preset.name}, which knows no classes: use --count"
        )
    if choice.per_class is not None and choice.count is not None:
        raise UsageError("read --per-class and --count, expected one")
    count = choice.count or DEFAULT_COUNT
    return choice.per_class or (max(1, count // preset.classes) if preset.classes else count)


@dataclass(frozen=True)
class Reals:
    """The real images."""

    compared: tuple[Real, ...]
    train: Real | None = None
    """what the generator learnt from; where that is not known, the reference"""
    held_out: Real | None = None
    """what it has not seen, where there is any"""


def reals_for(subject: Subject, choice: Choice) -> Reals:
    """The real images to compare with.

    Raises:
        GanError: there are none, or they are of another size or mode.
    """
    if choice.held_out is not None and not choice.memorises:
        raise UsageError("read --held-out without --memorisation, which alone looks at it")
    reference = choice.reference or "train"
    if reference in SPLITS:
        known = _Known.of(subject, choice)
        compared = tuple(known.split(split) for split in SPLITS[reference])
    elif choice.dataset is not None:
        raise UsageError("read --dataset and a path after --reference, expected one of them")
    else:
        compared = (_at(Path(reference), "--reference"),)
    found = _with_unseen(subject, choice, compared) if choice.memorises else Reals(compared)
    for real in (*compared, found.train, found.held_out):
        if real is not None:
            refuse_other_shape(subject.images, real.images, str(real))
    return found


def _with_unseen(subject: Subject, choice: Choice, compared: tuple[Real, ...]) -> Reals:
    """The reference, and beside it what the generator learnt from, and what it has not seen."""
    held_out = None if choice.held_out is None else _at(choice.held_out, "--held-out")
    if subject.preset is None and choice.dataset is None:
        return Reals(compared, compared[0], held_out)
    known = _Known.of(subject, choice)
    if held_out is None and known.has_test:
        held_out = known.split("test")
    return Reals(compared, known.split("train"), held_out)


def _at(path: Path, option: str) -> Real:
    if not path.exists():
        choices = "train, test, both, or " if option == "--reference" else ""
        raise UsageError(f"read {option} {path}, expected {choices}a path of images")
    return Real(Given.of(*survey(_samples_in(path))), str(path), "all")


@dataclass(frozen=True)
class _Known:
    """The data set of a run, or one that was named."""

    name: str
    spec: AnyData
    folder: Path
    seed: int

    @classmethod
    def of(cls, subject: Subject, choice: Choice) -> "_Known":
        before = None if subject.header is None else subject.header.data_folder
        folder = data_folder(choice.data_dir, before)
        if choice.dataset is not None:
            return cls(choice.dataset, _as_large(choice.dataset, subject.images), folder, 0)
        if subject.header is None:
            raise UsageError(
                f"read {subject}, which no run has made, with --reference "
                f"{choice.reference or 'train'}: name the real images with --reference PATH, or "
                "their data set with --dataset NAME"
            )
        preset, seed = subject.header.preset, subject.header.settings.seed
        return cls(preset.dataset, preset.data, folder, seed)

    @property
    def has_test(self) -> bool:
        """Whether there are images that training does not see."""
        return isinstance(self.spec, TorchvisionImages)

    def split(self, split: Split) -> Real:
        """The images of a split.

        Raises:
            UsageError: there is no such split.
        """
        if isinstance(self.spec, TorchvisionImages):
            data = self.spec.split(self.folder, train=split == "train")
        elif split == "test":
            raise UsageError(
                f"read --reference test or both, and {self.name} has no test split: use train"
            )
        else:
            data = self.spec.load(self.folder, self.seed)
        return Real(Stored(data, self.spec.class_names), self.name, split)


def _as_large(dataset: str, images: ImageSet) -> AnyData:
    """A data set at the images' size, as training at that size resizes it."""
    spec, (_, height, width) = spec_named(dataset), images.shape
    if isinstance(spec, TorchvisionImages) and height == width != spec.shape.x[1]:
        return spec.model_copy(update={"size": width})
    return spec
