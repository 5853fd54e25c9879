"""Mode counts and divergences, by hand and by formula; the digit classifier on the real digits."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gancli.data import Dataset, Mixture, TorchvisionImages
from gancli.data.torchvision_images import SET_SPLITS
from gancli.evaluation import classifier
from gancli.evaluation.classifier import Reader, classless_images
from gancli.evaluation.mnist_classifier import DIGIT_LESSON, DigitClassifier, digit_reader
from gancli.evaluation.mode_coverage import (
    MIN_CONFIDENCE,
    Assigned,
    assign_points,
    jensen_shannon,
    mode_coverage,
    reverse_kl,
    std_ratio,
)
from gancli.experiment.arena import PointArena, open_arena
from gancli.preset import load_preset

UNIFORM = np.full(8, 1 / 8)


def ring(tmp_path: Path) -> PointArena:
    arena = open_arena("ring8", load_preset("gan", "ring8").data, tmp_path, tmp_path)
    assert isinstance(arena, PointArena)
    return arena


def test_a_perfect_sampler(tmp_path: Path) -> None:
    """98.9 % lie within 3 std in the plane: 1 - exp(-9/2); beyond them nothing widens a mode."""
    arena = ring(tmp_path)
    found = arena.examine(arena.real())
    assert (found.captured, found.held) == (8, 8)
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    tail = math.exp(-4.5)
    truncated = math.sqrt(1 - 4.5 * tail / (1 - tail))
    assert found.std_ratio == pytest.approx(truncated, abs=0.01)
    assert found.reverse_kl is not None
    assert 0 <= found.reverse_kl < 1e-4
    assert found.published_captured == 8


def test_a_sampler_of_one_mode(tmp_path: Path) -> None:
    """KL(one of 8 || uniform) = ln 8; its Jensen-Shannon divergence by the formula."""
    arena = ring(tmp_path)
    points = arena.data.centres()[0] + 0.5 * np.random.default_rng(0).standard_normal((10_000, 2))
    found = arena.examine(points)
    assert (found.captured, found.held) == (1, 1)
    assert found.reverse_kl == pytest.approx(math.log(8))
    m = (1 + 1 / 8) / 2
    js = (math.log(1 / m) + math.log((1 / 8) / m) / 8 + 7 / 8 * math.log(2)) / 2
    assert found.jensen_shannon == pytest.approx(js)


def test_a_shrunken_mode(tmp_path: Path) -> None:
    arena = ring(tmp_path)
    rng = np.random.default_rng(0)
    points = np.tile(arena.data.centres(), (1250, 1)) + 0.05 * rng.standard_normal((10_000, 2))
    found = arena.examine(points)
    assert (found.held, found.high_quality) == (8, 1.0)
    assert found.std_ratio == pytest.approx(0.1, rel=0.02)


def test_samples_far_from_every_mode(tmp_path: Path) -> None:
    found = ring(tmp_path).examine(np.zeros((10_000, 2)))
    assert (found.captured, found.held, found.high_quality) == (0, 0, 0)
    assert (found.reverse_kl, found.jensen_shannon, found.std_ratio) == (None, None, None)


def test_counts_by_hand() -> None:
    """Of eight samples, three good ones in mode 0, one in mode 1; a bad one does not count."""
    found = Assigned(
        np.array([0, 0, 0, 1, 1, 2, 2, 2]),
        np.array([True, True, True, True, False, False, False, False]),
        np.array([0.5, 0.25, 0.25]),
    )
    assert found.counts.tolist() == [3, 1, 0]
    assert found.coverage() == (2, 2, 0.5)
    kl = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.25)
    assert reverse_kl(found.counts, found.shares) == pytest.approx(kl)
    assert found.part(slice(4, 8)).coverage() == (0, 0, 0.0)


def test_a_fifth_of_the_fair_share() -> None:
    """Of 100 samples over 10 modes a mode is held with 2, not with 1."""
    mode = np.array([0] * 97 + [1] * 2 + [2])
    found = Assigned(mode, np.ones(100, bool), np.full(10, 0.1)).coverage()
    assert (found.captured, found.held) == (3, 2)


def test_divergences_are_bounded() -> None:
    counts = np.array([0, 0, 0, 0, 0, 0, 0, 5])
    assert reverse_kl(np.full(8, 3), UNIFORM) == 0
    assert jensen_shannon(np.full(8, 3), UNIFORM) == 0
    far = jensen_shannon(counts, np.array([1.0] + [1e-12] * 7))
    assert far == pytest.approx(math.log(2), rel=1e-6)


def test_the_edge_of_three_std() -> None:
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    points = np.array([[2.99, 0.0], [3.01, 0.0], [10.0, -2.99]])
    assert assign_points(points, centres, 1.0).good.tolist() == [True, False, True]
    assert mode_coverage(points, centres, 1.0).captured == 2


def test_few_points_say_nothing_of_a_width() -> None:
    points = np.zeros((9, 2))
    assert std_ratio(points, assign_points(points, np.zeros((1, 2)), 1.0), 1.0) is None


def small_digits(count: int) -> Dataset:
    """Images whose brightness is their label."""
    labels = torch.arange(10).repeat(count // 10)
    return Dataset((labels * 25).to(torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28), labels)


def test_the_classifier_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = small_digits(400), small_digits(100)
    seen: list[int] = []
    first = digit_reader(train, test, tmp_path, seen.append)
    assert seen == list(range(1, DIGIT_LESSON.batches(len(train)) + 1))
    (file,) = tmp_path.iterdir()

    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(classifier, "_fit", refuse)
    again = digit_reader(train, test, tmp_path)
    assert (again.name, again.accuracy) == (first.name, first.accuracy)
    for name, tensor in first.net.state_dict().items():
        assert torch.equal(tensor, again.net.state_dict()[name]), name
    whole = file.read_bytes()
    for broken in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:100], b""):
        file.write_bytes(broken)
        with pytest.raises(AssertionError, match="trained again"):
            digit_reader(train, test, tmp_path)
    file.write_bytes(whole)
    with pytest.raises(AssertionError, match="trained again"):
        digit_reader(small_digits(200), test, tmp_path)


def test_a_reader_reads_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    reader = Reader(DigitClassifier().eval(), 0.0, "")
    images = torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8)
    labels, sure = reader.read(images)
    monkeypatch.setattr(classifier, "READ_AT_ONCE", 7)
    again, again_sure = reader.read(images)
    assert (labels == again).all()
    assert np.allclose(sure, again_sure, atol=1e-5)
    assert ((sure > 0) & (sure <= 1)).all()


def test_a_reader_reads_digits_of_any_side() -> None:
    torch.manual_seed(0)
    reader = Reader(DigitClassifier().eval(), 0.0, "")
    small = torch.randint(0, 256, (4, 1, 7, 7), dtype=torch.uint8)
    large = small.repeat_interleave(8, 2).repeat_interleave(8, 3)
    same = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
    labels, sure = reader.read(large)
    wanted, wanted_sure = reader.read(same)
    assert (labels == wanted).all()
    assert np.allclose(sure, wanted_sure, atol=0.05)


def test_what_is_no_digit() -> None:
    """A fifth of each kind, which keep of the digits what they are made to keep."""
    shown = small_digits(100).x.clone()
    shown[:, :, :7, :7] = 0
    made = classless_images(shown, 10, np.random.default_rng(0))
    assert (made.shape, made.dtype) == ((10, 1, 28, 28), torch.uint8)
    levels = set(range(0, 226, 25))
    for shuffled in made[4:8]:
        values, counts = shuffled.unique(return_counts=True)
        assert set(values.tolist()) <= levels
        assert values[0] == 0
        assert counts[0] in (49, 28 * 28)
    for torn in made[6:8]:
        tiles = torn.view(4, 7, 4, 7).transpose(1, 2).reshape(16, -1)
        assert (tiles == tiles[:, :1]).all()
    again = classless_images(shown, 10, np.random.default_rng(0))
    assert torch.equal(made, again)


@pytest.mark.slow
def test_the_classifier_reads_the_real_test_split(data_dir: Path, tmp_path: Path) -> None:
    source = TorchvisionImages(source="mnist")
    train, test = (source.load_split(data_dir, split) for split in SET_SPLITS)
    reader = digit_reader(train, test, tmp_path)
    assert reader.accuracy >= 0.99
    arena = open_arena(
        "stacked-mnist", load_preset("gan", "stacked-mnist").data, data_dir, tmp_path
    )
    found = arena.examine(arena.real())
    assert found.published_captured == 1000
    assert found.high_quality > 0.85
    assert found.published_kl is not None
    # The histogram of n draws from k modes lies (k - 1) / 2n from uniform, on average.
    assert found.published_kl == pytest.approx(999 / 2 / 26_000, rel=0.5)
    assert isinstance(load_preset("gan", "ring8").data, Mixture)
    # Other draws than those it has learnt from, of digits it has not seen.
    _, sure = reader.read(classless_images(test.x, 1000, np.random.default_rng(1)))
    assert (sure >= MIN_CONFIDENCE).mean() < 0.01
    _, sure = reader.read(test.x)
    assert (sure >= MIN_CONFIDENCE).mean() > 0.95
