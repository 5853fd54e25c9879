"""A checkpoint says everything, and accepts not one altered byte."""

import random
from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers import job, narrow

from gancli.checkpoint import Checkpoint, load, read_header
from gancli.errors import DiskError, RunError
from gancli.files import write_atomically
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.trainer import Trainer

KEY = ("sngan", "cifar10", "lite")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Path]:
    trainer = Trainer(job(narrow(KEY), tmp_path_factory.mktemp("run")))
    trainer.train()
    return trainer, trainer.job.run.checkpoint()


def test_it_describes_itself(trained: tuple[Trainer, Path]) -> None:
    trainer, path = trained
    saved = load(path)
    assert saved.header.preset == trainer.job.preset
    assert saved.header.settings == trainer.job.settings
    assert saved.header.step == 8
    assert saved.header.data == trainer.job.data.fingerprint
    assert saved.header.metrics == trainer.metrics
    assert {"loss_discriminator", "loss_generator", "step"} <= set(saved.header.metrics)
    state = trainer.state.tensors()
    assert set(saved.tensors) == set(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in saved.tensors.items())


def test_any_safetensors_reader_reads_it(trained: tuple[Trainer, Path]) -> None:
    tensors = safetensors.torch.load_file(trained[1])
    for part in ("generator.", "discriminator.", "ema.", "optimizer.generator."):
        assert any(name.startswith(part) for name in tensors)
    assert any(name.endswith("exp_avg_sq") for name in tensors)
    assert any(name.endswith("_u") for name in tensors)


def test_the_average_is_used_unless_raw(trained: tuple[Trainer, Path]) -> None:
    trainer, path = trained
    saved, ema = load(path), trainer.state.ema
    assert ema is not None
    kept, raw = saved.generator().state_dict(), saved.generator(raw=True).state_dict()
    assert all(torch.equal(kept[k], t) for k, t in ema.state_dict().items())
    now = trainer.state.players.generator.state_dict()
    assert all(torch.equal(raw[k], t) for k, t in now.items())
    weight = "first_conv.weight"
    assert not torch.equal(kept[weight], raw[weight])
    assert torch.equal(kept["layers.0.0.running_mean"], raw["layers.0.0.running_mean"])


def test_samples_from_the_file_alone(trained: tuple[Trainer, Path], tmp_path: Path) -> None:
    trainer, path = trained
    copy = tmp_path / "elsewhere.safetensors"
    copy.write_bytes(path.read_bytes())
    saved = load(copy)
    ours = Sampler(saved.generator(), saved.header.preset).all(range(4))
    assert trainer.state.ema is not None
    theirs = Sampler(trainer.state.ema, trainer.job.preset).all(range(4))
    assert (ours == theirs).all()


def test_every_altered_byte_is_noticed(trained: tuple[Trainer, Path], tmp_path: Path) -> None:
    content = trained[1].read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    source = random.Random(0)
    hash_at = content.index(b'"sha256":"') + 12
    places = [0, 8, 9, header - 1, header, len(content) - 1, hash_at]
    places += [source.randrange(header) for _ in range(60)]
    places += [source.randrange(header, len(content)) for _ in range(60)]
    file = tmp_path / "altered.safetensors"
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1 << source.randrange(8)
        file.write_bytes(altered)
        with pytest.raises(RunError):
            load(file)


@pytest.mark.parametrize("length", [0, 5, 8, 100, -1, -5000])
def test_a_truncated_file_is_noticed(
    length: int, trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    file = tmp_path / "cut.safetensors"
    file.write_bytes(trained[1].read_bytes()[:length])
    with pytest.raises(RunError, match=r"truncated|damaged"):
        load(file)
    with pytest.raises(RunError, match="truncated"):
        read_header(file)


def test_a_header_is_read_without_the_tensors(
    trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    """Bytes of tensors are neither read nor verified, as `read_header` says."""
    path = trained[1]
    assert read_header(path) == load(path).header
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    altered = tmp_path / "altered.safetensors"
    altered.write_bytes(content)
    assert read_header(altered) == load(path).header
    with pytest.raises(RunError, match="damaged"):
        load(altered)


def test_foreign_files_are_named(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"w": torch.ones(2)}, foreign)
    for read in (load, read_header):
        with pytest.raises(RunError, match="not a checkpoint of gancli"):
            read(foreign)
    pickled = tmp_path / "model.pt"
    torch.save({"w": torch.ones(2)}, pickled)
    with pytest.raises(RunError, match="not a safetensors file"):
        load(pickled)
    with pytest.raises(RunError, match="could not read"):
        load(tmp_path / "missing.safetensors")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskError, match="the disk is full"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_newest_every_kth_and_the_last_are_kept(tmp_path: Path) -> None:
    fields = [
        "schedule.steps=23",
        "schedule.checkpoint_every=2",
        "schedule.keep_newest=3",
        "schedule.keep_every=8",
    ]
    work = job(narrow(("gan", "ring8", "reference"), fields), tmp_path / "run")
    Trainer(work).train()
    assert list(work.run.checkpoints()) == [0, 8, 16, 20, 22, 23]


def test_a_step_is_chosen_or_refused(trained: tuple[Trainer, Path]) -> None:
    run: Run = trained[0].job.run
    assert isinstance(load(run.checkpoint("5")), Checkpoint)
    assert load(run.checkpoint("5")).header.step == 5
    with pytest.raises(RunError, match="choose last or one of"):
        run.checkpoint("7")
