"""`gan compare`: what was scored alike is ranked, beside real data; the rest is not."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow

from gancli.data import Dataset, TorchvisionImages
from gancli.errors import GanError, RunError, UsageError
from gancli.evaluation.baseline import baseline_file, images_of_baseline
from gancli.evaluation.classifier import Reader
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.leaderboard import comparable_groups, rank_runs, standing_entries
from gancli.evaluation.mnist_classifier import DigitClassifier
from gancli.evaluation.not_comparable import ProtocolsDifferError
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.reference_cache import reference_features, reference_name
from gancli.evaluation.results import (
    ScoredRun,
    read_evaluations,
    training_evaluations,
    write_evaluations,
)
from gancli.runs.folder import Run
from gancli.trainer import Trainer

PLAIN: dict[str, object] = {
    "count": 5000, "per_class": None, "reference": "cifar10", "split": "train",
    "reference_count": 50_000, "data": "d", "extractor": "inception", "weights": "w",
    "published": True, "resize": "r", "network": "weights as trained", "seeds": "0-4999",
}  # fmt: skip


def found(step: int, selection: str = "last", /, **said: object) -> Evaluation:
    """An evaluation: scores, when it was `made`, and fields of its protocol."""
    names = {"fid": "fid", "is_": "inception_score", "kid": "kid"}
    scores = {name: float(str(said.pop(key))) for key, name in names.items() if key in said}
    made = str(said.pop("made", "2026-01-01"))
    return Evaluation(
        model="dcgan", dataset="cifar10", variant="lite", step=step, selection=selection,
        protocol=Protocol.model_validate(PLAIN | said), scores=scores, made=made,
    )  # fmt: skip


def ranking(*runs: ScoredRun, by: str | None = None) -> list[tuple[str, int | None, str]]:
    rows = rank_runs(runs, by).rows
    return [(row.name, row.entry.evaluation.step, row.entry.how) for row in rows]


# --- ranked ---


def test_the_best_is_first_by_any_score() -> None:
    runs = (
        ScoredRun("a", [found(9, fid=30, is_=7)]),
        ScoredRun("b", [found(9, fid=20, is_=5)]),
        ScoredRun("c", [found(9, fid=25, is_=6, kid=1)]),
    )
    assert [row.name for row in rank_runs(runs, None).rows] == ["b", "c", "a"]
    assert [row.name for row in rank_runs(runs, "inception_score").rows] == ["a", "c", "b"]
    assert rank_runs(runs, None).best("fid") == 20
    assert rank_runs(runs, None).best("inception_score") == 7
    # Of one alone there is no best.
    assert rank_runs(runs, None).best("kid") is None


def test_how_many_of_each_class_and_what_the_reference_is_called_do_not_matter() -> None:
    other = {"per_class": 500, "seeds": "0-499", "reference": "../cifar10", "published": False}
    runs = (ScoredRun("a", [found(9, fid=30)]), ScoredRun("b", [found(9, fid=20, **other)]))
    assert [row.name for row in rank_runs(runs, None).rows] == ["b", "a"]


def test_two_checkpoints_of_one_run_compare() -> None:
    run = ScoredRun("a", [found(4, "by its step", fid=30), found(9, fid=40)])
    assert ranking(run) == [("a", 4, "best of 2 by fid"), ("a", 9, "last")]
    with pytest.raises(UsageError, match="one evaluation, and a ranking needs two"):
        ranking(ScoredRun("a", [found(9, fid=40)]))


def test_of_training_the_best_and_the_last_stand_for_the_run() -> None:
    trained = [found(step, fid=value) for step, value in ((1, 9), (2, 5), (3, 7), (4, 6))]
    asked = [found(3, "by its step", fid=7, made="2027-01-01")]
    rows = ranking(ScoredRun("a", [], trained), ScoredRun("b", [found(9, fid=8)]))
    assert rows == [("a", 2, "best of 4 by fid"), ("a", 4, "last"), ("b", 9, "last")]
    # What was asked for stands there, too.
    steps = [step for _, step, _ in ranking(ScoredRun("a", asked, trained))]
    assert steps == [2, 4, 3]
    # A choice that was made among more stays known.
    kept = found(2, "best of 40 by fid", fid=5)
    assert ("a", 2, "best of 40 by fid") in ranking(ScoredRun("a", [kept, found(9, fid=8)]))
    rising = [found(step, fid=9 - step) for step in (1, 2)]
    assert ranking(ScoredRun("a", [], rising), ScoredRun("b", [found(9, fid=9)]))[0] == (
        "a", 2, "best of 2 by fid, and last",
    )  # fmt: skip


def test_a_best_beside_a_last_is_uneven() -> None:
    best = ScoredRun("a", [found(2, "best of 40 by fid", fid=5)])
    last = ScoredRun("b", [found(9, fid=8)])
    assert rank_runs([best, last], None).is_uneven
    assert not rank_runs([last, ScoredRun("c", [found(9, fid=9)])], None).is_uneven


def test_most_images_count_and_the_split_may_be_chosen() -> None:
    runs = [
        ScoredRun(
            name,
            [
                found(9, fid=value, count=50_000),
                found(9, fid=9 - value, count=50_000, split="test", data="t"),
                found(9, fid=9 - value, made="2027-01-01"),
            ],
        )
        for name, value in (("a", 2), ("b", 3))
    ]
    assert rank_runs(runs, None, "train").rows[0].name == "a"
    assert rank_runs(runs, None, "test").rows[0].name == "b"
    assert rank_runs(runs, None).protocol.count == 50_000
    # The newest of a checkpoint is the one that counts.
    twice = ScoredRun("a", [found(9, fid=2, made="2027-01-01"), found(9, fid=4)])
    assert rank_runs([twice, ScoredRun("b", [found(9, fid=3)])], None).rows[0].name == "a"


def test_groups_are_of_one_protocol_each() -> None:
    made = [found(1, fid=1), found(2, fid=1, count=7), found(3, fid=1)]
    assert [[e.step for e in group] for group in comparable_groups(made)] == [[2], [1, 3]]
    assert standing_entries([found(1, is_=3)], "fid") == []


# --- refused ---


@pytest.mark.parametrize(
    ("other", "said", "typed"),
    [
        ({"count": 500}, "images scored: 5,000 / 500", "gan evaluate b --fid --count 5000"),
        ({"split": "test", "data": "t"}, "reference split: train / test", "--reference train"),
        ({"extractor": "vgg16", "weights": "v"}, "extractor: inception / vgg16",
         "--extractor inception"),
        ({"weights": "v", "published": False}, "its weights: w / v", "--extractor inception"),
        ({"resize": "otherwise"}, "images resized: r / otherwise", "gan evaluate b"),
        ({"network": "moving average"}, "generator's weights", "--extractor inception --raw"),
        ({"count": 500, "network": "moving average"}, "; ", "--raw"),
    ],
    ids=["count", "split", "extractor", "weights", "resize", "network", "two"],
)  # fmt: skip
def test_what_was_not_scored_alike_is_not_ranked(
    other: Mapping[str, object], said: str, typed: str
) -> None:
    """It says in what they differ, and what to type."""
    runs = (
        ScoredRun("a", [found(9, fid=30)]),
        ScoredRun("b", [found(9, fid=20, **other)], averages=True),
        ScoredRun("c", [found(9, fid=25)]),
    )
    with pytest.raises(ProtocolsDifferError) as caught:
        rank_runs(runs, None)
    assert said in str(caught.value)
    assert typed in str(caught.value)
    assert "gan evaluate a" not in str(caught.value)
    for values in caught.value.table.values():
        assert list(values) == ["a", "c", "b"]
        assert values["a"] == values["c"] != values["b"]


def test_weights_that_are_not_published_have_to_be_named() -> None:
    own = {"weights": "v", "published": False}
    runs = [ScoredRun("a", [found(9, fid=3, **own)]), ScoredRun("b b", [found(9, fid=2)])]
    runs.append(ScoredRun("c", [found(9, fid=3, **own)]))
    with pytest.raises(RunError, match=r"gan evaluate 'b b' .* --weights FILE --trust-weights"):
        rank_runs(runs, None)


def test_a_moving_average_that_one_lacks_is_left_by_the_others() -> None:
    averaged = [found(9, fid=3, network="moving average")]
    runs = (
        ScoredRun("a", averaged, averages=True),
        ScoredRun("b", averaged, averages=True),
        ScoredRun("c", [found(9, fid=2)]),
    )
    with pytest.raises(RunError) as caught:
        rank_runs(runs, None)
    for name in ("a", "b"):
        assert f"gan evaluate {name} --fid --count 5000 --reference train" in str(caught.value)
    assert str(caught.value).count("--raw") == 2
    assert "evaluate c" not in str(caught.value)


def test_other_real_images_never_compare() -> None:
    for other in ({"data": "e"}, {"reference": "mnist", "split": "test", "data": "e"}):
        runs = (ScoredRun("a", [found(9, fid=30)]), ScoredRun("b", [found(9, fid=20, **other)]))
        with pytest.raises(RunError, match="no option makes"):
            rank_runs(runs, None)
    given = {"reference": "my photos", "split": "all", "data": "p", "count": 6000}
    runs = (ScoredRun("a", [found(9, fid=30, **given)]), ScoredRun("b", [found(9, fid=20)]))
    with pytest.raises(RunError, match="gan evaluate b --fid --count 6000 --reference 'my photos'"):
        rank_runs(runs, None)


@pytest.mark.parametrize(
    ("runs", "by", "error", "said"),
    [
        ([[], []], None, RunError, "no evaluation of a and b: make one with gan evaluate a$"),
        ([[found(9, fid=1)], []], None, RunError,
         "like the others' with gan evaluate b --fid --count 5000 --reference train"),
        ([[found(9, fid=1)], [found(9, is_=1)]], None, RunError,
         "there is no fid of b: compute it with gan evaluate b --fid"),
        ([[found(9, fid=1, kid=1)], [found(9, fid=1)]], "kid", RunError,
         r"there is no kid of b \(all have fid\): compute it with gan evaluate b --kid"),
        ([[found(9, fid=1)], [found(9, fid=1)]], "beauty", UsageError, "choose from fid"),
        ([[found(9, fid=1)], [found(9, "best of 3 by fid", fid=1, count=7)]], None, RunError,
         "after gan evaluate b --fid --count 5000 .*--checkpoint best"),
    ],
    ids=["none", "one lacks all", "one lacks", "by", "unknown", "best"],
)  # fmt: skip
def test_what_lacks_is_named(
    runs: list[list[Evaluation]], by: str | None, error: type[GanError], said: str
) -> None:
    with pytest.raises(error, match=said):
        rank_runs([ScoredRun(name, asked) for name, asked in zip("ab", runs, strict=True)], by)


# --- the command ---


def folder(name: str, *evaluations: Evaluation) -> Path:
    write_evaluations(Path(name) / "evaluation.json", evaluations)
    return Path(name)


def test_folders_are_ranked(gan: Gan) -> None:
    first = found(9, fid=20, is_=6).model_copy(update={"intervals": {"fid": (19.0, 22.0)}})
    second = found(9, fid=21, is_=7).model_copy(update={"intervals": {"fid": (19.5, 22.5)}})
    typed = (folder("x/a", first), folder("x/b", second), folder("x/c", found(2, fid=30, is_=5)))
    code, out, said = gan("compare", *typed, "x/a", "--no-floor")
    assert (code, said) == (0, "")
    lines = out.splitlines()
    rows = [line.split() for line in lines if line.strip()[:1] in ("1", "2", "3")]
    assert [row[:2] for row in rows] == [["1", "a"], ["2", "b"], ["3", "c"]]
    for words in (
        "by FID, the best first",
        "20.00 *",
        "7.000 *",
        "[19.00, 22.00]",
        "intervals of the first two overlap",
        "against 50,000 of cifar10, train split",
    ):
        assert words in out, words
    code, out, _ = gan("compare", *typed, "--json", "--by", "inception_score", "--no-floor")
    told = json.loads(out)
    assert code == 0
    assert [row["run"] for row in told["rows"]] == ["x/b", "x/a", "x/c"]
    assert told["best"] == {"inception_score": ["x/b"], "fid": ["x/a"]}
    assert told["protocol"]["count"] == 5000
    # Where the screen is narrow, a row a score; what is no image of a known set has no floor.
    for name in ("d", "e", "f", "g", "h"):
        folder(f"x/{name}", found(9, "best of 3 by fid", fid=3, is_=3, kid=0.1))
    code, out, _ = gan("compare", "x/d", "x/a")
    assert "flatters it" in out
    assert "no scores of real data: no run here has a checkpoint" in out


def test_a_refusal_shows_a_table(gan: Gan) -> None:
    typed = (folder("a", found(9, fid=20)), folder("b", found(9, fid=20, count=77)))
    code, out, said = gan("compare", *typed)
    assert (code, "gan evaluate b --fid --count 5000" in said) == (4, True)
    for words in ("scored by different protocols", "images scored", "5,000", "77"):
        assert words in out, words
    code, out, said = gan("compare", *typed, "--json")
    assert (code, out) == (4, "")
    (Path("a") / "evaluation.json").write_text("null")
    code, _, said = gan("compare", *typed)
    assert (code, "is not a list of evaluations" in said) == (4, True)
    for wrong, words in (
        ((*typed, "--reference", "tset"), "train or test"),
        ((*typed, "--floor", "--no-floor"), "mutually exclusive"),
    ):
        code, _, said = gan("compare", *wrong)
        assert (code, words in said) == (2, True), said
    code, _, said = gan("compare", "nothing-of-the-kind", "b")
    assert code == 4


def digits(count: int, seed: int) -> Dataset:
    source = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=source)
    return Dataset(x, torch.arange(count) % 10)


@pytest.fixture
def toy_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Few digits that show nothing, and a reader who knows none; notes which split is read."""
    read: list[str] = []

    def load(spec: TorchvisionImages, *_: object, **__: object) -> Dataset:
        read.append(spec.split)
        return digits(300, 0) if spec.split == "train" else digits(120, 1)

    torch.manual_seed(0)
    reader = Reader(DigitClassifier().eval(), 0.1, "0123456789abcdef")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gancli.evaluation.mnist_classifier.digit_reader", lambda *_: reader)
    monkeypatch.setattr(TorchvisionImages, "is_present", lambda *_: True)
    monkeypatch.setattr(TorchvisionImages, "load_watched", load)
    return read


