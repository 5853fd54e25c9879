"""A run on the Hugging Face hub as a folder under the user's own runs."""

import shutil
from pathlib import Path

from gancli.checkpoint import read_header
from gancli.files import disk_errors
from gancli.hub import Repository
from gancli.output_places import new_folder
from gancli.runs.find import new_run, refuse_if_taken
from gancli.runs.folder import Run
from gancli.runs.from_hub import run_on_hub


def pull_run(wanted: Repository, out: Path | None) -> Run:
    """Copy a run from the hub into a folder of its own.

    Args:
        wanted: its repository.
        out: the folder; None: the next numbered one under the root of runs.

    Raises:
        UsageError: the hub's package is not installed.
        NetworkError: the hub cannot be reached, or has no such repository.
        RunError: it holds no run, or a damaged one; `out` is not free.
        DiskError: the folder cannot be written.
    """
    if out is not None:
        refuse_if_taken(out, force=False)
    there = run_on_hub(wanted)
    preset = read_header(there.checkpoint()).preset
    run = new_run(preset) if out is None else Run(out)
    with disk_errors(run.folder), new_folder(run.folder.absolute()) as new:
        # Links of the cache are followed: a run's files are its own.
        shutil.copytree(there.folder, new, dirs_exist_ok=True)
    return run
