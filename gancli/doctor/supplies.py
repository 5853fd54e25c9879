"""Data sets and weights: which are there and whole, and how to get the others."""

import hashlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from gancli.cache_layout import DOWNLOADS
from gancli.doctor.check_result import CheckResult, CheckState, pip_install, shell_words
from gancli.evaluation.pretrained import PRETRAINED, PretrainedNetwork, hub_folder
from gancli.folders import cache_place, named_by
from gancli.pasteable import command
from gancli.plurals import in_bytes

WEIGHTS_GROUP, DATA_GROUP = "weights", "data"


def data_checks(data_dir: Path | None) -> Iterator[CheckResult]:
    """A line for the whole sets, one for each that lacks files, and one for the absent ones."""
    # What describes data sets needs torch, which may be broken.
    from gancli.data import TorchvisionImages
    from gancli.preset import named_sets, spec_named

    folder = data_dir or Path(named_by("GANCLI_DATA") or cache_place() / DOWNLOADS)
    there = [] if data_dir is None else ["--data-dir", str(data_dir)]
    whole: list[str] = []
    absent: dict[str, tuple[str, ...]] = {}
    for name in named_sets():
        spec = spec_named(name)
        try:
            lacking = spec.lacking(folder) if spec.is_present(folder) else None
        except OSError as error:
            lacking = (f"its folder ({error.strerror})",)
        described = spec.described if isinstance(spec, TorchvisionImages) else None
        get = (command("data", name, *there),)
        if lacking is None:
            needed = [each for each in described.needs if not find_spec(each)] if described else []
            before = (pip_install(*needed),) if needed else ()
            absent[name] = before + get if described else ()
        elif lacking:
            said = f"in {folder}, without {', '.join(lacking)}"
            # Put aside, not removed: it may have cost its owner a long download.
            aside = (_put_aside(described.where(folder)), *get) if described else ()
            yield CheckResult(DATA_GROUP, name, CheckState.FAULT, said, aside)
        else:
            whole.append(name)
    said = f"{', '.join(whole) or 'none'}, in {folder}"
    facts: dict[str, object] = {"folder": str(folder), "complete": whole, "absent": list(absent)}
    yield CheckResult(DATA_GROUP, "complete", CheckState.OK, said, facts=facts)
    if absent:
        yield CheckResult(
            DATA_GROUP,
            "absent",
            CheckState.ABSENT,
            f"{', '.join(absent)}",
            tuple(line for lines in absent.values() for line in lines),
        )


def _put_aside(folder: Path) -> str:
    program = "move" if os.name == "nt" else "mv"
    return shell_words(program, str(folder), f"{folder}.broken")


def weight_checks() -> Iterator[CheckResult]:
    """A line per network whose features images are compared by; one for those not there yet."""
    absent: list[str] = []
    for name, known in PRETRAINED.items():
        file = hub_folder() / known.file
        try:
            there = file.is_file()
            digest = _digest(file) if there else ""
        except OSError as error:
            said = f"{file} may not be read: {error.strerror}"
            yield CheckResult(WEIGHTS_GROUP, name, CheckState.FAULT, said)
            continue
        if not there:
            absent.append(name)
        elif not digest.startswith(known.sha256):
            said = f"{file} is damaged: its SHA-256 does not begin with {known.sha256}"
            yield CheckResult(WEIGHTS_GROUP, name, CheckState.FAULT, said, (_fetch(known),))
        else:
            said = f"{in_bytes(file.stat().st_size)} in {file.parent}"
            yield CheckResult(WEIGHTS_GROUP, name, CheckState.OK, said, facts={"file": str(file)})
    if absent:
        said = f"{', '.join(absent)}: downloaded when first needed"
        mend = tuple(_fetch(PRETRAINED[name]) for name in absent)
        yield CheckResult(WEIGHTS_GROUP, "absent", CheckState.ABSENT, said, mend)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _fetch(known: PretrainedNetwork) -> str:
    """The command that downloads weights, also for a machine without a network."""
    out = str(hub_folder() / known.file)
    return shell_words("curl", "-fL", "--create-dirs", "-o", out, known.url)