def two_runs() -> None:
    for number in (1, 2):
        preset = narrow(("gan", "mnist", "reference"), [f"schedule.steps={number}"])
        Trainer(job(preset, Path(f"runs/gan-mnist-00{number}"))).train()


def test_real_data_stand_beside_the_runs(gan: Gan, toy_mnist: list[str]) -> None:
    two_runs()
    names = ("gan-mnist-001", "gan-mnist-002")
    for name in names:
        typed = ("--fid", "--is", "--prc", "--count", 100)
        assert gan("evaluate", name, *typed, "--reference", "both")[0] == 0
    code, out, said = gan("compare", *names, "--reference", "train")
    assert (code, said) == (0, "")
    assert "real data" in out
    assert "100 of the test split" in out
    toy_mnist.clear()
    code, out, _ = gan("compare", *names, "--reference", "train", "--json")
    # It was kept, so nothing is read again.
    assert not toy_mnist
    floor = Evaluation.model_validate(json.loads(out)["floor"])
    part = images_of_baseline(DatasetImages(digits(120, 1), tuple("0123456789")), 100)
    assert floor.images == part.fingerprint[:16]
    assert (floor.protocol.count, floor.protocol.split) == (100, "train")
    assert {"fid", "inception_score", "precision", "recall"} <= set(floor.scores)
    assert floor.scores["precision"] > 0.5
    assert (
        "real data, 100 of the test split" in gan("evaluate", names[0], "--fid", "--count", 100)[1]
    )
    # The other way round: training images against the test split; the others' floor stays.
    told = json.loads(gan("compare", *names, "--reference", "test", "--json")[1])
    assert told["floor"]["selection"] == "100 of the train split"
    assert told["floor"]["scores"]["fid"] != floor.scores["fid"]


