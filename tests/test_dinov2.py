"""DINOv2 from torch's layers: the authors' computation, step by step, on seeded weights."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from conftest import Gan
from torch import Tensor
from torch.nn import functional as F

from gancli.errors import NetworkError
from gancli.evaluation.dinov2 import DinoV2, resized_positions
from gancli.evaluation.extractors import classifies, load_extractor, width_of
from gancli.writer import write

CPU = torch.device("cpu")
PATCH = 14


def seeded(width: int, depth: int, side: int, seed: int = 0) -> dict[str, Tensor]:
    """Weights by the authors' names; each branch has a scale of its own."""
    source = torch.Generator().manual_seed(seed)

    def some(*shape: int, std: float = 0.05, mean: float = 0.0) -> Tensor:
        return torch.randn(shape, generator=source) * std + mean

    found = {
        "cls_token": some(1, 1, width, std=1), "mask_token": some(1, width),
        "pos_embed": some(1, side**2 + 1, width, std=0.5),
        "patch_embed.proj.weight": some(width, 3, PATCH, PATCH),
        "patch_embed.proj.bias": some(width), "norm.weight": some(width, mean=1),
        "norm.bias": some(width),
    }  # fmt: skip
    for place in range(depth):
        shapes = {
            "norm1": (width,), "norm2": (width,), "attn.qkv": (3 * width, width),
            "attn.proj": (width, width), "mlp.fc1": (4 * width, width),
            "mlp.fc2": (width, 4 * width),
        }  # fmt: skip
        for name, shape in shapes.items():
            mean = 1.0 if name.startswith("norm") else 0.0
            found[f"blocks.{place}.{name}.weight"] = some(*shape, mean=mean)
            found[f"blocks.{place}.{name}.bias"] = some(shape[0])
        for scale in ("ls1", "ls2"):
            found[f"blocks.{place}.{scale}.gamma"] = some(width, std=0.3, mean=0.5)
    return found


def as_published(weights: Mapping[str, Tensor], x: Tensor, positions: Tensor) -> Tensor:
    """The class token of normalised images of (B, 3, 224, 224), in plain functions."""
    w = {name: value.double() for name, value in weights.items()}
    x, width = x.double(), w["cls_token"].shape[-1]
    heads, depth = width // 64, sum("attn.qkv.weight" in name for name in w)
    embed = w["patch_embed.proj.weight"], w["patch_embed.proj.bias"]
    patches = F.conv2d(x, *embed, stride=PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([w["cls_token"].expand(len(x), -1, -1), patches], 1) + positions.double()

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (width,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    for place in range(depth):
        block = f"blocks.{place}"
        qkv = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        q, k, v = qkv.reshape(len(x), -1, 3, heads, 64).permute(2, 0, 3, 1, 4)
        weight = (q @ k.transpose(-2, -1) / 8).softmax(-1)
        mixed = (weight @ v).transpose(1, 2).reshape(x.shape)
        x = x + w[f"{block}.ls1.gamma"] * linear(mixed, f"{block}.attn.proj")
        hidden = F.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1"))
        x = x + w[f"{block}.ls2.gamma"] * linear(hidden, f"{block}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def some_images(count: int, side: int = 224) -> Tensor:
    source = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=source)


def normalised(images: Tensor) -> Tensor:
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    return (images.double() / 255 - mean) / std


def test_it_is_the_published_computation() -> None:
    weights, images = seeded(128, 3, 16), some_images(3)
    net = DinoV2(weights)
    with torch.no_grad():
        (found,) = net(images)
    wanted = as_published(weights, normalised(images), weights["pos_embed"])
    assert float(wanted.std(0).mean()) > 0.01
    assert torch.allclose(found.double(), wanted, atol=1e-4)
    # In float64 to rounding: nothing but the order of operations differs.
    with torch.no_grad():
        (exact,) = _in_float64(net)(images)
    assert torch.allclose(exact, wanted, atol=1e-6)


def _in_float64(net: DinoV2) -> DinoV2:
    net = net.double()
    net.embed.register_forward_pre_hook(lambda layer, took: tuple(x.double() for x in took))
    return net


def test_positions_of_a_larger_grid() -> None:
    """Resized as the authors' code does: bicubic, by (16 + .1) / 37; the class token's stays."""
    weights = seeded(64, 1, 37)
    positions = weights["pos_embed"]
    small = resized_positions(positions, 16)
    assert small.shape == (1, 257, 64)
    assert torch.equal(small[:, 0], positions[:, 0])
    ramp = torch.arange(37.0).repeat(37).reshape(1, -1, 1)
    columns = resized_positions(torch.cat([ramp[:, :1], ramp], 1), 16)[0, 1:, 0].reshape(16, 16)
    # Where columns of the old grid lie that centres of the new one fall on; without the .1 the
    # last would be .2 further.
    wanted = (torch.arange(16.0) + 0.5) / (16.1 / 37) - 0.5
    assert torch.allclose(columns[5, 2:-1], wanted[2:-1], atol=0.07)
    images = some_images(2)
    with torch.no_grad():
        (found,) = DinoV2(weights)(images)
    assert torch.allclose(
        found.double(), as_published(weights, normalised(images), small), atol=1e-4
    )


def test_frechet_distances_by_its_features(gan: Gan, tmp_path: Path) -> None:
    """Weights by their path, other widths and other hashes refused; named in the protocol."""
    assert (width_of("dinov2"), classifies("dinov2")) == (1024, False)
    file = tmp_path / "w.pth"
    torch.save(seeded(1024, 1, 37), file)
    with pytest.raises(NetworkError, match="does not hold the published weights dinov2_vitl14"):
        load_extractor("dinov2", file, CPU)
    extractor = load_extractor("dinov2", file, CPU, trusted=True)
    assert extractor(some_images(2, 20)).features.shape == (2, 1024)
    assert extractor(some_images(2, 20)[:, :1]).logits is None
    small = tmp_path / "small.pth"
    torch.save(seeded(128, 1, 16), small)
    with pytest.raises(NetworkError, match="another network than dinov2"):
        load_extractor("dinov2", small, CPU, trusted=True)
    for name, seed in (("a", 0), ("b", 1)):
        source = torch.Generator().manual_seed(seed)
        pixels = torch.randint(0, 256, (6, 8, 8, 3), dtype=torch.uint8, generator=source)
        write([pixels.numpy()], range(6), Path(name), "folder", key="images")
    typed = ("--extractor", "dinov2", "--weights", file, "--trust-weights")
    code, out, said = gan("evaluate", "a", "--fid", "--mind", "--reference", "b", *typed)
    assert code == 0, said
    assert "FID [dinov2]" in out
    assert "MIND [dinov2]" in out
