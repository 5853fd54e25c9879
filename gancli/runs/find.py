"""The runs under the root: a new one's number, and which run a command means."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from gancli.catalog import example_of, labelled_example, model_names
from gancli.catalog.preset_files import close_to
from gancli.checkpoint import Checkpoint, load
from gancli.errors import RunError, UsageError
from gancli.files import disk_errors, make_folder
from gancli.folders import close_path, expanded
from gancli.hub import is_on_hub, repository
from gancli.locks import locked
from gancli.pasteable import command
from gancli.preset import Preset
from gancli.runs.folder import LAST, Run
from gancli.runs.from_hub import last_checkpoint_on_hub
from gancli.runs.names import numbered_folders, output_name, run_name, run_number, runs_root
from gancli.runs.overview import CELLS
from gancli.runs.standing import all_runs_there_are
from gancli.scratch import PARTIAL, sweep_partials
from gancli.zoo.entries import ZOO_PREFIX, zoo_file

PATH_CHARACTERS_SHOWN = 80
"""Characters of a name that an error repeats."""


def new_run(preset: Preset) -> Run:
    """Claim the next numbered folder, MODEL-DATASET-NNN; numbers count all runs of the root."""
    root = runs_root()
    with locked(root / ".lock"), disk_errors(root):
        taken = (run_number(path.name) for path in root.iterdir())
        number = 1 + max((number for number in taken if number is not None), default=0)
        folder = root / run_name(preset.name, preset.dataset, number)
        make_folder(folder)
    return Run(folder)


def refuse_if_taken(folder: Path, *, force: bool) -> None:
    """Check that a run may begin in a folder.

    Args:
        folder: it need not exist.
        force: whether a run in it may be replaced.

    Raises:
        RunError: something is there that must stay, or it may not be looked into.
    """
    sweep_partials(folder)
    if _is_empty(folder):
        return
    if not Run(folder).exists():
        raise RunError(
            f"{folder} exists and holds no run of gancli, so nothing in it is touched: choose "
            "another folder with --out"
        )
    if not force:
        raise RunError(
            f"{folder} holds a run already: continue it with --resume, replace it with --force, "
            "or choose another folder with --out"
        )


def _is_of_a_start(path: Path) -> bool:
    """Whether it is what a start leaves that ended before it had written its preset."""
    run = Run(path.parent)
    half = path.name.endswith(PARTIAL) and run.preset_file.name in path.name
    return half or path == run.lock_file


def _is_empty(folder: Path) -> bool:
    """Whether a run may begin there without a question.

    Raises:
        RunError: it is a file, or may not be looked into.
    """
    try:
        return all(map(_is_of_a_start, folder.iterdir()))
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        raise RunError(f"--out {folder} is a file: name a folder") from None
    except OSError as error:
        raise RunError(
            f"could not look into {folder}: {error.strerror}: choose another folder with --out"
        ) from error


@dataclass(frozen=True)
class RunFilter:
    """Which runs a command can use, where none is named."""

    fits: Callable[[Run], bool]
    lacking: str
    """the kind of run that is missing"""
    remedy: Callable[[], str]
    """a command that makes one"""


ANY = RunFilter(lambda run: True, "run", example_of)
LABELLED = RunFilter(Run.knows_classes, "run of a model that knows classes", labelled_example)
OF_IMAGES = RunFilter(
    Run.makes_images,
    "run of a model of images",
    lambda: command("train", "MODEL", "--dataset", "mnist"),
)


def find(wanted: str | None, fit: RunFilter = ANY) -> Run | Path:
    """The run, or the checkpoint file, a command means.

    Args:
        wanted: an existing path, a folder under the root, the name of a model or preset (its
            latest run), `zoo:NAME`, `hf:OWNER/NAME` (the last checkpoint of a run on the Hugging
            Face hub), or None: the latest run that fits.
        fit: which runs fit.

    Raises:
        RunError: nothing was found.
        NetworkError: the hub cannot be reached, or has no such run.
    """
    if wanted is None:
        runs = [run for run in all_runs() if fit.fits(run)]
        return _latest(runs, "" if runs else _lacking(fit))
    if (elsewhere := _elsewhere(wanted)) is not None:
        return elsewhere
    wanted = expanded(wanted)
    for path in (Path(wanted), runs_root() / wanted):
        if _looked_up(path, Path.is_file):
            return path
        if _looked_up(path, Path.is_dir):
            if not Run(path).exists():
                cells = _looked_up(path / CELLS, Path.is_dir)
                what = f"its runs are in {path / CELLS}" if cells else "it holds no checkpoint"
                raise RunError(f"{path} is not a run's folder: {what}")
            return Run(path)
    own = [run for run in all_runs() if run.identity()[0] == wanted]
    if own or wanted in model_names():
        return _latest(
            own,
            f"there is no run of {wanted} under {runs_root()}: make one with "
            + (example_of(wanted) if wanted in model_names() else command("train", wanted)),
        )
    raise RunError(
        f"no run {wanted!r}{_close_run(wanted)}: name a path, a folder under {runs_root()}, or a "
        f"model{_there_are()}"
    )


def _elsewhere(wanted: str) -> Path | None:
    """The checkpoint that a prefix names, in the zoo or on the hub; None: there is no prefix."""
    if wanted.startswith(ZOO_PREFIX):
        return zoo_file(wanted)
    return last_checkpoint_on_hub(repository(wanted)) if is_on_hub(wanted) else None


def _lacking(fit: RunFilter) -> str:
    """What to say where no run under the root fits: which one elsewhere does, or a command."""
    elsewhere = [run for run in all_runs_there_are() if run.checkpoints() and fit.fits(run)]
    if elsewhere:
        named = shlex.quote(str(elsewhere[0].folder))
        return f"there is no {fit.lacking} in {runs_root()}: name one, e.g. {named}"
    return f"there is no {fit.lacking} yet: make one with {fit.remedy()}"


def _close_run(wanted: str) -> str:
    """The path, run or model that a name may mean, as a question."""
    close = get_close_matches(wanted, [run.folder.name for run in all_runs()], n=1)
    if close:
        return f" (did you mean {close[0]}?)"
    paths = close_path(Path(wanted)) or close_path(runs_root() / wanted)
    return paths or close_to(wanted, model_names())


def _looked_up(path: Path, ask: Callable[[Path], bool]) -> bool:
    """What the path answers, unless the file system refuses to say.

    Raises:
        RunError: it does: the name is too long, or a folder on the way may not be read.
    """
    try:
        return ask(path)
    except OSError as error:
        shown = str(path)
        if len(shown) > PATH_CHARACTERS_SHOWN:
            shown = f"{shown[:PATH_CHARACTERS_SHOWN]} ..."
        raise RunError(f"no run {shown}: {error.strerror}") from None


def latest_of(model: str, dataset: str) -> Run | None:
    """The latest run of a model on a data set; None: there is none."""
    found = [run for run in all_runs() if run.identity() == (model, dataset)]
    return found[-1] if found else None


def all_runs() -> list[Run]:
    """The numbered runs under the root, the latest last: by number, not by time."""
    runs = map(Run, numbered_folders())
    return [run for run in runs if run.checkpoints()]


def open_checkpoint(found: Run | Path, which: str = LAST) -> Checkpoint:
    """The checkpoint of a run, or the file itself.

    Raises:
        UsageError: a step was asked of a single file.
        RunError: the checkpoint is missing or broken.
    """
    if isinstance(found, Run):
        return load(found.checkpoint(which))
    if which != LAST:
        raise UsageError(
            f"{found} is a single checkpoint, so --checkpoint {which} does not apply: leave it out"
        )
    return load(found)


def default_folder(
    found: Run | Path, saved: Checkpoint, kind: str, which: str, *, raw: bool
) -> Path:
    """Where samples and traversals of a checkpoint go unless another place is typed.

    Args:
        found: the run, or the checkpoint file.
        saved: its checkpoint.
        kind: `samples` or `traversals`.
        which: seeds, and all options that change the samples made from them.
        raw: whether the weights are as trained.
    """
    name = output_name(saved.header.step, which, raw=raw)
    if isinstance(found, Run):
        return found.folder / kind / name
    return Path(kind) / f"{saved.header.preset.name}-{name}"


def _latest(runs: list[Run], lacking: str) -> Run:
    if not runs:
        raise RunError(lacking)
    return runs[-1]


def _there_are() -> str:
    names = [run.folder.name for run in all_runs()]
    return f"; the latest are {', '.join(names[-5:])}" if names else "; there are no runs yet"