@pytest.mark.usefixtures("toy_mnist")
def test_a_split_may_be_too_small_and_other_images_are_refused(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_runs()
    names = ("gan-mnist-001", "gan-mnist-002")
    for name in names:
        assert gan("evaluate", name, "--fid", "--count", 200)[0] == 0
    out = gan("compare", *names)[1]
    assert "120 of the test split" in out
    assert "the split has only 120 images" in out
    for name in names:
        assert gan("evaluate", name, "--fid", "--count", 210)[0] == 0
    monkeypatch.setattr("gancli.evaluation.baseline.PATIENCE_SECONDS", 0.0)
    assert "here: add --floor" in gan("compare", *names)[1]
    other = digits(300, 7)
    monkeypatch.setattr(TorchvisionImages, "load_watched", lambda *_, **__: other)
    assert "name the folder of those with --data-dir" in gan("compare", *names, "--floor")[1]
    torch.manual_seed(1)
    reader = Reader(DigitClassifier().eval(), 0.1, "0123456789abcdef")
    monkeypatch.setattr("gancli.evaluation.mnist_classifier.digit_reader", lambda *_: reader)
    assert "name those with --weights" in gan("compare", *names, "--floor")[1]
    monkeypatch.setattr(TorchvisionImages, "is_present", lambda *_: False)
    assert "name its folder with --data-dir" in gan("compare", *names, "--floor")[1]


@pytest.mark.usefixtures("toy_mnist")
def test_a_run_evaluated_in_training_needs_no_more(gan: Gan) -> None:
    for number in (1, 2):
        fields = ["schedule.evaluate_every=2", "schedule.evaluate_count=50", "schedule.steps=5"]
        preset = narrow(("gan", "mnist", "reference"), [f"prior.scale={number}.0", *fields])
        run = Run(Path(f"runs/gan-mnist-00{number}"))
        run.write_preset(preset)
        code, _, said = gan("train", run.preset_file, "--out", f"runs/gan-mnist-01{number}")
        assert code == 0, said
    told = json.loads(gan("compare", "gan-mnist-011", "gan-mnist-012", "--json")[1])
    names = {Path(row["run"]).name for row in told["rows"]}
    assert names == {"gan-mnist-011", "gan-mnist-012"}
    assert all(row["checkpoint"].startswith(("best of 3", "last")) for row in told["rows"])
    assert told["floor"]["protocol"]["count"] == 50
    code, out, _ = gan("evaluate", "gan-mnist-011", "--fid", "--bootstrap", 50, "--count", 60)
    assert (code, "95 %" in out) == (0, True)
    kept = json.loads(Run(Path("runs/gan-mnist-011")).evaluation_file.read_bytes())
    low, high = kept[0]["intervals"]["fid"]
    assert low < kept[0]["scores"]["fid"] < high


# --- files of before ---

BEFORE = Path(__file__).parent / "data" / "evaluation"
"""Written before evaluation owned its preparation (gancli 0.1.0, at f198499)."""


def test_evaluations_of_before_still_load() -> None:
    (kept,) = read_evaluations(BEFORE / "evaluation.json")
    before = kept.model_dump(mode="json", exclude_unset=True)
    assert json.loads((BEFORE / "evaluation.json").read_bytes()) == [before]
    run = Run(Path("run"))
    run.folder.mkdir()
    run.evaluations_file.write_bytes((BEFORE / "evaluations.jsonl").read_bytes())
    assert [(row.step, row.best) for row in training_evaluations(run)] == [(3, 3), (6, 6)]
    # The names of cached files have not changed either.
    assert baseline_file(kept.protocol, Path("x")).name == "floor-2f7b26d329da5d247b37ee5c.json"


def test_reference_statistics_of_before_are_used_again(tmp_path: Path) -> None:
    def see(_: torch.Tensor) -> Seen:
        pytest.fail("the cached statistics were not used")

    pixels = torch.arange(240).reshape(20, 3, 2, 2).to(torch.uint8)
    images = DatasetImages(Dataset(pixels, torch.arange(20) % 2), ("a", "b"))
    extractor = Extractor("toy", "0", False, "as it is", 3, torch.device("cpu"), see)
    needs = FeatureNeeds(features=True, by_class=True, reaches=True)
    (file,) = BEFORE.glob("reference-*.safetensors")
    assert file.name == f"reference-{reference_name(images, extractor)}.safetensors"
    (tmp_path / file.name).write_bytes(file.read_bytes())
    store = FeatureStore(tmp_path)
    known = reference_features(images, extractor, needs, store, batch_size=8)
    assert torch.equal(known.all_features(), pixels.float().mean((2, 3)) / 255)
    assert (known.count, list(known.by_class)) == (20, [0, 1])
