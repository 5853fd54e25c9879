"""`gan data`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.data import (
    AnyData,
    Dataset,
    ImageFolder,
    Mixture,
)
from gancli.data.cache import decoded
from gancli.data.image_folder import broken_images
from gancli.data.survey import survey
from gancli.defaults import DEFAULT_SEED
from gancli.errors import DataError, RunError, UsageError
from gancli.files import write_atomically
from gancli.folders import data_folder
from gancli.pictures import grid, png, scatter
from gancli.plurals import counted
from gancli.preset import load_preset, models_on, spec_named
from gancli.report.console import console_beside_json, print_json, say
from gancli.report.data_table import Look, print_look
from gancli.report.progress import counting
from gancli.sampler import Samples
from gancli.user_images import (
    ImageChoices,
    frame_words,
    is_path,
    path_of,
    short_name,
    spec_of,
    words_for,
)
from gancli.writer import pack

UNLABELLED_IMAGES = 64
"""Images on a sheet of a set without classes."""
MAX_CLASS_ROWS, IMAGES_PER_CLASS = 20, 10
"""Classes on a sheet, and images of each."""


@dataclass(frozen=True)
class LookRequest:
    """The arguments and options of `gan data`."""

    dataset: str
    images: ImageChoices
    out: Path | None
    pack: Path | None
    force: bool
    data_dir: Path | None
    as_json: bool


def look(request: LookRequest) -> None:
    """Print the contents of a data set, and draw a sheet of it.

    Raises:
        DataError: nothing is there, or all of it is broken.
        UsageError: an unknown name, or points that should be packed.
        RunError: a file is in the way.
    """
    for path in (request.out, request.pack):
        if path is not None and path.exists() and not request.force:
            raise RunError(f"{path} exists: replace it with --force, or choose another name")
    look_at = _look_at_own if is_path(request.dataset) else _look_at_named
    found, data, spec = look_at(request)
    sheet = request.out or _free(Path(f"{found.name}-sheet.png"))
    write_atomically(sheet, _sheet(spec, data))
    if request.as_json:
        print_json(found.model_dump(mode="json") | {"sheet": str(sheet)})
    else:
        print_look(found)
        say(f"sheet: {sheet}")
    if request.pack is not None:
        _pack(request.pack, request, spec, data, found)


def _look_at_own(request: LookRequest) -> tuple[Look, Dataset, AnyData]:
    path = path_of(request.dataset, request.data_dir)
    source, seen = survey(path, request.images.reading, again=request.images.verify)
    spec = spec_of(seen, request.images, source)
    shown = console_beside_json(as_json=request.as_json)
    with counting(shown, len(source), "images") as done:
        result = decoded(source, spec.form, verify=request.images.verify, done=done)
    found = Look(
        name=short_name(seen.path),
        count=len(result.data),
        classes=_classes(source.classes, result.data) if spec.classes else {},
        classes_from=source.labelled.why,
        sizes=[seen.smallest, seen.median, seen.largest],
        modes=seen.modes,
        broken=broken_images(source, result),
        passed_over=dict(source.passed_over),
        several_frames=frame_words(seen.animated, spec),
        training=_training(spec),
    )
    return found, spec.relabelled(result.data, source), spec


def _classes(names: Sequence[str], data: Dataset) -> dict[str, int]:
    """The images of each class, broken ones not among them."""
    if data.labels is None:
        return {}
    counts: list[int] = np.bincount(data.labels.numpy(), minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))


def _training(spec: ImageFolder) -> list[str]:
    """What training would do, in a few lines."""
    own = UserImages("images", spec.model_dump(mode="json"))
    able: dict[str, list[str]] = {}
    unable = []
    for model in catalog.model_names():
        try:
            batch = load_preset(model, own).schedule.batch_size
            home = catalog.home_of(catalog.preset_file(model))
        except UsageError:
            unable.append(model)
            continue
        able.setdefault(f"{home}'s values, batches of {batch}", []).append(model)
    lines = [words_for(spec), *(f"{words}: {', '.join(models)}" for words, models in able.items())]
    return [*lines, f"not with {', '.join(unable)}"] if unable else lines


def _look_at_named(request: LookRequest) -> tuple[Look, Dataset, AnyData]:
    option = request.images.typed()
    if option:
        raise UsageError(f"{option} applies only to images of your own: leave it out")
    models = models_on(request.dataset)
    spec = spec_named(request.dataset)
    folder = data_folder(request.data_dir)
    if not spec.is_present(folder) and not request.as_json:
        say(f"downloading {request.dataset} into {folder}")
    data = spec.load(folder, DEFAULT_SEED)
    side = (data.x.shape[-1], data.x.shape[-2]) if spec.shape.is_image else None
    found = Look(
        name=request.dataset,
        count=len(data),
        classes=_classes(spec.class_names, data),
        sizes=[side] * 3 if side else [],
        modes={},
        broken=[],
        training=[f"trains: {', '.join(models)}"],
    )
    return found, data, spec


def _free(path: Path) -> Path:
    """The path, or the first numbered one that nothing is in the way of."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def _sheet(spec: AnyData, data: Dataset) -> bytes:
    """A picture of some samples: one row per class, where there are classes; or all points."""
    if isinstance(spec, Mixture):
        points = spec.to_samples(data.x)
        return scatter(points[:0], points, spec, counted(len(points), "point"))
    rows = _rows(spec, data)
    shown = np.concatenate(rows)
    images: Samples = spec.to_samples(data.x[shown])
    return png(grid(images, len(rows[0]) if len(rows) > 1 else None))


def _rows(spec: AnyData, data: Dataset) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Which samples stand on the sheet: spread evenly over the set, or over each class."""
    if data.labels is None or spec.shape.classes > MAX_CLASS_ROWS:
        return [np.linspace(0, len(data) - 1, min(UNLABELLED_IMAGES, len(data)), dtype=np.int64)]
    labels = data.labels.numpy()
    members = [np.flatnonzero(labels == label) for label in range(spec.shape.classes)]
    spread = np.linspace(0, 1, IMAGES_PER_CLASS)
    return [
        each[(spread * (len(each) - 1)).round().astype(np.int64)] for each in members if len(each)
    ]


def _pack(out: Path, request: LookRequest, spec: AnyData, data: Dataset, found: Look) -> None:
    if not spec.shape.is_image:
        raise UsageError(f"{request.dataset} has no images to pack: leave --pack out")
    if found.broken and not request.images.skip_broken:
        raise DataError(
            f"{counted(len(found.broken), 'image')} of {request.dataset} are broken: pack the "
            "others with --skip-broken"
        )
    labels = None if data.labels is None else data.labels.numpy()
    names = () if labels is None else spec.class_names
    shown = console_beside_json(as_json=request.as_json)
    with counting(shown, len(data), "images") as done:
        pack(spec.to_samples(data.x), labels, names, out, done)
    if not request.as_json:
        say(f"packed {counted(len(data), 'image')} into {out}")
