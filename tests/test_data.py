"""Data sets and the deck that deals them."""

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import narrow, toy_data

from gancli.data import (
    BatchSource,
    Dataset,
    Mixture,
    StackedDigits,
    TorchvisionImages,
)
from gancli.data.loader import pins
from gancli.data.torchvision_images import SET_SPLITS
from gancli.data.torchvision_set import ArraySet, SetPart
from gancli.data.torchvision_sets import SETS
from gancli.errors import DataError, NetworkError, UsageError
from gancli.parallel import World
from gancli.preset import load_preset
from gancli.prior import Prior
from gancli.state import build_players

CPU = torch.device("cpu")


def mixture(dataset: str) -> Mixture:
    spec = load_preset("gan", dataset).data
    assert isinstance(spec, Mixture)
    return spec


def deck(
    data: Dataset, spec: Mixture | TorchvisionImages, size: int = 5, world: World | None = None
) -> BatchSource:
    return BatchSource(
        data, spec, Prior(z_dim=3), batch_size=size,
        seed=1, device=CPU, dtype=torch.float32, world=world or World(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "modes", "points"), [("ring8", 8, 3200), ("grid25", 25, 10_000)]
)
def test_mixtures_are_where_they_should_be(dataset: str, modes: int, points: int) -> None:
    spec = mixture(dataset)
    data = spec.load(Path(), seed=0)
    assert data.x.shape == (points, 2)
    x = spec.to_samples(data.x).astype(np.float64).reshape(-1, modes, 2)
    centres = spec.centres()
    assert np.allclose(x.mean(axis=0), centres, atol=0.15)
    assert np.allclose(x.std(axis=0), 0.5, rtol=0.2)
    if dataset == "ring8":
        assert np.allclose(centres[1], 10 / np.sqrt(2))
        assert np.allclose(np.linalg.norm(centres, axis=1), 10)
    else:
        assert sorted({*centres[:, 0]}) == [-10, -5, 0, 5, 10]
        assert centres[1].tolist() == [-10, -5]  # x-major


def test_mixtures_depend_on_the_seed_alone() -> None:
    spec = mixture("ring8")
    same, again, other = (spec.load(Path(), seed) for seed in (1, 1, 2))
    assert same.fingerprint == again.fingerprint != other.fingerprint


def test_real_mnist(data_dir: Path) -> None:
    data = TorchvisionImages(source="mnist").load(data_dir, seed=0)
    assert data.x.shape == (60_000, 1, 28, 28)
    assert data.x.dtype == torch.uint8
    assert float(data.x.float().mean()) == pytest.approx(33.3184, abs=1e-3)


def test_real_cifar10(data_dir: Path) -> None:
    data = TorchvisionImages(source="cifar10").load(data_dir, seed=0)
    assert data.x.shape == (50_000, 3, 32, 32)
    means = (data.x.double().mean(dim=(0, 2, 3)) / 255).tolist()
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)


def test_broken_cifar10_is_a_data_error(data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(data_dir / "cifar-10-batches-py", tmp_path / "d" / "cifar-10-batches-py")
    batch = tmp_path / "d" / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(DataError, match="missing or broken"):
        TorchvisionImages(source="cifar10").load(tmp_path / "d", seed=0)


def test_truncated_mnist_is_a_data_error(data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(data_dir / "MNIST", tmp_path / "d" / "MNIST")
    images = tmp_path / "d" / "MNIST" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:100_000])
    with pytest.raises(DataError, match="missing or broken"):
        TorchvisionImages(source="mnist").load(tmp_path / "d", seed=0)


def test_missing_files_are_a_data_error(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "readme.txt").write_text("nothing here")
    with pytest.raises(DataError, match="1 files"):
        TorchvisionImages(source="mnist").load(tmp_path, seed=0)


class Hostile:
    """Unpickling it makes a folder named `pwned`."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("pwned",)


def test_hostile_cifar10_is_never_unpickled(data_dir: Path, tmp_path: Path) -> None:
    """torchvision checks the files' MD5 before it unpickles them."""
    shutil.copytree(data_dir / "cifar-10-batches-py", tmp_path / "d" / "cifar-10-batches-py")
    (tmp_path / "d" / "cifar-10-batches-py" / "data_batch_1").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(DataError):
        TorchvisionImages(source="cifar10").load(tmp_path / "d", seed=0)
    assert not Path("pwned").exists()


def fake_download(folder: Path, part: SetPart, download: bool) -> Dataset:
    """What torchvision does, with three black images and no network."""
    file = folder / "MNIST" / "raw" / "file"
    if download:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"whole")
    assert file.read_bytes() == b"whole", part
    return Dataset(torch.zeros((3, 1, 28, 28), dtype=torch.uint8))


def replace_mnist(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[Path, SetPart, bool], Dataset]
) -> None:
    digits = SETS["mnist"]
    assert isinstance(digits, ArraySet)
    monkeypatch.setitem(SETS, "mnist", replace(digits, part=read))


