"""Points of a user's own: two columns of a csv, or of an array in an npz."""

import csv
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gancli import catalog
from gancli.errors import DataError, UsageError
from gancli.lab.choices import LabData, mixtures
from gancli.rng import stream

MIN_POINTS, MAX_POINTS = 10, 20_000
"""Points that a page holds; of more, this many are drawn."""
REACH = 0.8
"""How far from the middle the outermost point is put: a generator's outputs end at 1."""
LARGEST = 1e100
"""Of coordinates: the difference of two is far from where numbers end."""
DECIMALS = 5
"""Places of a coordinate in the page: far less than a pixel."""
PointArray = NDArray[np.float64]


def read_points(path: str) -> LabData:
    """The points of a file as a data set of the page.

    They are moved and scaled, both axes alike, so that the outermost lie `REACH` from the middle.

    Args:
        path: a csv with two columns of numbers, with or without a line of headings, or an npz with
            an array of (N, 2).

    Raises:
        UsageError: there is no such file, and no data set of that name.
        DataError: the file has no such points, or too few.
    """
    file = Path(path)
    if not file.is_file():
        known = mixtures()
        said = f"name one of {', '.join(known)}, or a csv or npz of points"
        if path in catalog.preset_files.dataset_names():
            raise UsageError(f"{path} holds images, and the laboratory trains on points: {said}")
        raise catalog.preset_files.unknown_set(path, said, list(known))
    points = _from_npz(file) if file.suffix == ".npz" else _from_csv(file)
    _refuse(file, points)
    if len(points) > MAX_POINTS:
        points = stream(0, "points of a page").permutation(points)[:MAX_POINTS]
    middle = (points.max(0) + points.min(0)) / 2
    scale = float(np.abs(points - middle).max()) / REACH
    within = ((points - middle) / scale).round(DECIMALS)
    settings = {"kind": "points", "points": within.tolist(), "scale": scale,
                "middle": middle.tolist()}  # fmt: skip
    return LabData(file.name, f"{len(points):,} points of {file.name}", settings)


def _refuse(file: Path, points: PointArray) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < MIN_POINTS:
        found = "x".join(map(str, points.shape))
        raise DataError(
            f"{file} holds an array of {found}, and must hold at least {MIN_POINTS} points of two "
            "numbers: give it two columns, x and y"
        )
    if not np.isfinite(points).all():
        raise DataError(f"{file} has numbers that are not finite: take their lines out")
    if np.abs(points).max() > LARGEST:
        raise DataError(f"{file} has numbers beyond {LARGEST:g}: divide all by a number like that")
    if np.ptp(points, axis=0).max() == 0:
        raise DataError(f"{file} has one point, many times: give it points that differ")


def _from_npz(file: Path) -> PointArray:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names = [name for name in ("points", *arrays.files) if name in arrays.files]
            if not names:
                raise DataError(f"{file} holds no array: save one with numpy.savez")
            return np.asarray(arrays[names[0]], dtype=np.float64)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{file} cannot be read as an npz of numbers ({error}): save it with numpy.savez"
        ) from error


def _from_csv(file: Path) -> PointArray:
    try:
        with file.open(newline="", encoding="utf-8") as text:
            rows = [row for row in csv.reader(text) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{file} cannot be read as a csv ({error}): give it two columns, x and y"
        ) from error
    numbers = [found for row in rows if (found := _numbers(row))]
    if len(numbers) < len(rows) - 1:
        bad = next(n for n, row in enumerate(rows[1:], 2) if not _numbers(row))
        raise DataError(
            f"line {bad} of {file} does not hold two numbers: give it two columns, x and y"
        )
    return np.array(numbers, dtype=np.float64)


def _numbers(row: list[str]) -> list[float] | None:
    """A line's first two numbers; None: they are none."""
    try:
        found = [float(cell) for cell in row[:2]]
    except ValueError:
        return None
    return found if len(found) == 2 else None
