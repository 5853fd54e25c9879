"""`import gancli` is a library: lazy, typed, and equal to the commands."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow, real_images, toy_extractor
from PIL import Image
from torch import nn

import gancli
from gancli.library.in_python import pythonic
from gancli.objective import Objective
from gancli.trainer import Trainer

ROOT = Path(__file__).parent.parent
TINY = {"generator.network": {"width": 8}, "discriminator.network.width": 8, "optimizer.lr": 1e-3}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of points, one of images, one with classes, and one with codes, of a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    keys = {
        "points": ("gan", "ring8"),
        "images": ("dcgan", "cifar10"),
        "classes": ("cgan", "mnist"),
        "codes": ("infogan", "mnist"),
    }
    for name, (model, dataset) in keys.items():
        # Large steps, so that samples differ from each other.
        small = ["schedule.steps=2", "schedule.ema_decay=0.5", "optimizer.lr=0.05"]
        Trainer(job(narrow((model, dataset, "reference"), small), folder / name)).train()
    return {name: folder / name for name in keys}


def test_importing_it_costs_no_torch() -> None:
    code = (
        "import gancli, sys; known = gancli.presets(); gancli.__version__; "
        "assert known and known[0].datasets and known[0].paper; "
        "assert {'Model', 'load', 'train'} <= set(dir(gancli)); "
        "heavy = {'torch', 'numpy', 'matplotlib', 'PIL'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_that_is_public_is_there_and_says_what_it_is() -> None:
    for name in gancli.__all__:
        found = getattr(gancli, name)
        assert name == "__version__" or found.__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gancli.nothing


PROGRAM = """
import gancli