def test_an_interrupted_download_leaves_no_half_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path, part: SetPart, download: bool) -> Dataset:
        assert (part, download) == ("train", True)
        (folder / "MNIST" / "raw").mkdir(parents=True)
        (folder / "MNIST" / "raw" / "half").write_bytes(b"half")
        raise KeyboardInterrupt

    replace_mnist(monkeypatch, interrupt)
    spec = TorchvisionImages(source="mnist")
    with pytest.raises(KeyboardInterrupt):
        spec.load(tmp_path / "d", seed=0)
    assert not list((tmp_path / "d").iterdir())
    assert not spec.is_present(tmp_path / "d")


def test_a_download_is_moved_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_mnist(monkeypatch, fake_download)
    spec = TorchvisionImages(source="mnist")
    assert len(spec.load(tmp_path / "d", seed=0)) == 3
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["MNIST"]
    assert spec.is_present(tmp_path / "d")


def test_a_download_fills_an_empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program left MNIST/raw, empty, and a folder of its own beside it."""

    replace_mnist(monkeypatch, fake_download)
    for name in ("raw", "mine"):
        (tmp_path / "d" / "MNIST" / name).mkdir(parents=True)
    assert len(TorchvisionImages(source="mnist").load(tmp_path / "d", seed=0)) == 3
    assert (tmp_path / "d" / "MNIST" / "raw" / "file").read_bytes() == b"whole"


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="is a file"):
        TorchvisionImages(source="mnist").load(tmp_path / "file", seed=0)


@pytest.mark.parametrize("source", SETS)
def test_no_network(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    spec = TorchvisionImages.model_validate({"source": source, "size": 64})
    file = f"{SETS[source].folder}/{SETS[source].file}"
    with pytest.raises(NetworkError, match=f"{file} and .* with --data-dir or GANCLI_DATA"):
        spec.load(tmp_path / "new", seed=0)
    with pytest.raises(NetworkError):
        spec.load(tmp_path / "new", seed=0)


def images(count: int = 20) -> Dataset:
    """Image i is i on its left half and 200 on its right."""
    x = torch.full((count, 1, 2, 4), 200, dtype=torch.uint8)
    x[..., :2] = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1)
    return Dataset(x)


def test_an_epoch_deals_every_sample_once() -> None:
    cards = deck(images(), TorchvisionImages(source="mnist"))
    epochs = [[int(i) for b in range(4 * e, 4 * e + 4) for i in cards.batch(b)] for e in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(20))
    assert epochs[0] != epochs[1]


def test_remainders_are_dropped() -> None:
    cards = deck(images(), TorchvisionImages(source="mnist"), size=8)
    assert len({int(i) for b in range(2) for i in cards.batch(b)}) == 16
    assert len(cards.batch(2)) == 8


def test_too_small_a_set_says_so() -> None:
    with pytest.raises(DataError, match="fewer than a batch of 64"):
        deck(images(), TorchvisionImages(source="mnist"), size=64)


def test_pixels_become_minus_one_to_one() -> None:
    x = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    spec = TorchvisionImages(source="mnist")
    assert spec.to_network(x, torch.float32).flatten().tolist() == [-1, 1]


def test_half_of_the_images_are_mirrored() -> None:
    spec = TorchvisionImages(source="mnist", flip=True)
    cards = deck(images(), spec, size=10)
    grey_200 = 200 / 127.5 - 1
    left = []
    for step in range(200):
        x = cards.hand(step, 0, step).real().x
        left += [bool(torch.isclose(value, torch.tensor(grey_200))) for value in x[:, 0, 0, 0]]
        right = torch.where(torch.tensor(left[-10:]), x[:, 0, 0, 3] < 0, x[:, 0, 0, 3] > 0.5)
        assert bool(right.all())
    # 2,000 fair coins: beyond 6 standard deviations with a probability below 1e-8.
    assert abs(sum(left) - 1000) < 6 * 500**0.5


def test_noise_stays_within_its_range() -> None:
    spec = TorchvisionImages(source="mnist", noise=0.1)
    data = Dataset(torch.zeros((64, 1, 8, 8), dtype=torch.uint8))
    x = deck(data, spec, size=64).hand(0, 0, 0).real().x + 1
    assert 0 <= float(x.min()) < 0.01
    assert 0.09 < float(x.max()) < 0.1


def test_what_a_turn_draws_is_a_function_of_its_place() -> None:
    spec = TorchvisionImages(source="mnist", flip=True, noise=0.1)
    first = deck(images(), spec).hand(3, 1, 7)
    again = deck(images(), spec).hand(3, 1, 7)
    assert torch.equal(first.real().x, again.real().x)
    assert torch.equal(first.latent().z, again.latent().z)
    assert torch.equal(first.uniform("mix", 4), again.uniform("mix", 4))
    other = deck(images(), spec).hand(3, 2, 7)
    assert not torch.equal(first.latent().z, other.latent().z)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_fakes_of_several_turns_are_those_of_each(norm: str) -> None:
    """Made at once where nothing couples them, each turn's own otherwise; the same ones anyway."""
    preset = narrow(("gan", "ring8", "reference"), [f"generator.network.norm={norm}"])
    net = build_players(preset, seed=0).generator
    passes: list[int] = []
    net.register_forward_hook(lambda _net, _input, x: passes.append(len(x)))
    cards = BatchSource(
        toy_data(preset), preset.data, preset.prior,
        batch_size=8, seed=0, device=torch.device("cpu"), dtype=torch.float32, world=World(),
    )  # fmt: skip
    hands = [cards.hand(5, turn, 0, more=2 - turn) for turn in range(3)]
    samples = [hand.fake(net) for hand in hands]
    found = [sample.x for sample in samples]
    for sample, hand in zip(samples, hands, strict=True):
        assert sample.z is not None
        assert torch.equal(sample.z, hand.latent().z)
    assert passes == ([24] if norm == "none" else [8, 8, 8])
    alone = [net(hand.latent()).detach() for hand in hands]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, alone, strict=True))
    assert not any(x.requires_grad for x in found)
    # The generator has changed by the next step, and nothing of it is dealt again.
    with torch.no_grad():
        next(net.parameters()).add_(1)
    assert not torch.allclose(cards.hand(5, 0, 0, more=2).fake(net).x, found[0])


