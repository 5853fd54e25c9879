"""The Inception score of koshian2/SNGAN: its definition, and that it meets no other score."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import evaluation
from inception import calibrated_torchvision_inception
from scipy.stats import entropy
from torch import Tensor, nn

from gancli.checkpoint import load
from gancli.errors import RunError, UsageError
from gancli.evaluation.extractors import Extractor, Seen, load_extractor
from gancli.evaluation.leaderboard import rank_runs
from gancli.evaluation.metrics import METRICS, ImageCounts
from gancli.evaluation.not_comparable import ProtocolsDifferError
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.request import EvaluationRequest, ExtractorWeights
from gancli.evaluation.results import ScoredRun, read_evaluations, training_evaluations
from gancli.experiment.cell import CellRequest, run_cell
from gancli.experiment.folder import Cell
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.spec import CellSpec, MeasureSpec
from gancli.library.evaluate import scores_of_images
from gancli.runs.folder import Run

CPU = torch.device("cpu")
NETWORK, SCORE = "inception-torchvision", "inception_score_koshian2"
COUNT = 6
MEAN, STD = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


# --- what it is ---


def some_images(count: int = COUNT, side: int = 32) -> Tensor:
    source = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 4, 4, generator=source)
    return (255 * nn.functional.interpolate(coarse, size=(side, side))).to(torch.uint8)


def answers(
    net: nn.Module, images: Tensor, *, aligned: bool = True, scaled: bool = True
) -> np.ndarray:
    """As the source has them: scaled as ImageNet, then brought to size, then looked at."""
    x = images.float() / 255
    if scaled:
        x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    x = nn.Upsample(size=(299, 299), mode="bilinear", align_corners=aligned)(x)
    with torch.no_grad():
        found: Tensor = net(x).softmax(1).double()
    return found.numpy()


def score_of(p: np.ndarray) -> float:
    return float(np.exp(np.mean([entropy(one, p.mean(0)) for one in p])))


def test_it_is_the_sources_score_of_the_same_images(tmp_path: Path, gan: Gan) -> None:
    """And would not be, with other corners, or with pixels as they are."""
    images, file = some_images(), tmp_path / "w.pth"
    net = calibrated_torchvision_inception(file, images[:3])
    wanted = answers(net, images)
    extractor = load_extractor(NETWORK, file, CPU, trusted=True)
    seen = extractor(images[:2])
    assert seen.features.shape == (2, extractor.width)
    assert seen.logits is not None
    assert np.allclose(seen.logits.double().softmax(1), wanted[:2], rtol=0, atol=1e-6)
    for other in ({"aligned": False}, {"scaled": False}):
        assert not np.allclose(answers(net, images[:2], **other), wanted[:2], rtol=0, atol=1e-3)
    np.savez("some.npz", images=images.permute(0, 2, 3, 1).numpy())
    weights = ("--weights", file, "--trust-weights")
    code, out, said = gan("evaluate", "some.npz", "--is-koshian2", *weights, "--json")
    assert code == 0, said
    (found,) = json.loads(out)
    assert found["protocol"]["extractor"] == NETWORK
    assert "aligned corners" in found["protocol"]["resize"]
    assert found["scores"] == {SCORE: pytest.approx(score_of(wanted), rel=1e-6)}
    assert score_of(wanted) > 1.02


def test_weights_of_another_network_are_refused(tmp_path: Path, gan: Gan) -> None:
    file = tmp_path / "w.pth"
    torch.save({"fc.weight": torch.zeros(1000, 2048)}, file)
    np.savez("some.npz", images=some_images().permute(0, 2, 3, 1).numpy())
    typed = ("evaluate", "some.npz", "--is-koshian2", "--weights", file)
    assert "inception_v3_google-0cc3c7bd.pth" in gan(*typed)[2]
    assert "another network than inception-torchvision" in gan(*typed, "--trust-weights")[2]


# --- which network sees what ---


def asked(*metrics: str, **more: object) -> list[tuple[tuple[str, ...], str | None, int | None]]:
    parts = EvaluationRequest(metrics, **more).by_extractor()  # type: ignore[arg-type]
    return [(each.metrics, each.extractor, each.count) for each in parts]


def test_a_metric_brings_its_extractor_and_its_count() -> None:
    own = (("is-koshian2",), NETWORK, 10_000)
    assert asked("is-koshian2") == asked(SCORE) == [own]
    assert asked("is-koshian2", extractor=NETWORK) == [own]
    assert asked("is-koshian2", "fid", "is") == [(("fid", "is"), None, None), own]
    assert asked("is-koshian2", everything=True) == [((), None, None), own]
    assert asked() == [((), None, None)]
    few = asked("fid", "is-koshian2", count=30)
    assert few == [(("fid",), None, 30), (("is-koshian2",), NETWORK, 30)]
    assert asked("is-koshian2", per_class=7) == [(("is-koshian2",), NETWORK, None)]


def test_each_part_has_what_concerns_it() -> None:
    settings = {"is-splits": 2, "prc-k": 4}
    whole = EvaluationRequest(
        ("is", "kid", "is-koshian2"), reference="test", classes_as="reference", settings=settings
    )
    first, own = whole.by_extractor()
    assert (first.reference, first.classes_as, first.settings) == ("test", "reference", settings)
    assert (own.reference, own.classes_as, own.settings) == (None, None, {})
    # Alone it is refused what it has no use for, and nothing is passed over.
    (alone,) = EvaluationRequest(("is-koshian2",), reference="test").by_extractor()
    assert alone.reference == "test"


def test_another_extractor_is_refused_with_what_to_type() -> None:
    counts = ImageCounts(100, 100, 0)
    with pytest.raises(UsageError, match=r"--extractor inception-torchvision alone.*leave"):
        METRICS["is-koshian2"]().check(counts, "inception")
    METRICS["is-koshian2"]().check(counts, NETWORK)
    weights = ExtractorWeights(Path("w.pth"))
    with pytest.raises(UsageError, match="evaluate --is-koshian2 in a command of its own"):
        EvaluationRequest(("fid", "is-koshian2"), weights=weights).by_extractor()


def test_other_counts_than_the_published_one_are_told() -> None:
    def told(count: int) -> list[str]:
        return METRICS["is-koshian2"]().remarks(ImageCounts(count, 0, 0), NETWORK)

    assert told(10_000) == []
    assert told(5000) == [
        "the Inception scores of koshian2/SNGAN are of 10,000 images, and this one is of 5,000"
    ]
    assert told(300)[1].startswith("an Inception score of 300 images in 1 split is at most 300")


# --- never ranked with others ---


def standard(value: float) -> Evaluation:
    return evaluation(9, "inception", inception_score=value)


def koshian2(value: float) -> Evaluation:
    return evaluation(9, NETWORK, inception_score_koshian2=value)


@pytest.mark.parametrize("by", [None, "is", "is-koshian2"])
def test_the_two_scores_are_not_ranked(by: str | None) -> None:
    """Although all else is equal, and whichever is wanted."""
    runs = [ScoredRun("a", [standard(8)]), ScoredRun("b", [koshian2(6)])]
    with pytest.raises(ProtocolsDifferError, match="extractor: ") as caught:
        rank_runs(runs, by)
    # Whichever is aimed at, the command asks for one of the two alone.
    asked_for = [word for word in str(caught.value).split() if word.startswith("--is")]
    assert len(asked_for) == 1
    with pytest.raises(RunError, match="there is no evaluation of b"):
        rank_runs([ScoredRun("a", [koshian2(6)]), ScoredRun("b", [])], by)


def test_runs_that_have_both_are_ranked_by_one_at_a_time() -> None:
    runs = [
        ScoredRun("a", [standard(8), koshian2(5)]),
        ScoredRun("b", [standard(7), koshian2(6)]),
    ]
    for by, order in (("is", ["a", "b"]), ("is-koshian2", ["b", "a"]), (SCORE, ["b", "a"])):
        found = rank_runs(runs, by)
        assert [row.name for row in found.rows] == order
        assert all(len(row.scores) == 1 for row in found.rows)
        assert len({found.by, *(name for row in found.rows for name in row.scores)}) == 1


# --- both in one command, in training and in a cell ---


class Toys:
    """Extractors of a few random projections, each with its own."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load(self, name: str, *_: object, **__: object) -> Extractor:
        self.loaded.append(name)
        source = torch.Generator().manual_seed(len(name))
        matrix = torch.randn(3 * 16 * 16, 6, generator=source)

        def see(images: Tensor) -> Seen:
            features = (images.float().flatten(1) / 255 @ matrix).relu()
            return Seen(features, features[:, :4])

        return Extractor(name, "0" * 16, True, "as it is", 6, CPU, see)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Toys:
    made = Toys()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", made.load)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    np.savez(Path("own.npz"), images=pixels)
    return made


