"""Classes of generated images: in a reference's proportions, exactly as many as asked for."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow, toy_extractor
from PIL import Image

from gancli.checkpoint import Checkpoint, load
from gancli.evaluation.class_shares import class_counts
from gancli.evaluation.image_sets import GeneratedImages, share_out
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.protocol import Evaluation, protocol_differences
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.results import read_evaluations
from gancli.runs.folder import Run
from gancli.trainer import Trainer

CPU = torch.device("cpu")
NAMES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (25, [30, 5, 5], (19, 3, 3)),
        (25, [1] * 10, (3, 3, 3, 3, 3, 2, 2, 2, 2, 2)),
        (3, [1] * 5, (1, 1, 1, 0, 0)),
        (50_000, [1] * 10, (5000,) * 10),
        (7, [0, 2, 1], (0, 5, 2)),
        (10**7, [10**12, 1, 1], (10**7, 0, 0)),
        (1, [1], (1,)),
    ],
)
def test_a_total_is_shared_out_whole(
    total: int, weights: Sequence[int], shares: tuple[int, ...]
) -> None:
    assert share_out(total, weights) == shares
    assert sum(shares) == total


@pytest.fixture
def saved() -> Checkpoint:
    preset = narrow(("cgan-cbn", "cifar10", "lite"), ["schedule.steps=1"])
    Trainer(job(preset, Path("run"))).train()
    return load(Path("run/checkpoints/step-000001.safetensors"))


def test_images_are_made_of_each_class_as_often_as_is_said(saved: Checkpoint) -> None:
    """Those of unequal counts are the first of those of equal ones."""
    whole = GeneratedImages(saved, 4, raw=False, batch_size=8, device=CPU)
    assert len(whole) == 40
    every, labels = _gathered(whole)
    counts = (4, 0, 1, 2, 4, 3, 0, 0, 1, 2)
    part = whole.with_counts(counts)
    assert (len(part), part.seeds, part.per_class) == (17, 4, None)
    assert part.of_class() == dict(enumerate(counts))
    some, own = _gathered(part)
    wanted = [4 * label + seed for label, count in enumerate(counts) for seed in range(count)]
    assert own.tolist() == labels[wanted].tolist()
    assert torch.equal(some, every[wanted])
    assert torch.equal(part.at(range(17)), some)
    assert torch.equal(part.at([16, 4, 0]), some[[16, 4, 0]])
    # Equal counts are what they were, under the name that they had.
    again = whole.with_counts((4,) * 10)
    assert (again.fingerprint, again.per_class) == (whole.fingerprint, 4)
    assert part.fingerprint != whole.fingerprint


def _gathered(images: GeneratedImages) -> tuple[torch.Tensor, torch.Tensor]:
    parts, labels = [], []
    for pixels, classes in images.batches(3):
        assert classes is not None
        parts.append(pixels)
        labels.append(classes)
    return torch.cat(parts), torch.cat(labels)


def test_published_counts_stay_equal(saved: Checkpoint) -> None:
    images = GeneratedImages(saved, 5000, raw=False, batch_size=8, device=CPU)
    found = class_counts(EvaluationRequest(), ScoredImages(images), RealSets(()))
    assert (found.rule, found.counts) == ("equal", None)


# --- the command ---


def unequal(folder: str = "set", counts: Sequence[int] = (30, 5, 5)) -> str:
    """A folder per class; each class has a colour of its own."""
    rng = np.random.default_rng(0)
    for channel, (name, count) in enumerate(zip(NAMES, counts, strict=True)):
        (Path(folder) / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 80, (16, 16, 3), dtype=np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(Path(folder) / name / f"{number}.png")
    return folder


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = toy_extractor(3 * 16 * 16)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: made)


def train(gan: Gan, model: str, *more: object) -> Path:
    fields = (
        *("generator.network.dim=4", "discriminator.network.dim=4", "prior.z_dim=4"),
        *("schedule.batch_size=8", "schedule.steps=1", *more),
    )
    sets = [f"--set={field}" for field in fields]
    out = Path(f"runs/{model}-set-001")
    code, _, said = gan("train", model, "--dataset", "set", "--image-size", 16, "--variant",
                        "lite", "--out", out, *sets)  # fmt: skip
    assert code == 0, said
    return out


def scored(gan: Gan, run: Path, *options: object) -> Evaluation:
    code, out, said = gan("evaluate", run, "--fid", "--count", 25, *options, "--json")
    assert code == 0, said
    (found,) = (Evaluation.model_validate(each) for each in json.loads(out))
    return found


@pytest.mark.usefixtures("toy")
def test_classes_have_the_references_proportions(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    unequal()
    run = train(gan, "cgan-cbn")
    # A generator that has learnt everything: of each class its own images.
    real = {
        label: np.stack([np.array(Image.open(f"set/{name}/{n}.png")) for n in range(count)])
        for label, (name, count) in enumerate(zip(NAMES, (30, 5, 5), strict=True))
    }

    def made(self: GeneratedImages, seeds: Sequence[int], label: int | None) -> torch.Tensor:
        del self
        assert label is not None
        chosen = real[label][np.array(seeds) % len(real[label])]
        return torch.from_numpy(np.ascontiguousarray(chosen.transpose(0, 3, 1, 2)))

    monkeypatch.setattr(GeneratedImages, "_made", made)
    found = scored(gan, run)
    equal = scored(gan, run, "--classes-as", "equal")
    assert [each.protocol.count for each in (found, equal)] == [25, 25]
    assert found.protocol.classes_as == "reference"
    assert found.protocol.class_gap == pytest.approx(0.01)
    assert (found.remarks, equal.protocol.classes_as) == ((), "equal")
    assert equal.protocol.class_gap == pytest.approx(0.75 - 9 / 25)
    assert equal.scores["fid"] > 20 * found.scores["fid"]
    (remark,) = equal.remarks
    assert "39.0 % of the generated images would have to be of another class" in remark
    assert "--classes-as reference" in remark
    assert protocol_differences([found.protocol, equal.protocol]) == ["skews_classes"]
    assert scored(gan, run, "--classes-as", "reference").scores == found.scores
    # The pages and lists in the run's own folder say so, too.
    code, out, _ = gan("evaluate", run, "--fid", "--count", 25)
    assert (code, "25 generated images, classes in the reference's proportions" in out) == (0, True)


@pytest.mark.usefixtures("toy")
def test_unlike_classes_are_not_ranked_in_silence(gan: Gan) -> None:
    """Next to one without classes; the command that the refusal names makes them alike."""
    unequal()
    runs = [train(gan, "cgan-cbn"), train(gan, "dcgan")]
    scored(gan, runs[0], "--classes-as", "equal")
    scored(gan, runs[1])
    code, out, said = gan("compare", *runs)
    assert code == 4
    assert "classes: as in the reference / equally many of each" in said
    assert "equally many of each" in out
    remedy = said.split("rank them after gan ")[1].strip()
    assert remedy.startswith(f"evaluate {runs[0]} --fid --count 25")
    code, _, said = gan(*remedy.split())
    assert code == 0, said
    assert gan("compare", *runs)[0] == 0


@pytest.mark.usefixtures("toy")
def test_equal_classes_are_left_where_they_are_nearly_right(gan: Gan) -> None:
    unequal(counts=(14, 13, 13))
    run = train(gan, "cgan-cbn")
    code, out, said = gan("evaluate", run, "--fid", "--count", 30)
    assert (code, said) == (0, "")
    assert "30 generated images, 10 of each class" in out
    assert "1.7 % of the generated images would have to be of another class" in out
    (kept,) = read_evaluations(Run(run).evaluation_file)
    assert (kept.protocol.classes_as, kept.protocol.per_class) == ("equal", 10)
    assert not kept.protocol.skews_classes
    for wrong, words in (
        (["--classes-as", "reference", "--per-class", 2], "mutually exclusive"),
        (["--classes-as", "some"], "neither reference nor equal"),
        (["--classes-as", "reference", "--reference", "set/a"], "the generator's classes"),
    ):
        code, _, said = gan("evaluate", run, "--fid", *wrong)
        assert (code, words in said) == (2, True), said
    code, _, said = gan("evaluate", train(gan, "dcgan"), "--fid", "--classes-as", "equal")
    assert (code, "generators that know classes" in said) == (2, True)


@pytest.mark.usefixtures("toy")
def test_every_count_is_met_whatever_the_classes(gan: Gan) -> None:
    unequal(counts=(4, 4, 4))
    run = train(gan, "cgan-cbn")
    for count in (2, 3, 25):
        code, out, _ = gan("evaluate", run, "--fid", "--count", count, "--json")
        assert (code, json.loads(out)[0]["protocol"]["count"]) == (0, count)


@pytest.mark.usefixtures("toy")
def test_changed_training_images_are_remarked(gan: Gan) -> None:
    unequal()
    run = train(gan, "dcgan")
    assert not scored(gan, run).remarks
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save("set/a/more.png")
    changed = scored(gan, run)
    (remark,) = changed.remarks
    assert "the images of set, train split have changed since training" in remark
    assert load(Run(run).checkpoint()).header.data[:16] in remark
    assert changed.protocol.data in remark
    # Any other reference is not what it was trained on, and need not be.
    assert not scored(gan, run, "--reference", "set").remarks
