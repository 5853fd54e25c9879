"""The feature network folded: the same features but for rounding, whatever pieces it sees."""

from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import toy_extractor
from inception import blank_inception, calibrated_inception
from test_compare import found
from torch import Tensor, nn

from gancli.data import Dataset
from gancli.errors import UsageError
from gancli.evaluation import folded
from gancli.evaluation.extractors import load_extractor
from gancli.evaluation.folded import (
    Arithmetic,
    FoldedConv,
    InPieces,
    PieceChoice,
    computed,
    fold_norms,
)
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.protocol import protocol_differences
from gancli.evaluation.reference_cache import reference_name

CPU = torch.device("cpu")


def some_images(count: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=source)


def apart(a: Tensor, b: Tensor) -> float:
    return float((a.double() - b.double()).norm() / b.double().norm())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "inception.pth"
    calibrated_inception(file, some_images(4, 9))
    return file


def test_folding_is_exact() -> None:
    """In float64 to 1e-12, with norms that scale and shift at random."""
    net = blank_inception()
    source = torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert tensor is not None
                tensor.data = torch.rand(tensor.shape, generator=source) + 0.5
    vars(net)["feature_extractor_internal_dtype"] = torch.float64
    net = net.double().eval()
    seen: list[Tensor] = []
    # Before it gives float32.
    net.get_submodule("AvgPool").register_forward_hook(lambda layer, took, gave: seen.append(gave))
    with torch.no_grad():
        net(some_images(1))
        assert fold_norms(net) == 94
        net(some_images(1))
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    before, after = seen
    assert after.dtype == torch.float64
    assert float(before.std()) > 0.01
    assert apart(after, before) < 1e-12


def test_folded_features_are_those_of_before(weights: Path) -> None:
    """To 1e-4 of their length, at least; the same in any pieces, and of the same memory."""
    images = some_images(11)
    exact = load_extractor("inception", weights, CPU, trusted=True, forward="exact")
    quick = load_extractor("inception", weights, CPU, trusted=True)
    wanted, seen = exact(images), quick(images)
    assert wanted.logits is not None
    assert seen.logits is not None
    assert apart(seen.features, wanted.features) < 1e-4
    assert apart(seen.logits, wanted.logits) < 1e-4
    assert float(wanted.features.std()) > 0.05
    assert (str(exact.arithmetic), exact.arithmetic.dtype) == ("", "float32")
    assert str(quick.arithmetic).startswith("folded, ")
    again = torch.cat([quick(part).features for part in torch.split(images, 3)])
    assert apart(again, seen.features) < 1e-6
    data = DatasetImages(Dataset(images))
    assert reference_name(data, exact) != reference_name(data, quick)


def test_a_convolution_without_the_fused_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, stride=2, padding=(0, 1), bias=False), nn.BatchNorm2d(5)
    norm.running_mean = torch.randn(5)
    block, x = FoldedConv(conv.eval(), norm.eval()), torch.randn(2, 3, 9, 9)
    wanted = nn.functional.relu(norm.float()(conv.float()(x)))
    assert torch.allclose(block(x), wanted, atol=1e-5)
    monkeypatch.setattr(folded, "fuses_relu", lambda: False)
    assert torch.allclose(block(x), wanted, atol=1e-5)
    channels_last = block.to(memory_format=torch.channels_last)
    assert torch.allclose(channels_last(x), wanted, atol=1e-5)


def test_the_fastest_pieces_are_taken() -> None:
    """Each look is one of the images asked for, in their order; threads are as before."""
    now, used = 0.0, list[tuple[int, int]]()
    costs = {PieceChoice(2, 1): 0.5, PieceChoice(4, 1): 0.2, PieceChoice(2, 2): 0.4}

    def see(piece: Tensor) -> tuple[Tensor, ...]:
        nonlocal now
        choice = (len(piece), torch.get_num_threads())
        used.append(choice)
        now += costs.get(PieceChoice(*choice), 9) * len(piece)
        return piece * 2, piece + 1

    threads = torch.get_num_threads()
    pieces = InPieces(see, [*costs], lambda: now)
    images = torch.arange(50).reshape(50, 1)
    twice, more = pieces(images)
    assert torch.equal(twice, images * 2)
    assert torch.equal(more, images + 1)
    assert pieces.best == PieceChoice(4, 1)
    assert used[:6] == [(2, 1), (2, 1), (4, 1), (4, 1), (2, 2), (2, 2)]
    assert set(used[6:-1]) == {(4, 1)}
    assert torch.get_num_threads() == threads
    # Too few for a size: it stays untried until there are more.
    few = InPieces(see, [*costs], lambda: now)
    few(images[:3])
    assert few.best == PieceChoice(2, 1)


def test_networks_without_norms_stay_as_they_are() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    see, arithmetic = computed(net, "folded", CPU)
    assert see is net
    assert arithmetic == Arithmetic()


def test_bfloat16_says_how_far_it_is_off(weights: Path) -> None:
    try:
        folded.refuse_without_bf16(CPU)
    except UsageError:
        pytest.skip("this processor does not compute in bfloat16")
    images = some_images(5)
    whole = load_extractor("inception", weights, CPU, trusted=True)
    half = load_extractor("inception", weights, CPU, trusted=True, forward="fast")
    assert half.arithmetic.deviation is None
    seen = half(images)
    assert seen.features.dtype == torch.float32
    off = apart(seen.features, whole(images).features)
    assert half.arithmetic.deviation == pytest.approx(off, rel=1e-3)
    assert 1e-4 < off < 0.5
    assert (half.arithmetic.forward, half.arithmetic.dtype) == ("fast", "bfloat16")


def test_bfloat16_is_not_ranked_next_to_float32() -> None:
    ours = found(9, fid=1).protocol
    rounded = ours.model_copy(update={"forward": "folded, 8 images at a time, 2 threads"})
    assert protocol_differences([ours, rounded]) == []
    fast = ours.model_copy(update={"dtype": "bfloat16", "deviation": 0.1})
    assert protocol_differences([ours, fast]) == ["dtype"]


def test_what_is_refused(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    with pytest.raises(UsageError, match="--fast computes in bfloat16, which this cpu device"):
        folded.refuse_without_bf16(CPU)
    with pytest.raises(UsageError, match=r"--fast is for .* not for vgg16"):
        load_extractor("vgg16", None, CPU, forward="fast")
    code, _, said = gan("evaluate", "nothing", "--exact", "--fast")
    assert (code, "--exact and --fast are mutually exclusive" in said) == (2, True)
    assert toy_extractor(3).arithmetic.forward == "exact"
