"""Evaluation: one pass, a cache, a protocol; and equality with torch-fidelity from end to end."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import safetensors.torch
import torch
from conftest import Gan
from helpers import job, narrow
from torch import Tensor

from gancli.data import Dataset
from gancli.data.torchvision_set import ArraySet, SetPart
from gancli.data.torchvision_sets import SETS
from gancli.errors import DataError, NetworkError, UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.evaluate import ReferenceScores, compute_scores
from gancli.evaluation.extractors import Extractor, Seen, digit_extractor, load_extractor
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds, FeatureSet, extract_features
from gancli.evaluation.frechet import frechet_distance
from gancli.evaluation.image_sets import DatasetImages, ImageSet
from gancli.evaluation.metrics import METRICS, ImageCounts, ImageFacts, MetricInputs
from gancli.evaluation.mnist_classifier import DigitClassifier
from gancli.evaluation.observer import EvaluationStoppedError, Observer
from gancli.evaluation.pretrained import PRETRAINED
from gancli.evaluation.protocol import Evaluation, Protocol, Split
from gancli.evaluation.reference_cache import reference_features
from gancli.evaluation.spec import EvaluationSpec
from gancli.preset import load_preset
from gancli.report.evaluation import print_evaluation
from gancli.runs.folder import Run
from gancli.trainer import Trainer

CPU = torch.device("cpu")
ALL = FeatureNeeds(features=True, logits=True, by_class=True)
STORE = FeatureStore(Path("unused"))


def gather(
    images: ImageSet, extractor: Extractor, needs: FeatureNeeds, size: int = 30
) -> FeatureSet:
    return extract_features(images, extractor, needs, STORE, batch_size=size)


def compare(fake: FeatureSet, real: FeatureSet | None, spec: EvaluationSpec) -> ReferenceScores:
    return compute_scores(MetricInputs(fake, real, facts=spec.facts), spec)


class Looking:
    """An extractor of a few random projections, which counts what it is shown."""

    def __init__(self) -> None:
        self.matrix = torch.randn(3 * 8 * 8, 6, generator=torch.Generator().manual_seed(0))
        self.shown = 0
        self.extractor = Extractor("toy", "0", False, "as it is", 6, CPU, self.see)

    def see(self, images: Tensor) -> Seen:
        self.shown += len(images)
        features = (images.float().flatten(1) / 255 @ self.matrix).relu()
        return Seen(features, features[:, :4])


def images(count: int, seed: int = 0, classes: int = 3) -> DatasetImages:
    source = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=source)
    return DatasetImages(Dataset(x, torch.arange(count) % classes), tuple("abcdef"[:classes]))


def test_each_image_is_seen_once_whatever_is_asked() -> None:
    looking = Looking()
    found = gather(images(100), looking.extractor, ALL, 7)
    assert looking.shown == found.count == 100
    assert found.features is not None
    assert found.features.shape == (100, 6)
    assert found.logits is not None
    assert found.logits.shape == (100, 4)
    assert list(found.by_class) == [0, 1, 2]
    assert [own.count for own in found.by_class.values()] == [34, 33, 33]


def test_batch_size_does_not_matter() -> None:
    real = gather(images(90, seed=1), Looking().extractor, ALL, 90)
    asked = EvaluationSpec(["fid", "is", "prc", "dc", "intra-fid"], Looking().extractor)
    values = []
    for size in (1, 13, 90):
        fake = gather(images(90), Looking().extractor, ALL, size)
        found = compare(fake, real, asked).scores
        values.append(list(found.values()))
    for other in values[1:]:
        assert other == pytest.approx(values[0], rel=1e-6)


def test_the_intra_distance_is_the_mean_over_classes() -> None:
    looking = Looking()
    fake = gather(images(90), looking.extractor, ALL, 30)
    real = gather(images(120, seed=1), looking.extractor, ALL, 30)
    found = compare(fake, real, EvaluationSpec(["intra-fid"], looking.extractor)).scores
    alone = []
    for label in range(3):
        own = [
            gather(
                DatasetImages(Dataset(every.x[every.labels == label])),
                looking.extractor,
                FeatureNeeds(),
            ).total
            for every in (images(120, seed=1).data, images(90).data)
        ]
        alone.append(frechet_distance(*own))
        # Features are float32, and their products depend on the batch in the last digit.
        assert found[f"intra_fid_class{label}"] == pytest.approx(alone[-1], rel=1e-6)
    assert found["intra_fid"] == pytest.approx(sum(alone) / 3, rel=1e-6)
    del fake.by_class[1]
    with pytest.raises(DataError, match="class 1 has too few images"):
        compare(fake, real, EvaluationSpec(["intra-fid"], looking.extractor))


def test_reference_statistics_are_kept_and_used_again(tmp_path: Path) -> None:
    looking, data = Looking(), images(60)
    first = reference_features(
        data, looking.extractor, FeatureNeeds(), FeatureStore(tmp_path), batch_size=16
    )
    again = reference_features(
        data, looking.extractor, FeatureNeeds(), FeatureStore(tmp_path), batch_size=16
    )
    assert looking.shown == 60
    assert torch.equal(first.total.root, again.total.root)
    # What was not kept is gathered, beside what was.
    reference_features(
        data, looking.extractor, FeatureNeeds(features=True), FeatureStore(tmp_path), batch_size=16
    )
    more = reference_features(
        data, looking.extractor, FeatureNeeds(by_class=True), FeatureStore(tmp_path), batch_size=16
    )
    assert looking.shown == 180
    assert more.features is not None
    assert len(more.by_class) == 3
    both = FeatureNeeds(features=True, by_class=True)
    reference_features(data, looking.extractor, both, FeatureStore(tmp_path), batch_size=16)
    assert looking.shown == 180
    # Logits are in no cache: they are had by looking again.
    seen = reference_features(data, looking.extractor, ALL, FeatureStore(tmp_path), batch_size=16)
    assert looking.shown == 240
    assert seen.all_logits().shape == (60, 4)
    # Other images, other labels: another file.
    assert data.data.labels is not None
    other = DatasetImages(Dataset(data.data.x, data.data.labels.flip(0)))
    for changed in (images(60, seed=1), other):
        reference_features(
            changed, looking.extractor, FeatureNeeds(), FeatureStore(tmp_path), batch_size=16
        )
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_statistics_are_computed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looking, data = Looking(), images(60)

    def mean() -> Tensor:
        return reference_features(
            data, looking.extractor, FeatureNeeds(), FeatureStore(tmp_path), batch_size=16
        ).total.mean

    first = mean()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    kept = safetensors.torch.load(whole)
    for seen, broken in enumerate((whole[:-1] + bytes([whole[-1] ^ 1]), whole[:70], b""), 2):
        file.write_bytes(broken)
        assert torch.equal(mean(), first)
        assert looking.shown == seen * 60
        # What a file says of itself has no order of its own.
        again = safetensors.torch.load(file.read_bytes())
        assert again.keys() == kept.keys()
        assert all(torch.equal(again[name], kept[name]) for name in kept)
    assert f"{file}, the cached statistics of real images, is damaged" in capsys.readouterr().err
    mean()
    assert looking.shown == 4 * 60


def test_an_interrupted_pass_leaves_no_cache(tmp_path: Path) -> None:
    asked = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(EvaluationStoppedError):
        reference_features(
            images(60),
            Looking().extractor,
            FeatureNeeds(),
            FeatureStore(tmp_path),
            batch_size=16,
            observer=Observer(should_stop=should_stop),
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("metric", "counts", "error", "said"),
    [
        (
            "kid",
            (3, 5000, 0),
            UsageError,
            "--kid needs at least 4 images to score, and there are 3: raise --count",
        ),
        (
            "kid",
            (5000, 3, 0),
            DataError,
            "4 real images, and there are 3.*larger --reference",
        ),
        ("is", (1, 100, 0), UsageError, "--is needs at least 2"),
        ("prc", (5, 100, 0), UsageError, "--prc needs at least 6"),
        ("intra-fid", (100, 100, 0), UsageError, "knows classes"),
        ("intra-fid", (10**6, 10**6, 101), UsageError, "has room for 100"),
        ("intra-fid", (19, 100, 10), UsageError, "at least 20"),
    ],
)
def test_too_few_images(
    metric: str, counts: tuple[int, int, int], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        METRICS[metric]().check(ImageCounts(*counts), "inception")


def test_the_inception_score_needs_no_real_images() -> None:
    METRICS["is"]().check(ImageCounts(10, 0, 0), "mnist")
    assert EvaluationSpec(["is"], Looking().extractor).reference_needs() is None
    fake = gather(images(90), Looking().extractor, ALL, 30)
    found = compare(fake, None, EvaluationSpec(["is"], Looking().extractor)).scores
    assert found.keys() == {"inception_score", "inception_score_std"}


def test_a_network_without_classes_has_no_inception_score() -> None:
    with pytest.raises(UsageError, match="needs an extractor with classes"):
        METRICS["is"]().check(ImageCounts(100, 100, 0), "vgg16")
    with pytest.raises(
        UsageError, match="choose inception, vgg16, inception-torchvision, dinov2, mnist or pixels"
    ):
        METRICS["is"]().check(ImageCounts(100, 100, 0), "resnet")


def test_only_digits_are_recognised() -> None:
    fake = gather(images(90), Looking().extractor, ALL, 30)
    assert fake.logits is not None
    assert fake.labels is not None
    share = float((fake.logits.argmax(1) == fake.labels).double().mean())
    asked = EvaluationSpec(["is"], Looking().extractor, ImageFacts(of_digits=True))
    assert compare(fake, None, asked).scores["recognised"] == share
    assert (
        "recognised" not in compare(fake, None, EvaluationSpec(["is"], Looking().extractor)).scores
    )


# --- what is shown ---


def an_evaluation(extractor: str, split: Split = "train", count: int = 50_000) -> Evaluation:
    protocol = Protocol(
        count=count, reference="cifar10", split=split, reference_count=50_000, data="d",
        extractor=extractor, weights="w", published=extractor != "mnist", resize="r",
        network="weights as trained", seeds="0-1",
    )  # fmt: skip
    scores = {"fid": -1e-7, "inception_score": 7.0, "inception_score_std": 0.1, "kid": -1e-7}
    return Evaluation(
        model="dcgan", dataset="cifar10", variant="reference", step=1, selection="last",
        protocol=protocol, scores=scores,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "shown", "hidden"),
    [
        (an_evaluation("inception"), ["24.7311", "-24.7311", "published by"], ["[", "biased"]),
        (an_evaluation("inception", count=5000), ["24.7311", "biased upwards"], ["-24.7311"]),
        (an_evaluation("inception", "test"), ["test split"], ["24.7311", "published by"]),
        (an_evaluation("vgg16"), ["FID [vgg16]", "like with like"], ["24.7311"]),
        (an_evaluation("mnist"), ["FID [mnist]"], ["24.7311"]),
    ],
    ids=["published", "fewer", "test", "vgg16", "mnist"],
)
def test_what_stands_beside_the_published_scores(
    found: Evaluation, shown: list[str], hidden: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Scores of other features, splits or counts are not set against them."""
    print_evaluation(found, (), load_preset("dcgan", "cifar10").expected)
    out = capfd.readouterr().out
    for words in shown:
        assert words in out, words
    for words in hidden:
        assert words not in out, words
    # A distance a hair below 0 is 0; KID may be negative.
    assert "0.0000" in out
    assert "-0.0000" in out.partition("KID")[2]


