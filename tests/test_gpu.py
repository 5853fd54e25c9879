"""What only a CUDA device can show."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import Key, every_preset, job, narrow, preset_id

from gancli.bench.measure import alternate, count_flops, matmul_peak
from gancli.checkpoint import load
from gancli.sampler import Sampler
from gancli.trainer import Job, Trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]


def on_gpu(key: Key, folder: Path, precision: str) -> Job:
    work = job(narrow(key), folder, precision=precision)
    settings = work.settings.model_copy(update={"device": "cuda"})
    return Job(work.preset, settings, work.data, work.run)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_every_preset_trains(key: Key, precision: str, tmp_path: Path) -> None:
    trainer = Trainer(on_gpu(key, tmp_path / "run", precision))
    assert trainer.train().step == 8


def test_samples_are_those_of_the_cpu(tmp_path: Path) -> None:
    trainer = Trainer(on_gpu(("dcgan", "cifar10", "lite"), tmp_path / "run", "fp32"))
    trainer.train()
    saved = load(trainer.job.run.checkpoint())
    made = [
        Sampler(saved.generator().to(device), saved.header.preset).all(range(16)).astype(np.int64)
        for device in ("cpu", "cuda")
    ]
    assert np.abs(made[0] - made[1]).max() <= 1


def test_deterministic_runs_resume_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        straight = Trainer(on_gpu(("sngan", "cifar10", "lite"), tmp_path / "a", "bf16"))
        straight.train()
        work = straight.job
        saved = load(work.run.checkpoint_file(5))
        again = Trainer(
            Job(work.preset, work.settings, work.data, work.run, resume_from=saved)
        ).train()
        first, second = straight.state.tensors(), again.tensors()
        assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    finally:
        torch.use_deterministic_algorithms(False)


def test_no_step_beats_the_peak() -> None:
    """Convolutions round to TF32, of which the peak is several times that of float32."""
    device = torch.device("cuda")
    layer = torch.nn.Conv2d(256, 256, 3, padding=1, device=device)
    x = torch.randn(64, 256, 32, 32, device=device)
    with torch.no_grad():
        loops = {"forward": lambda: layer(x)}
        fastest = alternate(loops, rounds=1, seconds=1.0, device=device)["forward"].minimum
    assert count_flops(lambda: layer(x)) / fastest < 1.1 * matmul_peak(device)
