"""`gan data`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from gancli import catalog
from gancli.cache_removal import CacheChoice, remove_entries
from gancli.caches import kept_caches
from gancli.catalog.fit_to_images import UserImages
from gancli.data import (
    AnyData,
    Dataset,
    ImageFolder,
)
from gancli.data.cache import decoded
from gancli.data.readable import broken_images
from gancli.data.sides import SIZES, height_and_width, misfit_of, size_text
from gancli.data.source import Source
from gancli.data.survey import Survey, survey
from gancli.data_sheet import data_sheet, free_sheet_file
from gancli.defaults import DEFAULT_SEED
from gancli.errors import DataError, RunError, UsageError
from gancli.files import write_atomically
from gancli.folders import data_folder
from gancli.plurals import counted, in_bytes
from gancli.preset import load_preset, models_on, named_sets, spec_named
from gancli.report.caches_table import caches_as_json, print_caches
from gancli.report.console import console_beside_json, print_json, say
from gancli.report.counting import counting
from gancli.report.data_table import Look, NamedSet, print_look, print_sets
from gancli.user_images import (
    ImageChoices,
    frame_words,
    image_remarks,
    is_path,
    path_of,
    short_name,
    spec_of,
    words_for,
)
from gancli.watch import Say, unsaid
from gancli.writer import pack

MAX_PACKED_SIZE = 4096
"""Largest side of the images in a pack."""


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
    sheet = request.out or free_sheet_file(found.name)
    picture, part = data_sheet(found.name, spec, data)
    write_atomically(sheet, picture)
    if request.as_json:
        print_json(found.model_dump(mode="json") | {"sheet": str(sheet)})
    else:
        print_look(found)
        say(f"sheet: {sheet}" + (f" ({part})" if part else ""))
    if request.pack is not None:
        _pack(request.pack, request, spec, data, found)


def list_sets(data_dir: Path | None, *, as_json: bool, others: Sequence[object]) -> None:
    """List the named data sets.

    Args:
        data_dir: their folder.
        as_json: print JSON.
        others: options that only apply to one set, where they were typed.

    Raises:
        UsageError: one was.
    """
    if any(said is not None for said in others):
        raise UsageError("name a data set or a path of images: without one, all sets are listed")
    folder = data_folder(data_dir)
    rows = []
    for name in named_sets():
        spec = spec_named(name)
        rows.append(
            NamedSet(
                name=name,
                count=spec.sample_count,
                classes=spec.shape.classes,
                shape=spec.shape.x,
                present=spec.is_present(folder),
                models=models_on(name),
            )
        )
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    else:
        print_sets(rows, folder)


def _look_at_own(request: LookRequest) -> tuple[Look, Dataset, AnyData]:
    path = path_of(request.dataset, request.data_dir)
    tell: Say = unsaid if request.as_json else say
    source, seen = survey(path, request.images.reading, again=request.images.verify, say=tell)
    spec = _spec(seen, source, request)
    shown = console_beside_json(as_json=request.as_json)
    with counting(shown, len(source), "images") as done:
        result = decoded(source, spec.form, verify=request.images.verify, done=done, say=tell)
    broken = broken_images(source, result)
    found = Look(
        name=short_name(seen.path),
        count=len(result.data),
        classes=_classes(source.classes, result.data) if spec.classes else {},
        classes_from=source.labelled.why,
        sizes=[seen.smallest, seen.median, seen.largest],
        modes=seen.modes,
        broken=list(broken),
        reasons=broken,
        passed_over=dict(source.passed_over),
        several_frames=frame_words(seen.animated, spec),
        remarks=image_remarks(seen, spec, source),
        training=_training(spec),
    )
    return found, spec.relabelled(result.data, source), spec


def _classes(names: Sequence[str], data: Dataset) -> dict[str, int]:
    """The images of each class, broken ones not among them."""
    if data.labels is None:
        return {}
    counts: list[int] = np.bincount(data.labels.numpy(), minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))


def _spec(seen: Survey, source: Source, request: LookRequest) -> ImageFolder:
    """What the images become; a pack may be of any size, whatever networks there are."""
    size = request.images.size
    if size is None or misfit_of(size) is None or request.pack is None:
        return spec_of(seen, request.images, source)
    if not all(1 <= side <= MAX_PACKED_SIZE for side in height_and_width(size)):
        raise UsageError(f"--image-size {size_text(size)} is not from 1 to {MAX_PACKED_SIZE:,}")
    others = spec_of(seen, replace(request.images, image_size=SIZES[0]), source)
    return others.model_copy(update={"size": size})


def _training(spec: ImageFolder) -> list[str]:
    """What training would do, in a few lines."""
    if misfit_of(spec.size) is not None:
        sides = ", ".join(map(str, SIZES))
        return [words_for(spec), f"trained on are images of {sides} pixels; this pack is not"]
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
    if isinstance(spec, ImageFolder):
        spec = spec.with_class_names(folder)
    elif not spec.is_present(folder) and not request.as_json:
        say(f"downloading {request.dataset} into {folder}")
    tell: Say = unsaid if request.as_json else say
    shown = partial(counting, console_beside_json(as_json=request.as_json))
    data = spec.load_watched(folder, DEFAULT_SEED, tell, shown)
    side = (data.x.shape[-1], data.x.shape[-2]) if spec.shape.is_image else None
    found = Look(
        name=request.dataset,
        count=len(data),
        classes=_classes(spec.class_names, data),
        sizes=[side] * 3 if side else [],
        modes={},
        broken=[],
        reasons={},
        remarks=[],
        training=[f"trains: {', '.join(models)}"] if models else [],
    )
    return found, data, spec


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


def only_one(names: Sequence[str]) -> str:
    """The one data set to look at.

    Raises:
        UsageError: there are several.
    """
    if len(names) > 1:
        raise UsageError(
            f"{len(names)} names are too many: look at one data set at a time, or quote a path "
            "that has spaces"
        )
    return names[0]


@dataclass(frozen=True)
class CacheRequest:
    """The arguments and options of `gan data --caches`."""

    names: tuple[str, ...]
    older_than: str | None
    every: bool
    remove: bool
    yes: bool
    as_json: bool
    ask: Callable[[str], bool]
    """puts a question to the user, who answers yes or no"""
    others: Sequence[str]
    """options that apply to data sets, where they were typed"""

    def is_about_caches(self, *, caches: bool) -> bool:
        """Whether `--caches` is among the options; without it, none of its own may be.

        Raises:
            UsageError: one is, or one of data sets is among those of caches.
        """
        own = {
            "--remove": self.remove,
            "--older-than": self.older_than is not None,
            "--all": self.every,
            "--yes": self.yes,
        }
        typed = [option for option, is_there in own.items() if is_there]
        if caches and self.others:
            raise UsageError(f"{self.others[0]} applies to data sets: leave it out with --caches")
        if typed and not caches:
            raise UsageError(f"{typed[0]} applies to caches: add --caches")
        if caches and not self.remove and (self.names or typed):
            said = self.names[0] if self.names else typed[0]
            raise UsageError(f"--caches lists all: leave {said} out, or add --remove")
        return caches


def look_at_caches(request: CacheRequest) -> None:
    """List the caches, or remove some of them.

    Raises:
        UsageError: no part has such a name, or there is no terminal to ask in.
        LockedError: a process is at work with one; nothing is removed then.
        DiskError: one may not be removed.
    """
    found = kept_caches()
    if not request.remove:
        if request.as_json:
            print_json(caches_as_json(found))
        else:
            print_caches(found)
        return
    chosen = CacheChoice(request.names, request.older_than, request.every).of(found)
    total = in_bytes(sum(each.size for each in chosen))
    what = f"{counted(len(chosen), 'cache')} ({total}): {', '.join(e.name for e in chosen)}"
    if chosen and not (request.yes or _agreed(f"remove {what}?", request)):
        say("nothing is removed")
        return
    remove_entries(chosen)
    if request.as_json:
        print_json(caches_as_json(replace(found, entries=chosen)))
    else:
        say(f"removed {what}" if chosen else "nothing to remove")


def _agreed(question: str, request: CacheRequest) -> bool:
    if request.as_json or not sys.stdin.isatty():
        raise UsageError("--remove asks first, and there is no terminal to ask in: add --yes")
    return request.ask(question)