# --- weights ---


def test_without_a_network_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    for name, known in PRETRAINED.items():
        with pytest.raises(NetworkError, match="--weights") as caught:
            load_extractor(name, None, CPU)
        assert known.file in str(caught.value)
        assert known.sha256 in str(caught.value)
    with pytest.raises(UsageError, match="vgg16, inception-torchvision, dinov2, mnist or pixels"):
        load_extractor("resnet", None, CPU)


def test_other_weights_are_refused_unless_trusted(tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(NetworkError, match="--trust-weights"):
        load_extractor("inception", file, CPU)
    with pytest.raises(NetworkError, match="another network"):
        load_extractor("inception", file, CPU, trusted=True)
    file.write_bytes(b"not weights")
    with pytest.raises(NetworkError, match="damaged"):
        load_extractor("inception", file, CPU, trusted=True)
    with pytest.raises(NetworkError, match="cannot read"):
        load_extractor("inception", tmp_path / "absent.pth", CPU, trusted=True)


class Evil:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("harm"),))


def test_a_file_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    torch.save({"a": Evil()}, file)
    with pytest.raises(NetworkError, match="damaged"):
        load_extractor("inception", file, CPU, trusted=True)
    assert not Path("harm").exists()


# --- the command ---


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A digit classifier that nobody waits for, and a cache of its own."""
    torch.manual_seed(0)
    reader = Reader(DigitClassifier().eval(), 0.1, "0123456789abcdef")
    monkeypatch.setattr("gancli.evaluation.mnist_classifier.digit_reader", lambda *_: reader)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 3,000 images of each split of MNIST."""

    def read(folder: Path, part: SetPart, download: bool) -> Dataset:
        return whole(folder, part, download).at(torch.arange(3000))

    digits = SETS["mnist"]
    assert isinstance(digits, ArraySet)
    whole = digits.part
    monkeypatch.setitem(SETS, "mnist", replace(digits, part=read))