def typed(*fields: str, out: str = "run") -> list[object]:
    narrow = (
        *("generator.network.dim=4", "discriminator.network.dim=4", "prior.z_dim=4"),
        *("schedule.batch_size=8", "schedule.log_every=3", "schedule.checkpoint_every=5"),
    )
    told = ("dcgan", "--dataset", "own.npz", "--image-size", 16, "--variant", "lite", "--steps", 4)
    return ["train", *told, "--out", out, *(f"--set={field}" for field in (*narrow, *fields))]


def networks(found: Iterable[Evaluation]) -> list[tuple[str, list[str]]]:
    return [(each.protocol.extractor, list(each.scores)) for each in found]


def test_one_command_has_both(gan: Gan, toys: Toys) -> None:
    assert gan(*typed())[0] == 0
    both = ("--fid", "--is-koshian2", "--count", 30)
    code, out, _ = gan("evaluate", "run", *both)
    assert code == 0
    assert "Inception score (koshian2) " in out
    assert "Inception score (koshian2) [" not in out
    said = " ".join(out.split())
    assert "10.25 by it, and 11.24 by the usual protocol" in said
    assert "this one is of 30" in said
    found = read_evaluations(Run(Path("run")).evaluation_file)
    assert networks(found) == [("inception", ["fid"]), (NETWORK, [SCORE])]
    assert found[1].protocol.data == ""
    scores = scores_of_images(
        "run", ("fid", "is-koshian2"), raw=False, device="cpu", options={"count": 30}
    )
    assert scores == {**found[0].scores, **found[1].scores}
    assert list(scores) == ["fid", SCORE]
    # As many as it is defined for, where no number is typed.
    _, out, _ = gan("evaluate", "run", "--is-koshian2", "--json", "--batch-size", 500)
    assert json.loads(out)[0]["protocol"]["count"] == 10_000
    assert toys.loaded[-1] == NETWORK
    code, _, said = gan("evaluate", "run", *both, "--export-statistics", "s.npz")
    assert code == 2
    assert "inception and inception-torchvision" in said
    refused = gan("evaluate", "run", "--is-koshian2", "--extractor", "vgg16")[2]
    assert "--is-koshian2 is defined for" in refused


