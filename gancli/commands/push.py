"""`gan push`."""

from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.choices import DeviceName
from gancli.environment import choose_device
from gancli.errors import RunError, UsageError
from gancli.folders import as_typed
from gancli.hub import hub_package, repository, upload
from gancli.output_places import scratch_beside
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.report.console import say
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sharing.push import shared_files, write_shared


@dataclass(frozen=True)
class PushRequest:
    """The arguments and options of `gan push`."""

    run: str
    to: str
    checkpoint: str
    generator_only: bool
    license: str | None
    private: bool
    device: DeviceName | None
    out: Path | None


def push(request: PushRequest) -> None:
    """Upload a run, or write the files to upload.

    Raises:
        UsageError: the hub's package is not installed, or the address is none.
        RunError: there is no such run, or a file would hold a path of this machine.
        NetworkError: the hub cannot be reached, or refuses.
    """
    wanted = repository(request.to)
    hub_package()
    found = find(request.run)
    if not isinstance(found, Run):
        raise UsageError(f"{found} is a single checkpoint: name the folder of its run")
    out = request.out.absolute() if request.out else None
    if out is not None and out.exists():
        raise RunError(f"{request.out} exists: choose another folder with --out")
    saved = open_checkpoint(found, request.checkpoint)
    what = "the generator of " if request.generator_only or saved.is_generator_alone else ""
    say(
        f"preparing {what}{saved.path}: {saved.header.preset.name} on {saved.header.preset.dataset}"
    )
    files = shared_files(
        found,
        saved,
        wanted,
        alone=request.generator_only or saved.is_generator_alone,
        license_name=request.license,
        device=torch.device(choose_device(request.device)),
    )
    size = sum(map(len, files.values())) / 1e6
    there = f"{counted(len(files), 'file')}, {size:,.1f} MB"
    if request.license is None:
        say("note: no license is named, so others may not use it: --license, e.g. mit")
    if out is not None:
        write_shared(files, out)
        say(f"wrote {there} to {as_typed(out)}: upload its contents to {wanted}")
        return
    with scratch_beside(found.folder.absolute() / "upload") as scratch:
        write_shared(files, scratch / "new")
        step = f"step {saved.header.step:,}"
        page = upload(wanted, scratch / "new", f"gancli: {step}", private=request.private)
    say(f"uploaded {there}: {page}")
    say(f"sample:   {command('sample', wanted)}")
    say(f"copy it:  {command('pull', wanted)}")