def test_processes_share_one_batch() -> None:
    spec = TorchvisionImages(source="mnist", flip=True, noise=0.1)
    whole = deck(images(), spec, size=6).hand(3, 1, 2)
    parts = [deck(images(), spec, 6, World(rank, 2)).hand(3, 1, 2) for rank in (0, 1)]
    assert torch.equal(whole.real().x, torch.cat([part.real().x for part in parts]))
    assert torch.equal(whole.latent().z, torch.cat([part.latent().z for part in parts]))
    shares = torch.cat([part.uniform("mix", 3, 2) for part in parts])
    assert torch.equal(whole.uniform("mix", 6, 2), shares)
    assert torch.equal(whole.uniform("mix", None), parts[1].uniform("mix", None))
    like = whole.real().x
    shares = torch.cat([part.normal("guess", like[:3]) for part in parts])
    assert torch.equal(whole.normal("guess", like), shares)
    with pytest.raises(UsageError, match="multiple of 2"):
        deck(images(), spec, 5, World(0, 2))


@pytest.mark.parametrize(
    ("dataset", "radius", "std"), [("ring8-veegan", 1.0, 0.01), ("grid25-veegan", 32**0.5, 0.05)]
)
def test_the_published_mixtures(dataset: str, radius: float, std: float) -> None:
    """100,000 points; the largest coordinate of a centre lies at two thirds of the networks' 1."""
    spec = mixture(dataset)
    data = spec.load(Path(), seed=0)
    assert len(data) == 100_000
    centres = spec.centres()
    assert np.linalg.norm(centres, axis=1).max() == pytest.approx(radius)
    assert np.abs(centres).max() / spec.scale == pytest.approx(2 / 3)
    points = spec.to_samples(data.x).reshape(-1, spec.modes, 2).astype(np.float64)
    assert (points - centres).std() == pytest.approx(std, rel=0.01)


def test_stacked_digits_are_three_digits() -> None:
    """Each channel is a digit, and the label says which."""
    digits = Dataset(
        torch.arange(10, dtype=torch.uint8).repeat(3)[:, None, None, None].expand(-1, 1, 28, 28),
        torch.arange(10).repeat(3),
    )
    spec = StackedDigits(count=5)
    data = spec.draw(digits, 200, seed=1)
    assert data.x.shape == (200, *spec.shape.x)
    assert data.labels is not None
    read = data.x[:, :, 0, 0].long() @ torch.tensor([100, 10, 1])
    assert torch.equal(read, data.labels)
    assert len(set(data.labels.tolist())) > 150
    assert torch.equal(spec.draw(digits, 200, seed=1).x, data.x)


def test_both_splits_of_mnist(data_dir: Path) -> None:
    spec = TorchvisionImages(source="mnist")
    for split, count, first in zip(
        SET_SPLITS, (60_000, 10_000), ([5, 0, 4], [7, 2, 1]), strict=True
    ):
        data = spec.load_split(data_dir, split)
        assert data.labels is not None
        assert (len(data), data.labels[:3].tolist()) == (count, first)


def test_accelerators_with_memory_of_their_own_fetch_pinned_memory() -> None:
    found = {name: pins(torch.device(name)) for name in ("cpu", "mps", "cuda", "xpu")}
    assert found == {"cpu": False, "mps": False, "cuda": True, "xpu": True}
