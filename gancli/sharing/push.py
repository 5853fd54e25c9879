"""A run's files as they are passed on: without paths of this machine."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from gancli.checkpoint import Checkpoint, Header, file_of_checkpoint
from gancli.evaluation.results import read_evaluations, training_evaluations
from gancli.files import disk_errors
from gancli.folders import cache_folder, data_folder
from gancli.hub import Repository, hub_package
from gancli.output_places import new_folder
from gancli.outside import model_from
from gancli.preset import to_toml
from gancli.report.summary import evaluations_of_run
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.names import runs_root
from gancli.sample_picture import SamplePicture
from gancli.sampler import Sampler
from gancli.sharing.card import card_of
from gancli.sharing.hub_page import SHEET, hub_metadata, hub_page, scores_on_hub
from gancli.sharing.private import private_places, public, public_evaluation, refuse_private

SHEET_SAMPLES = {"images": 64, "points": 1000}
"""Samples of the picture, from seed 0 on."""


def shared_files(
    run: Run,
    saved: Checkpoint,
    wanted: Repository,
    *,
    alone: bool,
    license_name: str | None,
    device: torch.device,
) -> dict[str, bytes]:
    """The files to pass on, by their names in the repository.

    Args:
        run: the run.
        saved: the one checkpoint of it that goes along.
        wanted: where they will be.
        alone: whether the generator goes alone, as it is sampled: its average where there is one.
        license_name: of the weights; None: it is not said.
        device: where the samples of the picture are made.

    Raises:
        UsageError: the hub's package is not installed.
        RunError: a file would hold a path of this machine.
    """
    header = public_header(saved)
    sampler = Sampler(saved.generator().to(device), saved.header.preset)
    card = card_of(saved, sampler, evaluations_of_run(run), raw=False)
    metadata = _metadata(wanted, hub_metadata(header, card, license_name), scores_on_hub(card))
    tensors = saved.generator_tensors() if alone else saved.tensors
    checkpoint = run.checkpoint_file(saved.header.step).relative_to(run.folder).as_posix()
    files = {
        "README.md": hub_page(wanted, header, card, metadata, alone=alone).encode(),
        SHEET: _sheet(saved, sampler),
        run.preset_file.name: to_toml(header.preset).encode(),
        checkpoint: bytes(file_of_checkpoint(header, tensors)),
        **_logs(run, saved.header.step),
    }
    refuse_private(files, private_places(_places(run, saved.header)))
    return files


def write_shared(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a new folder, whole or not at all.

    Raises:
        DiskError: the disk is full or not writable.
    """
    with disk_errors(folder), new_folder(folder) as new:
        for name, content in files.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def public_header(saved: Checkpoint) -> Header:
    """What a checkpoint says of itself, without paths of this machine."""
    said = public(saved.header.model_dump(mode="json", exclude_none=True))
    said.pop("data_folder", None)
    return model_from(Header, said, saved.path)


def _metadata(
    wanted: Repository, facts: Mapping[str, Any], scores: Iterable[Mapping[str, Any]]
) -> str:
    """The metadata of the page, as YAML."""
    package = hub_package()
    scored = [package.EvalResult(**each) for each in scores]
    own = {"eval_results": scored, "model_name": wanted.name.partition("/")[2]} if scored else {}
    return str(package.ModelCardData(**facts, **own).to_yaml())


def _logs(run: Run, step: int) -> dict[str, bytes]:
    """The numbers and scores up to a step, without the files that would be empty."""
    trained = [each for each in training_evaluations(run) if each.step <= step]
    asked = [each for each in read_evaluations(run.evaluation_file) if (each.step or step) <= step]
    found = {
        run.metrics_file.name: _lines(row for row in run.metrics() if row["step"] <= step),
        run.evaluations_file.name: _lines(each.model_dump(mode="json") for each in trained),
    }
    if asked:
        rows = [public_evaluation(each).model_dump(mode="json") for each in asked]
        found[run.evaluation_file.name] = json.dumps(rows, indent=1).encode()
    return {name: content for name, content in found.items() if content}


def _lines(rows: Iterable[LogRow]) -> bytes:
    return "".join(json.dumps(public(row)) + "\n" for row in rows).encode()


def _sheet(saved: Checkpoint, sampler: Sampler) -> bytes:
    seeds = range(SHEET_SAMPLES[saved.header.preset.data.key])
    picture = SamplePicture(saved, sampler, seeds, [None])
    for _ in picture.keeping(sampler.batches(seeds), None):
        pass
    return picture.drawn()


def _places(run: Run, header: Header) -> list[Path]:
    """Folders of this machine that a run may have heard of."""
    own = [Path(header.data_folder)] if header.data_folder else []
    return [run.folder, runs_root(), Path.cwd(), cache_folder(), data_folder(None), *own]
