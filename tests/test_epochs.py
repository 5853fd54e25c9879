"""Schedules in epochs: their steps are those that the trainer takes, and all else goes by steps."""

import random
import re
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from PIL import Image

import gancli
from gancli.checkpoint import load
from gancli.data.batch_source import batches_in_epoch
from gancli.errors import DataError, UsageError
from gancli.preset import Preset, change, load_preset
from gancli.preset.epochs import steps_in_epochs
from gancli.runs.folder import Run
from gancli.step import StepRunner
from gancli.trainer import Trainer

RING = ("gan", "ring8", "reference")
PAIRS = ("r3gan", "ring8", "reference")
"""Its generator's turns have real batches, too."""


def some_schedule(source: random.Random) -> Preset:
    """A schedule in epochs of few steps, at random."""
    batch = source.randrange(2, 12)
    fields = [
        f"data.points_per_mode={source.randrange(2, 7)}",
        f"schedule.batch_size={batch}",
        f"schedule.partial_batches={str(source.random() < 0.5).lower()}",
        f"schedule.discriminator_steps={source.randrange(1, 6)}",
        f"schedule.epochs={source.randrange(1, 6)}",
    ]
    if source.random() < 0.5:
        fields.append(
            f"schedule.warmup={{steps={source.randrange(1, 8)}, first={source.randrange(6)}, "
            f"every={source.randrange(6)}}}"
        )
    if source.random() < 0.5:
        fields.append('turns.order=["generator", "discriminator"]')
    if source.random() < 0.4:
        peeking = [[], ["turns.generator.reals=peek"], ["turns.discriminator.reals=peek"]]
        return change(narrow(PAIRS), [*fields, *source.choice(peeking)])
    if source.random() < 0.6:
        fields.append("turns.restart=true")
    return change(narrow(RING), fields)


@pytest.mark.parametrize("seed", range(40))
def test_the_steps_are_those_until_the_last_batch(seed: int, tmp_path: Path) -> None:
    """After the last step, and not before it, every batch of every epoch has been taken."""
    preset = some_schedule(random.Random(seed))
    trainer = Trainer(job(preset, tmp_path / "run"))
    whole = trainer.deck.batches_per_epoch
    runner = StepRunner(
        preset, trainer.state, trainer.deck, trainer.job.settings, trainer.job.world
    )
    taken: list[int] = []
    while not taken or taken[-1] < (preset.schedule.epochs or 0) * whole:
        runner.step()
        taken.append(trainer.state.counts.batches)
    assert len(taken) == preset.schedule.steps
    if preset.turns.restart:
        # Each epoch ends with a step of its own.
        assert {whole * n for n in range(1, (preset.schedule.epochs or 0) + 1)} <= {*taken}


def test_batches_of_an_epoch() -> None:
    assert [batches_in_epoch(10, 4, partial=partial) for partial in (False, True)] == [2, 3]
    assert [batches_in_epoch(8, 4, partial=partial) for partial in (False, True)] == [2, 2]


PARTIAL = "schedule.partial_batches=true"
SOURCES = {
    "cut in fives": (("sngan", "cifar10", "reference"), 50_000, 157, [
        "schedule.batch_size=64", PARTIAL, "schedule.discriminator_steps=5", "turns.restart=true",
    ]),
    "one to one": (("dcgan", "cifar10", "reference"), 60_000, 938, [
        "schedule.batch_size=64", PARTIAL, "schedule.discriminator_steps=1",
    ]),
    "the rest dropped": (("dcgan", "cifar10", "reference"), 60_000, 937, [
        "schedule.batch_size=64", "schedule.discriminator_steps=1",
    ]),
    "generator first, peeking": (("r3gan", "ring8", "reference"), 55_000, 430, [
        "schedule.batch_size=128", PARTIAL, "schedule.discriminator_steps=1",
        'turns.order=["generator", "discriminator"]', "turns.generator.reals=peek",
    ]),
}  # fmt: skip
"""Configurations, samples, and steps per epoch, as published programs take them."""