@pytest.mark.usefixtures("untrained", "few_digits")
def test_the_latest_run_of_images_is_scored(gan: Gan, data_dir: Path) -> None:
    code, _, said = gan("eval", "--fid", "--is")
    assert (code, "gan train MODEL --dataset mnist" in said) == (4, True)
    for key, number in ((("cgan", "mnist", "lite"), 1), (("gan", "ring8", "reference"), 2)):
        work = job(narrow(key, ["schedule.steps=2"]), Path(f"runs/{key[0]}-{key[1]}-00{number}"))
        Trainer(work).train()
    typed = ["--count", 200, "--data-dir", data_dir]
    code, out, said = gan("eval", "--fid", "--is", *typed)
    assert (code, said) == (0, "")
    for words in (
        "cgan-mnist-001",
        "FID [mnist]",
        "Inception score [mnist]",
        "20 of each class",
        "3,000 of mnist, train split",
        "biased upwards",
        "compare like with like",
    ):
        assert words in out, words
    code, out, _ = gan("evaluate", "cgan", "--all", "--json", "--per-class", 100, "--reference",
                       "test", "--data-dir", data_dir)  # fmt: skip
    assert code == 0
    (first,) = (Evaluation.model_validate(each) for each in json.loads(out))
    assert first.protocol.split == "test"
    assert first.protocol.count == 1000
    assert {
        "fid",
        "inception_score",
        "kid",
        "precision",
        "coverage",
        "intra_fid",
        "recognised",
    } <= (first.scores.keys())
    kept = json.loads(Run(Path("runs/cgan-mnist-001")).evaluation_file.read_bytes())
    assert Evaluation.model_validate(kept[1]) == first
    typed = ["--fid", "--count", 200, "--reference", "both", "--json", "--out", "both.json"]
    code, out, _ = gan("evaluate", "cgan", *typed, "--data-dir", data_dir)
    both = [Evaluation.model_validate(each) for each in json.loads(out)]
    assert [each.protocol.split for each in both] == ["train", "test"]
    assert json.loads(Path("both.json").read_bytes()) == json.loads(out)
    assert len(json.loads(Run(Path("runs/cgan-mnist-001")).evaluation_file.read_bytes())) == 2
    code, _, said = gan("evaluate", "gan-ring8-002", "--data-dir", data_dir)
    assert (code, "--modes" in said) == (2, True)
    for wrong, words in (
        (["--per-class", 2, "--count", 3], "mutually exclusive"),
        (["--reference", "tset"], "train, test, both, or a path"),
        (["--weights", "w.pth"], "trained here"),
        (["--kid", "--count", 500, "--kid-subset-size", 501], "at least 501"),
    ):
        code, _, said = gan("evaluate", "cgan", *wrong, "--data-dir", data_dir)
        assert (code, words in said) == (2, True), said
    # The checkpoint was named, so nobody knows whether it is the last.
    file = Run(Path("runs/cgan-mnist-001")).checkpoint_file(0)
    code, out, _ = gan("evaluate", file, "--is", "--count", 20, "--data-dir", data_dir)
    assert (code, "checkpoint: by its step" in out) == (0, True)
    # What is kept is read before anything is computed.
    Run(Path("runs/cgan-mnist-001")).evaluation_file.write_text("null")
    code, _, said = gan("evaluate", "cgan", "--is", "--data-dir", data_dir)
    assert (code, "is not a list of evaluations" in said) == (4, True)


def test_digits_are_seen_grey_and_small() -> None:
    torch.manual_seed(0)
    extractor = digit_extractor(Reader(DigitClassifier().eval(), 0.0, "0"), CPU)
    seen = extractor(torch.randint(0, 256, (5, 1, 32, 32), dtype=torch.uint8))
    assert seen.features.shape == (5, extractor.width) == (5, 128)
    assert seen.logits is not None
    assert seen.logits.shape == (5, 10)
    with pytest.raises(DataError, match="3 channels"):
        extractor(torch.zeros(1, 3, 28, 28, dtype=torch.uint8))