model = gancli.train("gan", "ring8", steps=2, overrides={"schedule.batch_size": 8})
reveal_type(model)
reveal_type(model.sample(4))
reveal_type(gancli.load(model.path).images(seeds=range(3)))
reveal_type(model.latent([1]).z)
reveal_type(gancli.presets()[0].datasets)
reveal_type(gancli.resolve_preset("gan", "ring8").schedule.steps)
model.sample("three")
"""


@pytest.mark.slow
def test_a_program_is_checked_by_its_types(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "program.py", "--cache-dir", "cache"],
        capture_output=True,
        text=True,
        check=False,
    )
    types = [line.split('"')[1] for line in done.stdout.splitlines() if "Revealed type" in line]
    assert types == [
        "gancli.library.model.Model",
        "torch._tensor.Tensor",
        "list[PIL.Image.Image]",
        "torch._tensor.Tensor",
        "tuple[str, ...]",
        "int",
    ], done.stdout
    errors = [line for line in done.stdout.splitlines() if " error: " in line]
    assert len(errors) == 1
    assert '"sample" of "Model" has incompatible type "str"' in errors[0]


@pytest.mark.parametrize("raw", [False, True])
def test_samples_are_those_of_the_command(raw: bool, runs: dict[str, Path], gan: Gan) -> None:
    options = ["--seeds", "3-9,40", "--out", "made", *(["--raw"] if raw else [])]
    seeds = [*range(3, 10), 40]
    for name in ("images", "classes"):
        assert gan("sample", runs[name], *options, "--force")[0] == 0
        model = gancli.load(runs[name], raw=raw)
        made = model.sample(seeds=seeds)
        assert (made.dtype, made.shape[0]) == (torch.uint8, len(seeds))
        assert len({tuple(each.flatten().tolist()) for each in made}) == len(seeds)
        files = [np.asarray(Image.open(f"made/{seed:06d}.png")) for seed in seeds]
        ours = made.permute(0, 2, 3, 1).squeeze(-1).numpy()
        np.testing.assert_array_equal(ours, np.stack(files))
        for image, file in zip(model.images(seeds=seeds), files, strict=True):
            np.testing.assert_array_equal(np.asarray(image), file)
    assert gan("sample", runs["points"], *options, "--force")[0] == 0
    with np.load("made/samples.npz") as arrays:
        points = gancli.load(runs["points"], raw=raw).sample(seeds=seeds)
        assert points.dtype == torch.float32
        np.testing.assert_array_equal(points.numpy(), arrays["points"])


def test_classes_are_those_of_the_command(runs: dict[str, Path], gan: Gan) -> None:
    model = gancli.load(runs["classes"])
    assert model.class_names == tuple("0123456789")
    assert gan("sample", runs["classes"], "--classes", 7, "--per-class", 3, "--out", "made")[0] == 0
    files = [np.asarray(Image.open(file)) for file in sorted(Path("made/7").glob("*.png"))]
    for label in (7, "7"):
        made = model.sample(3, label=label)
        np.testing.assert_array_equal(made[:, 0].numpy(), np.stack(files))
    assert model.latent(range(12)).label is not None
    assert model.latent([5], label=2).label == torch.tensor([2])


def test_latents_make_the_samples_of_their_seeds(runs: dict[str, Path]) -> None:
    for folder in runs.values():
        model = gancli.load(folder)
        latent = model.latent([4, 2, 9])
        assert torch.equal(model.sample(latent=latent), model.sample(seeds=[4, 2, 9]))
        cut = model.latent([4, 2, 9], truncation=0.3)
        assert cut.z.abs().max() <= 0.3 * model.preset.prior.scale
        assert torch.equal(model.sample(latent=cut), model.sample(seeds=[4, 2, 9], truncation=0.3))
    model = gancli.load(runs["points"])
    latent = model.latent([4, 2, 9])
    changed = latent._replace(z=torch.zeros_like(latent.z))
    assert not torch.equal(model.sample(latent=changed), model.sample(latent=latent))


def test_interpolation_goes_from_one_seeds_sample_to_the_others(runs: dict[str, Path]) -> None:
    for name in ("points", "images"):
        model = gancli.load(runs[name])
        way = model.interpolate(5, 8, frames=5)
        ends = model.sample(seeds=[5, 8])
        assert way.shape == (5, *ends.shape[1:])
        torch.testing.assert_close(way[[0, -1]].float(), ends.float(), atol=1, rtol=0)
        assert not torch.equal(way[2], way[0])
        assert not torch.equal(way[2], way[4])
    with pytest.raises(gancli.UsageError, match="frames=1"):
        model.interpolate(0, 1, frames=1)


def test_the_model_says_what_it_is(runs: dict[str, Path]) -> None:
    model = gancli.load(runs["images"])
    assert isinstance(model.generator, nn.Module)
    assert not model.generator.training
    assert (model.step, model.header.step, model.run) == (2, 2, runs["images"])
    assert model.metrics["loss_generator"] == model.header.metrics["loss_generator"]
    assert model.preset.name == "dcgan"
    assert repr(model) == "<dcgan on cifar10, step 2, moving average>"
    assert gancli.load(runs["images"], raw=True).weights == "weights as trained"
    assert gancli.load(model.path).run is None
    assert gancli.load(str(runs["images"]), checkpoint=0).step == 0
    page = model._repr_html_()
    for said in ("dcgan", "cifar10", "2 of 2", "moving average", "data:image/png;base64,"):
        assert said in page
    assert gancli.load(runs["points"]).picture().size == (540, 562)
    assert model.picture(4, columns=1).size == (36, 138)


def test_points_are_scored_as_training_scores_them(runs: dict[str, Path]) -> None:
    model = gancli.load(runs["points"])
    scores = model.evaluate()
    for name in ("modes_held", "modes_captured", "high_quality"):
        assert scores[name] == model.metrics[name]
    assert set(model.evaluate(count=10)) <= {*scores, "reverse_kl", "jensen_shannon", "std_ratio"}
    assert "modes_held" in scores._repr_html_()


def test_scores_are_the_commands(
    runs: dict[str, Path], gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = toy_extractor(3 * 32 * 32)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: toy)
    real = real_images(Path("real"))
    options = ["--count", 24, "--reference", real, "--fid", "--prc", "--json", "--out", "e.json"]
    code, said, error = gan("evaluate", runs["images"], *options)
    assert code == 0, error
    (typed,) = json.loads(said)
    model = gancli.load(runs["images"])
    found = model.evaluate(["fid", "prc"], count=24, reference=real)
    assert found == typed["scores"]
    assert found.keys() == {"fid", "precision", "recall"}
    (evaluation,) = found.evaluations
    assert evaluation.protocol.model_dump(mode="json") == typed["protocol"]
    assert gancli.evaluate(model.path, ["fid", "prc"], count=24, reference=real) == found
    assert gancli.evaluate(real, ["fid"], reference=str(real))["fid"] == pytest.approx(0, abs=1e-6)
    raw = gancli.load(runs["images"], raw=True)
    assert raw.evaluate(["fid"], count=24, reference=real)["fid"] != found["fid"]
    for metrics, unfit in (
        (["fud"], {}),
        (["fid"], {"reference": "nowhere"}),
        (["prc"], {"count": 3, "reference": real}),
    ):
        with pytest.raises(gancli.UsageError) as raised:
            model.evaluate(metrics, **unfit)
        assert "--" not in str(raised.value)
    with pytest.raises(gancli.UsageError, match="fid is for images, and gan makes points"):
        gancli.load(runs["points"]).evaluate(["fid"])
    with pytest.raises(gancli.UsageError, match="reference is for images"):
        gancli.load(runs["points"]).evaluate(reference=real)


def test_traversals_are_the_commands(runs: dict[str, Path], gan: Gan) -> None:
    model = gancli.load(runs["codes"])
    found = model.traverse(frames=3, rows=2)
    options = ["--frames", 3, "--rows", 2, "--out", "made"]
    assert gan("traverse", runs["codes"], *options)[0] == 0
    said = json.loads(Path("made/traversal.json").read_text())["axes"]
    assert [axis.name for axis in found] == [axis["name"] for axis in said]
    assert [axis.effect for axis in found] == [axis["effect"] for axis in said]
    axis = found.by_name("code0")
    assert (axis.images.dtype, axis.images.shape) == (torch.uint8, (2, 3, 1, 32, 32))
    latent = model.latent([0, 1])
    assert latent.code is not None
    low = latent._replace(
        code=torch.cat([torch.full((2, 1), axis.values[0]), latent.code[:, 1:]], 1)
    )
    torch.testing.assert_close(
        model.sample(latent=low).float(), axis.images[:, 0].float(), atol=1, rtol=0
    )
    np.testing.assert_array_equal(
        np.asarray(axis.picture), np.asarray(Image.open("made/code0.png"))
    )
    assert "code0" in found._repr_html_()
    (one,) = model.traverse(["seed"], frames=2, rows=1, seed=7)
    assert one.headings == ("0", "1")
    with pytest.raises(gancli.UsageError, match="did you mean code0"):
        model.traverse(["code00"])
    with pytest.raises(gancli.UsageError, match="rows=21 is out of range"):
        model.traverse(rows=21)
    with pytest.raises(gancli.UsageError, match="makes points"):
        gancli.load(runs["points"]).traverse()


def test_training_is_the_commands(gan: Gan) -> None:
    options = ["--set", "generator.network.width=8", "--set", "discriminator.network.width=8"]
    options += ["--set", "optimizer.lr=1e-3", "--seed", "3", "--out", "typed"]
    assert gan("train", "gan", "--dataset", "ring8", "--steps", 4, *options)[0] == 0
    model = gancli.train("gan", "ring8", steps=4, seed=3, overrides=TINY, out="called")
    assert (model.step, model.run) == (4, Path("called"))
    assert torch.equal(model.sample(50), gancli.load("typed").sample(50))
    assert Path("called/preset.toml").read_bytes() == Path("typed/preset.toml").read_bytes()
    longer = gancli.resume("called", steps=6)
    assert longer.step == longer.preset.schedule.steps == 6
    assert gancli.resume("called").step == 6
    through = gancli.train("gan", "ring8", steps=6, seed=3, overrides=TINY)
    assert through.run == Path("runs/gan-ring8-001").resolve() or through.run is not None
    assert torch.equal(longer.sample(50), through.sample(50))
    assert gancli.load("gan").path == through.path


def test_a_preset_can_be_resolved_and_trained() -> None:
    preset = gancli.resolve_preset("gan-r1", "ring8", overrides=TINY | {"objective.r1": None})
    assert isinstance(preset.objective, Objective)
    assert "r1" not in preset.objective.parts
    assert preset.generator.optimizer.lr == preset.discriminator.optimizer.lr == 1e-3
    model = gancli.train(preset, steps=2)
    assert model.preset.schedule.steps == 2
    assert model.preset.objective == preset.objective
    with pytest.raises(gancli.UsageError, match="has its data set and variant already"):
        gancli.train(preset, "grid25")


def test_images_of_ones_own(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    for number in range(16):
        pixels = noise.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        (tmp_path / "mine").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "mine" / f"{number}.png")
    model = gancli.train(
        "dcgan",
        tmp_path / "mine",
        steps=1,
        image_size=16,
        fit="resize",
        overrides={"schedule.batch_size": 4, "generator.network.dim": 4},
    )
    assert model.sample(2).shape == (2, 3, 16, 16)
    assert model.preset.dataset == "mine"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("load('points', device='gpu')", "device='gpu' is unknown: choose one of cpu, cuda, mps"),
        ("load('nothing')", "nothing"),
        ("load('points', checkpoint=7)", "no checkpoint 7"),
        ("load('points').sample(3, seeds=[1])", "count and seeds exclude each other"),
        ("load('points').sample(0)", "no seeds are given"),
        ("load('points').sample(seeds=[-1])", "seed -1 is out of range"),
        ("load('points').sample(seeds=[2**48])", "out of range"),
        ("load('points').sample(3, label=1)", "knows no classes: leave label out"),
        ("load('classes').sample(3, label=10)", "label=10 is not a class of mnist"),
        ("load('classes').sample(3, label='dog')", "label='dog' is not a class of mnist"),
        ("load('points').images(3)", "makes points"),
        ("train('gan')", "dataset="),
        ("train('gan', 'ring8', precision='fp8')", "precision='fp8' is unknown"),
        ("train('gan', 'ring8', image_size=32)", "image_size="),
        ("train('gan', 'ring8', overrides={'a.b': float('nan')})", "overrides: a.b is nan"),
        ("train('gan', 'ring8', overrides={'a.b': {1}})", "overrides: a.b is {1}"),
        ("train('gan', 'ring8', overrides={'schedule.step': 3})", "no field schedule.step"),
        ("train('gan', 'ring8', out='points')", "out="),
        ("resume('points/checkpoints/step-000002.safetensors')", "pass the run's folder"),
        ("resolve_preset('gan', 'ring8', 'light')", "there is no variant 'light'"),
    ],
)
def test_errors_fit_a_program(
    call: str, said: str, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs["points"].parent)
    with pytest.raises(gancli.GanError) as raised:
        eval(f"gancli.{call}")
    assert said in str(raised.value)
    assert " --" not in str(raised.value).partition("gan train")[0]


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("read --checkpoint best with x", "read checkpoint=best with x"),
        ("go on with gan resume runs/a-1", 'go on with gancli.resume("runs/a-1")'),
        ("e.g. gan train a --dataset b: or", "e.g. gan train a --dataset b: or"),
        ("name it with --data-dir or X", "name it with data_dir= or X"),
        ("(--set schedule.batch_size=)", '(overrides={"schedule.batch_size": ...})'),
        ("--set schedule.evaluate_every=N", 'overrides={"schedule.evaluate_every": N}'),
        ("replace it with --force", "replace it with force="),
    ],
)
def test_sentences_name_arguments(typed: str, called: str) -> None:
    assert pythonic(typed) == called