@pytest.mark.parametrize("name", SOURCES)
def test_steps_of_published_schedules(name: str) -> None:
    key, samples, each, fields = SOURCES[name]
    preset = change(load_preset(*key), fields)
    for epochs in (1, 20, 100, 321, 100_000):
        found = steps_in_epochs(epochs, preset.schedule, preset.turns, preset.objective, samples)
        assert found == epochs * each


def test_named_sets_are_counted_when_the_preset_is_resolved() -> None:
    cut = SOURCES["cut in fives"][3]
    preset = load_preset("sngan", "cifar10", None, [*cut, "schedule.epochs=321"])
    assert preset.schedule.steps == 321 * 157 == 50_397
    assert load_preset("gan", "mnist").data.sample_count == 60_000
    ring = load_preset("gan", "ring8").data
    assert ring.sample_count == len(ring.load(Path(), 0)) == 3200


@pytest.mark.parametrize("name", ["mnist", "cifar10", "stacked-mnist"])
def test_sets_have_as_many_samples_as_is_said(name: str, data_dir: Path) -> None:
    data = load_preset("dcgan" if name == "cifar10" else "gan", name).data
    assert len(data.load(data_dir, 0)) == data.sample_count


def test_many_epochs_with_periodic_warm_up() -> None:
    """Epochs between periodic warm-ups repeat; the answer is that of a loop over all steps."""
    warm = "schedule.warmup={steps=7, first=100, every=30}"
    fields = ["schedule.batch_size=3", "schedule.discriminator_steps=2", warm]
    for more in ([], ["turns.restart=true"]):
        preset = change(load_preset("gan", "ring8"), [*fields, *more, "schedule.epochs=4000"])
        schedule, whole, step, taken = preset.schedule, 3200 // 3, 0, 0
        for _ in range(4000 if more else 1):
            end = whole * (4000 if not more else taken // whole + 1)
            while taken < end:
                turns = schedule.discriminator_steps_at(step)
                taken += min(turns, end - taken) if more else turns
                step += 1
        assert schedule.steps == step


REFUSED = [
    (["schedule.epochs=3", "schedule.steps=5"], "3 epochs make 36 steps, and schedule.steps is 5"),
    (["schedule.epochs=0"], "schedule.epochs is 0"),
    (["schedule.epochs=1.5"], "schedule.epochs is 1.5"),
    (["schedule.epochs=1", "data.points_per_mode=1"], "8 samples, fewer than a batch of 256"),
    (["schedule.epochs=100000", "data.points_per_mode=1000000"], "at most 1,000,000,000"),
    (["schedule.epochs=3", "schedule.lr_decay_start=36"], "less than schedule.steps = 36"),
    (["schedule.steps="], "schedule.steps is missing: add it"),
]


@pytest.mark.parametrize(("fields", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_refusals(fields: list[str], said: str) -> None:
    one = ["schedule.discriminator_steps=1", "schedule.batch_size=256"]
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        load_preset("gan", "ring8", None, [*one, *fields])
    assert "\n" not in str(caught.value)
    if "make" in said:
        load_preset("gan", "ring8", None, [*one, fields[0], "schedule.steps=36"])


def test_what_replaces_what(tmp_path: Path) -> None:
    """The later of steps and epochs counts; steps counted for epochs follow other fields."""
    base = load_preset("gan", "ring8", None, ["schedule.epochs=2"])
    whole = base.schedule.steps
    longer = change(base, ["schedule.epochs=4"])
    assert longer.schedule.epochs == 4
    assert abs(longer.schedule.steps - 2 * whole) <= 1
    halved = change(base, [f"schedule.batch_size={base.schedule.batch_size // 2}"])
    assert halved.schedule.epochs == 2
    assert abs(halved.schedule.steps - 2 * whole) <= 2
    typed = change(base, ["schedule.steps=9"])
    assert (typed.schedule.epochs, typed.schedule.steps) == (None, 9)
    assert change(base, ["schedule.epochs="]).schedule.steps == whole
    file = tmp_path / "mine.toml"
    file.write_text('base = "gan"\n[schedule]\nepochs = 2\n')
    assert load_preset(str(file), "ring8").schedule == base.schedule
    over = tmp_path / "over.toml"
    over.write_text('base = "mine.toml"\n[schedule]\nsteps = 7\n')
    assert load_preset(str(over), "ring8").schedule == change(base, ["schedule.steps=7"]).schedule
    both = tmp_path / "both.toml"
    both.write_text('base = "gan"\n[schedule]\nsteps = 7\nepochs = 2\n')
    with pytest.raises(UsageError, match="leave one of the two out"):
        load_preset(str(both), "ring8")


TINY = [
    *("--set", "schedule.batch_size=8", "--set", "data.points_per_mode=4"),
    *("--set", "schedule.discriminator_steps=1", "--set", "schedule.preview_every=100"),
]


def test_the_command_says_both_and_resumes_the_same(gan: Gan) -> None:
    train = ("train", "gan", "--dataset", "ring8", "--epochs", 3, *TINY)
    code, said, error = gan(*train, "--dry-run")
    assert code == 0, error
    assert "3 epochs = 12 steps of batches of 8" in said
    assert "--epochs 3" in said.splitlines()[-1]
    assert "schedule.epochs:" not in said
    code, said, error = gan(*train, "--out", "run")
    assert code == 0, error
    assert "step 12/12 (3 epochs): " in said + error
    file = Path("run/preset.toml")
    assert re.findall(r"^(?:epochs|steps) = \d+", file.read_text(), re.M) == [
        "epochs = 3",
        "steps = 12",
    ]
    stored, shown = load_preset(str(file)), gan("presets", "show", "run/preset.toml")[1]
    Path("shown.toml").write_text(shown)
    assert load_preset("shown.toml") == stored
    assert "complete: 3 epochs = 12 steps" in gan("status", "run")[1]
    # Lines of a short run are closer together, as with --steps.
    assert stored.schedule.log_every == 1
    assert "complete at step 12" in "".join(gan("resume", "run")[1:])
    again = ("train", "gan", "--dataset", "ring8", "--out", "run", "--resume")
    assert "complete at step 12" in "".join(gan(*again, "--epochs", 3, *TINY)[1:])
    code, said, error = gan(*again, "--epochs", 4, "--allow-changes")
    assert code == 0, error
    assert "changed schedule.epochs: 3 -> 4" in said + error
    assert "changed schedule.steps: 12 -> 16" in said + error
    assert gan(*again, "--steps", 17, "--allow-changes")[0] == 0
    header = load(Run(Path("run")).checkpoint()).header
    assert (header.preset.schedule.epochs, header.preset.schedule.steps) == (None, 17)


def test_epochs_are_the_steps_they_make(gan: Gan) -> None:
    """Weights and numbers are those of a run that is told the steps."""
    train = ("train", "gan", "--dataset", "ring8", *TINY)
    assert gan(*train, "--epochs", 2, "--out", "epochs")[0] == 0
    assert gan(*train, "--steps", 8, "--out", "steps")[0] == 0
    metrics = [Path(run, "metrics.jsonl").read_text() for run in ("epochs", "steps")]
    assert metrics[0] == metrics[1]
    first, second = (load(Run(Path(run)).checkpoint()).tensors for run in ("epochs", "steps"))
    assert set(first) == set(second)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_contradictions_and_edits_get_one_sentence(gan: Gan) -> None:
    train = ("train", "gan", "--dataset", "ring8", *TINY)
    code, said, error = gan(*train, "--epochs", 3, "--steps", 5, "--dry-run")
    assert (code, said) == (2, "")
    assert error.count("\n") == 1
    assert "3 epochs make 12 steps, and schedule.steps is 5: leave one of the two out" in error
    Path("mine.toml").write_text(gan("presets", "show", "gan", "--dataset", "ring8")[1])
    assert gan("train", "mine.toml", "--epochs", 1, *TINY, "--out", "run")[0] == 0
    file = Path("run/preset.toml")
    file.write_text(file.read_text().replace("epochs = 1", "epochs = 2"))
    code, _, error = gan("train", file, "--dry-run")
    assert code == 2
    assert "2 epochs make 8 steps, and schedule.steps is 4" in error


def test_from_a_program() -> None:
    overrides = {"schedule.batch_size": 8, "data.points_per_mode": 4}
    overrides |= {"schedule.discriminator_steps": 1}
    model = gancli.train("gan", "ring8", epochs=2, overrides=overrides)
    assert model.step == model.preset.schedule.steps == 8
    preset = gancli.resolve_preset("gan", "ring8", overrides=overrides | {"schedule.epochs": 5})
    assert preset.schedule.steps == 20


OWN = [
    *("--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4"),
    *("--set", "schedule.batch_size=4", "--set", "schedule.discriminator_steps=1"),
    *("--set", "prior.z_dim=4", "--image-size", "16"),
]


def make_images(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        Image.new("RGB", (16, 16), (10 * index, 0, 0)).save(folder / f"{index:02}.png")


def test_own_images_are_counted_when_they_are_looked_at(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    make_images(Path("photos"), 13)
    train = ("train", "dcgan", "--dataset", "photos", *OWN)
    code, said, error = gan(*train, "--epochs", 2, "--dry-run")
    assert code == 0, error
    assert "2 epochs = 6 steps of batches of 4" in said
    assert "image_count" not in said
    # Of those that are skipped, only decoding tells.
    Path("photos/03.png").write_bytes(Path("photos/03.png").read_bytes()[:50])
    skipping = (*train, "--skip-broken", "--set", PARTIAL, "--set", "schedule.batch_size=3")
    code, said, error = gan(*skipping, "--epochs", 2, "--dry-run")
    assert code == 0, error
    assert "2 epochs = 8 steps of batches of 3" in said
    assert gan(*skipping, "--epochs", 2, "--out", "run")[0] == 0
    stored = load_preset("run/preset.toml")
    assert (stored.data.sample_count, stored.schedule.steps) == (12, 8)
    again = (*skipping, "--out", "run", "--resume")
    assert "complete at step 8" in "".join(gan(*again, "--epochs", 2)[1:])
    # Nothing is counted where nothing is in epochs.
    assert gan(*skipping, "--steps", 1, "--out", "other")[0] == 0
    assert "image_count" not in Path("other/preset.toml").read_text()


def test_a_preset_of_own_images_in_epochs_is_for_so_many(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    make_images(Path("photos"), 8)
    assert gan("train", "dcgan", "--dataset", "photos", *OWN, "--epochs", 1, "--out", "run")[0] == 0
    make_images(Path("more"), 12)
    code, said, error = gan("train", "run/preset.toml", "--dataset", "more", "--dry-run")
    assert code == 0, error
    assert "1 epoch = 3 steps" in said
    make_images(Path("photos"), 9)
    code, said, error = gan("train", "run/preset.toml", "--out", "again")
    assert code == 3
    assert "has 9 images that can be read, and data.image_count is 8" in error
    assert not Path("again").exists()
    data = "--set", "data.image_count="
    code, said, error = gan("train", "run/preset.toml", *data, "--dry-run")
    assert code == 2
    assert "schedule.epochs: how many images there are is not known here" in error
    assert gan("train", "run/preset.toml", *data, "--steps", 1, "--dry-run")[0] == 0


def test_a_named_set_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps counted for other data would not be the epochs."""
    ring = load_preset("gan", "ring8", None, ["schedule.epochs=1"])
    monkeypatch.setattr(type(ring.data), "sample_count", 5000)
    with pytest.raises(
        DataError, match=r"3,200 samples of ring8, and schedule\.epochs counts on 5,0"
    ):
        gancli.train(ring)
