"""A loss of power between any two calls leaves the old or the new state, never a mixture."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import real_images
from power_loss import Tree, lay_out, watched_disk

from gancli.checkpoint import load
from gancli.data.cache import Form, decoded
from gancli.data.sources import open_source
from gancli.files import write_atomically
from gancli.preset import load_preset
from gancli.runs.find import refuse_if_taken
from gancli.runs.folder import Run
from gancli.runs.logs import append_row, flush_log, read_rows
from gancli.trainer import Job, Trainer
from gancli.writer import write

SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
    *("--set", "schedule.log_every=1", "--set", "schedule.preview_every=3"),
    *("--set", "schedule.checkpoint_every=2", "--steps", "5"),
]


def without_light(states: list[Tree], root: Path) -> Iterator[Path]:
    """Each state, as a folder."""
    for number, tree in enumerate(states):
        yield lay_out(tree, root / f"state{number}")


def test_the_replay_loses_what_is_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay itself: a rename without a flush may leave an empty file, or the old one."""
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    (disk_folder / "file").write_bytes(b"old")
    with watched_disk(disk_folder, monkeypatch) as disk:
        (disk_folder / "new").write_bytes(b"new")
        (disk_folder / "new").replace(disk_folder / "file")
    left = {tree.get("file") for tree in disk.states}
    assert left == {b"old", b"new", b""}


def test_a_file_is_the_old_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    file = disk_folder / "below" / "deep" / "file"
    with watched_disk(disk_folder, monkeypatch) as disk:
        write_atomically(file, b"first")
        begun = len(disk.states)
        write_atomically(file, b"second")
    name = "below/deep/file"
    assert {tree.get(name) for tree in disk.states[:begun]} == {None, b"first"}
    assert {tree.get(name) for tree in disk.states[begun:]} <= {b"first", b"second"}
    assert disk.states[-1][name] == b"second"
    assert len([tree for tree in disk.states if tree.get(name) == b"second"]) >= 1


def test_a_log_is_a_beginning_of_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    log = disk_folder / "metrics.jsonl"
    rows = [{"step": step, "loss": step / 3} for step in range(5)]
    with watched_disk(disk_folder, monkeypatch) as disk:
        for row in rows[:3]:
            append_row(log, row)
        flush_log(log)
        flushed = len(disk.states)
        for row in rows[3:]:
            append_row(log, row)
    counts = []
    for folder in without_light(disk.states, tmp_path):
        found = read_rows(folder / log.name)
        assert found == rows[: len(found)]
        counts.append(len(found))
    assert set(counts[:flushed]) == {0, 1, 2, 3}
    assert set(counts[flushed:]) == {4, 5}


def test_a_run_goes_on_from_every_loss_of_power(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last checkpoint is whole, no line of its log before that is missing, and the end equal.

    Where it has no checkpoint yet, the same command may be typed again.
    """
    root = tmp_path / "runs"
    root.mkdir()
    assert gan(*SMALL, "--out", tmp_path / "warm-up")[0] == 0
    with watched_disk(root, monkeypatch) as disk:
        assert gan(*SMALL, "--out", root / "run")[0] == 0
    whole = Run(root / "run")
    rows, end = whole.metrics(), load(whole.checkpoint()).tensors
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]
    reached: dict[str, int] = {}
    for folder in without_light(disk.states, tmp_path):
        run = Run(folder / "run")
        if not run.checkpoints():
            refuse_if_taken(run.folder, force=True)
        else:
            saved = load(run.checkpoint())
            step = saved.header.step
            run.tidy()
            run.cut_back(step)
            assert run.metrics() == [row for row in rows if row["step"] <= step]
            assert load_preset(str(run.preset_file)) == saved.header.preset
            # Runs that go on from the same files are the same.
            mark = json.dumps([step, sorted(run.checkpoints())])
            if mark not in reached:
                data = saved.header.preset.data.load(Path(), saved.header.settings.seed)
                job = Job(saved.header.preset, saved.header.settings, data, run, saved)
                ended = Trainer(job).train().tensors()
                assert all(torch.equal(t, end[name]) for name, t in ended.items())
                assert run.metrics() == rows
            reached[mark] = step
        shutil.rmtree(folder)
    assert sorted(set(reached.values())) == [0, 2, 4, 5]


@pytest.mark.parametrize("form", ["folder", "zip", "npz"])
def test_samples_are_the_old_or_the_new_ones(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    out = disk_folder / "samples"

    def sample(value: int) -> dict[str, bytes]:
        images = np.full((3, 8, 8, 3), value, dtype=np.uint8)
        write([images], range(value, value + 3), out, form, key="images")
        return contents(out)

    old = sample(1)
    with watched_disk(disk_folder, monkeypatch) as disk:
        new = sample(2)
    assert old != new
    for tree in disk.states:
        names = {name: body for name, body in tree.items() if name.startswith("samples/")}
        left = {name.removeprefix("samples/"): body for name, body in names.items()}
        assert left in (old, new), sorted(tree)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_cache_entry_is_whole_or_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded images are the files' own after every loss of power, whatever the cache holds."""
    source = open_source(real_images(tmp_path / "pictures", 6))
    form = Form(size=16, channels=3, fit="crop", labelled=False)
    expected = decoded(source, form, root=tmp_path / "elsewhere").data
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    with watched_disk(disk_folder, monkeypatch) as disk:
        decoded(source, form, root=disk_folder)
    assert any(name.endswith("x.npy") for name in disk.states[-1])
    for folder in without_light(disk.states, tmp_path):
        found = decoded(source, form, root=folder).data
        assert torch.equal(found.x, expected.x)
        assert found.fingerprint == expected.fingerprint