def test_training_chooses_by_it(gan: Gan, toys: Toys) -> None:
    evaluated = ("schedule.evaluate_every=2", "schedule.evaluate_count=30")
    chosen = f"schedule.evaluate_by={SCORE}"
    for out, fields in (("run", (*evaluated, chosen)), ("plain", evaluated)):
        assert gan(*typed(*fields, out=out))[0] == 0
    rows = training_evaluations(Run(Path("run")))
    both = [(NETWORK, [SCORE]), ("inception", ["fid", "inception_score", "inception_score_std"])]
    assert [networks(row.every) for row in rows] == [both, both]
    values = [row.evaluation.scores[SCORE] for row in rows]
    assert values[0] != values[1]
    assert Run(Path("run")).evaluations()[-1]["best"] == [2, 4][int(np.argmax(values))]
    # Where one extractor does, the file is as it was.
    assert "others" not in Run(Path("plain")).evaluations()[0]
    page = Run(Path("run")).report_file.read_text()
    assert "Inception score (koshian2)" in page
    assert "FID" in page
    code, out, _ = gan("compare", "run", "plain", "--by", "fid")
    assert code == 0
    assert "koshian2" not in out
    code, _, said = gan("compare", "run", "plain", "--by", "is-koshian2")
    assert code != 0
    assert "there is no inception_score_koshian2 of plain" in said or "--is-koshian2" in said


def test_a_cell_measures_both(gan: Gan, toys: Toys) -> None:
    evaluated = ("schedule.evaluate_every=2", "schedule.evaluate_count=30")
    assert gan(*typed(*evaluated, f"schedule.evaluate_by={SCORE}"))[0] == 0
    header = load(Run(Path("run")).checkpoint()).header
    kinds = [MeasureSpec(kind="is"), MeasureSpec(kind="is-koshian2", take="max")]
    spec = CellSpec(name="a", preset=header.preset, settings=header.settings, measures=kinds)
    told: list[dict[str, object]] = []
    toys.loaded.clear()
    run_cell(
        CellRequest(cell=spec, folder="cell", data=".", cache="cache"), told.append, lambda: False
    )
    assert sorted(toys.loaded) == ["inception", NETWORK]
    assert [words["step"] for words in told if {"inception_score", SCORE} <= words.keys()] == [2, 4]
    # What a training alone found, found again.
    alone = {row.step: row.scores for row in training_evaluations(Run(Path("run")))}
    book = MeasureBook(MeasurePlaces(Path(), Path("cache")))
    for measure, names in zip(book.of(spec), (["inception_score"], [SCORE]), strict=True):
        wanted = [{"step": s, **{n: alone[s][n] for n in names}} for s in (2, 4)]
        assert measure.rows(Cell(Path("cell"))) == wanted
