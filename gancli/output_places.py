"""Output folders and files: replaced whole or not at all, and never by accident."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gancli.errors import RunError
from gancli.exchange import replace_folder
from gancli.files import disk_errors, flush_file, flush_folder, flush_tree, make_folder
from gancli.pasteable import named
from gancli.sample_formats import SAMPLE_FILE, SampleFormat
from gancli.scratch import NEW, OLD, scratch_folder, sweep_partials


@contextmanager
def scratch_beside(out: Path) -> Iterator[Path]:
    """A folder on the disk of `out`, where its replacement is made; it goes, whatever happens."""
    with disk_errors(out):
        make_folder(out.parent)
        with scratch_folder(out.parent, out.name) as scratch:
            yield scratch
        flush_folder(out.parent)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill; at the end it takes the place of `out`, whole or not at all.

    Raises:
        DiskError: the disk is full or not writable; nothing is left behind.
    """
    with scratch_beside(out) as scratch:
        new = scratch / NEW
        new.mkdir()
        yield new
        flush_tree(new)
        replace_folder(new, out, scratch / OLD)


@contextmanager
def new_file(out: Path, how: SampleFormat) -> Iterator[Path]:
    """A folder for the one file of samples; at the end the file takes the place of `out`."""
    with scratch_beside(out) as scratch:
        yield scratch
        made = scratch / f"samples.{how.container}"
        flush_file(made)
        made.replace(out)


def refuse_to_replace(file: Path, *, force: bool, option: str = "--out") -> None:
    """Check that a file's place is free, or that `force` is given and a file is there.

    Args:
        file: it need not exist.
        force: whether an old one may be replaced.
        option: by which the file is named.

    Raises:
        RunError: something is there that must stay.
    """
    if file.is_dir():
        raise RunError(f"{file} is a folder: choose another {option}, or {file}/ to write into it")
    if file.exists() and not force:
        raise RunError(f"{file} exists: replace it with --force, or choose another {option}")


def refuse_to_overwrite(
    out: Path,
    *,
    force: bool,
    own: re.Pattern[str] = SAMPLE_FILE,
    writer: str = named("sample"),
) -> None:
    """Check that `out` is free, or that `force` is given and only the command's own files would go.

    Args:
        out: the folder to make.
        force: whether an old one may be replaced.
        own: the names of the files the command writes.
        writer: the command.

    Raises:
        RunError: something is there that must stay.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RunError(f"{out} is not a regular directory: choose another folder with --out")
    sweep_partials(out)
    if not out.exists() or not any(out.iterdir()):
        return
    foreign = next((path for path in out.iterdir() if not _is_ours(path, own)), None)
    if foreign:
        raise RunError(
            f"{out} holds {foreign.name}, which {writer} did not write, so nothing in it is "
            "touched: choose another folder with --out"
        )
    if not force:
        raise RunError(f"{out} exists: replace it with --force, or choose another with --out")


def _is_ours(path: Path, own: re.Pattern[str]) -> bool:
    """Whether it is a file of these names, or a class's folder of nothing else."""
    if path.is_dir() and not path.is_symlink():
        return all(inner.is_file() and _is_ours(inner, own) for inner in path.iterdir())
    return path.is_file() and bool(own.fullmatch(path.name))
