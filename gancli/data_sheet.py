"""The picture that `gan data` draws of a data set: a sheet of images by class, or all points."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gancli.data import AnyData, Dataset
from gancli.image_formats import image_in
from gancli.pasteable import named
from gancli.pictures import encoded
from gancli.plurals import counted
from gancli.point_pictures import picture_of_points, reach_of
from gancli.sheets import Group, room_for, sheet, shown_class

UNLABELLED_IMAGES = 64
"""Images on a sheet of a set without classes."""
IMAGES_PER_CLASS = 10
SIGNATURE = ("Software", named("data"))
"""In the file, so that the next call knows what it may replace."""
Places = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Which samples of a data set"""


def data_sheet(name: str, spec: AnyData, data: Dataset) -> tuple[bytes, str]:
    """A PNG of some samples of a set, and which part of the classes is shown, in words.

    Samples are spread evenly over the set, or over each class; the words are empty where every
    class is shown.
    """
    said = ""
    if spec.shape.is_image:
        groups, said = _groups(spec, data)
        title = f"{name}, {counted(len(data), 'image')}" + (f": {said}" if said else "")
        picture = sheet(groups, title)
    else:
        points = spec.to_samples(data.x)
        title = f"{name}, {counted(len(points), 'point')}"
        picture = picture_of_points(points[:0], points, reach_of(spec, points), title)
    text = PngInfo()
    text.add_text(*SIGNATURE)
    return encoded(picture, {"format": "png", "pnginfo": text}), said


def free_sheet_file(name: str) -> Path:
    """NAME-sheet.png, or the first numbered one, that holds nothing but an earlier sheet."""
    path = first = Path(f"{name}-sheet.png")
    number = 1
    while path.exists() and not _is_sheet(path):
        number += 1
        path = first.with_stem(f"{first.stem}-{number}")
    return path


def _is_sheet(path: Path) -> bool:
    try:
        with image_in(path.read_bytes()) as picture:
            return picture.info.get(SIGNATURE[0]) == SIGNATURE[1]
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def _groups(spec: AnyData, data: Dataset) -> tuple[list[Group], str]:
    _, height, width = spec.shape.x
    if data.labels is None:
        room = room_for(1, min(UNLABELLED_IMAGES, len(data)), (height, width))
        shown = _spread(np.arange(len(data)), room.each)
        return [Group("", spec.to_samples(data.x[shown]))], ""
    labels = data.labels.numpy()
    there = np.unique(labels)
    room = room_for(len(there), IMAGES_PER_CLASS, (height, width))
    groups = []
    for label in there[: room.groups]:
        places = _spread(np.flatnonzero(labels == label), room.each)
        name = shown_class(spec.class_names, label)
        groups.append(Group(name, spec.to_samples(data.x[places])))
    return groups, room.words(len(there), room.each)


def _spread(members: Places, count: int) -> Places:
    """So many of them, evenly spread, or all."""
    if len(members) <= count:
        return members
    chosen: Places = members[np.linspace(0, len(members) - 1, count).round().astype(np.int64)]
    return chosen
