"""`gan evaluate --quick` and `--reference-count`: few images, always the same, said in words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import random_images, toy_extractor

from gancli.data import Dataset
from gancli.data.survey import survey
from gancli.evaluation.forecast import Stopwatch
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.metrics.mind import monge_distance
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.spec import RealImages
from gancli.watch import Done

pytestmark = pytest.mark.usefixtures("toy_features")


def test_some_images_of_files_are_those_of_a_data_set() -> None:
    files = ImageFiles.of(*survey(Path(random_images("real", 30, 0))))
    data = DatasetImages(Dataset(files.at(range(30)), torch.arange(30) % 3), ("a", "b", "c"))
    few, more = files.drawn(10), files.drawn(20)
    assert torch.equal(few.at(range(10)), data.drawn(10).data.x)
    assert torch.equal(torch.cat([x for x, _ in few.batches(4)]), data.drawn(10).data.x)
    assert {*few.source.names} < {*more.source.names}
    # Each set has a hash of its own, which is that of the same pixels in memory.
    assert few.fingerprint == DatasetImages(Dataset(data.drawn(10).data.x)).fingerprint
    assert len({each.fingerprint for each in (few, more, files)}) == 3
    real = RealImages(data, "some", "all")
    assert (real.drawn(30), real.drawn(None)) == (real, real)
    drawn = real.drawn(10)
    assert (drawn.count, drawn.drawn_from) == (10, data)
    assert sum(drawn.images.of_class().values()) == 10


def test_what_was_asked_for_stays() -> None:
    quick = EvaluationRequest().quick()
    assert (quick.metrics, quick.count) == (("is", "mind", "dc"), None)
    assert (quick.usual_count, quick.most_reals, quick.resamples) == (5000, 5000, 1000)
    asked = EvaluationRequest(("fid", "mind"), count=70, reference_count=80, resamples=90).quick()
    assert (asked.metrics, asked.count) == (("is", "mind", "dc", "fid"), 70)
    assert (asked.most_reals, asked.resamples) == (80, 90)
    assert EvaluationRequest(extractor="vgg16").quick().metrics == ("mind", "dc")


def test_a_quick_evaluation_says_what_it_saw_and_what_more_would_take(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hashes of files are remembered at once.
    monkeypatch.setattr("gancli.data.identity.SETTLED_NS", 0)
    fake, real = random_images("fake", 60, 1), random_images("real", 90, 2)
    typed = ("evaluate", fake, "--quick", "--reference", real)
    code, out, said = gan(*typed, "--reference-count", 50, "--out", "s.json")
    assert (code, said) == (0, "")
    assert "against 50 of real, drawn from 90, data " in out
    # The whole reference was not looked at yet.
    told = "the full protocol (--fid --is: 60 images and, once, 90 real ones) would take about "
    assert told in out
    (found,) = json.loads(Path("s.json").read_text())
    assert set(found["intervals"]) == {"inception_score", "mind", "density", "coverage"}
    assert (found["protocol"]["reference_count"], found["protocol"]["drawn_from"]) == (50, 90)
    fakes, reals = (ImageFiles.of(*survey(Path(name))) for name in (fake, real))
    see = toy_extractor(12)
    x, y = see(fakes.at(range(60))).features, see(reals.drawn(50).at(range(50))).features
    assert found["scores"]["mind"] == pytest.approx(monge_distance(x, y).value, rel=1e-6)
    assert gan("evaluate", "fake", "--fid", "--reference", "real", "--out", "s.json")[0] == 0
    code, out, _ = gan(*typed, "--reference-count", 50, "--out", "s.json")
    assert "(--fid --is: 60 images) would take about " in out


def test_few_real_images_do_not_rank_next_to_all(gan: Gan) -> None:
    real = random_images("real", 90, 2)
    for name, more in (
        ("a", ("--reference-count", 50)),
        ("b", ()),
        ("c", ("--reference-count", 50)),
    ):
        typed = ("evaluate", random_images(name, 60, 1), "--mind", "--reference", real, *more)
        assert gan(*typed, "--out", f"{name}.json")[0] == 0
    code, _, said = gan("compare", "a.json", "b.json")
    assert code != 0
    assert "/ 50 of real (" in said
    assert gan("compare", "a.json", "c.json")[0] == 0
    # Files of before lack the field, and those that need none do not get it.
    (whole,) = json.loads(Path("b.json").read_text())
    assert "drawn_from" not in whole["protocol"]


def test_a_stopwatch_passes_on_what_it_times() -> None:
    seen: list[object] = []
    ticks = iter([5.0, 7.5])

    @contextmanager
    def shown(total: int, unit: str) -> Iterator[Done]:
        seen.append((total, unit))
        yield seen.append

    watch = Stopwatch(shown, lambda: next(ticks))
    with watch.watch(3, "images") as done:
        done(2)
    assert seen == [(3, "images"), 2]
    assert watch.seconds == {"images": 2.5}
