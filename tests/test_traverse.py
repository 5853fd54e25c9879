"""`gan traverse`: one axis at a time, and how much it changes."""

import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import Tab, look_at, opened
from conftest import Gan
from helpers import Key, job, narrow
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gancli.axis_values import split_axes
from gancli.checkpoint import load, save
from gancli.commands.traverse import parse_range
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.mnist_classifier import DigitClassifier
from gancli.pictures import labelled_table
from gancli.prior import Prior, slerp
from gancli.report.traversal import (
    MAX_AXES,
    TRAVERSAL_PICTURE_BYTES,
    Panel,
    budget,
    render_traversal,
)
from gancli.report.traversal_figures import animation, sprite, strip
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.trainer import Trainer
from gancli.traverse import (
    Axis,
    AxisEffect,
    Traversal,
    axes,
    choose_axes,
    digits_changed,
    effect,
    frames,
)
from gancli.types import Latent

INFO: Key = ("infogan", "mnist", "reference")
EIGEN: Key = ("eigengan", "ffhq", "lite")
LABELLED: Key = ("cgan", "cifar10", "lite")
KEYS = [INFO, EIGEN, LABELLED]
SIDE = {INFO: 32, EIGEN: 16, LABELLED: 32}
LOUD = 8
"""Times which weights must grow that hardly trained networks say anything."""
DESK, PHONE = (1200, 900), (390, 844)


def loud(run: Run, silent: slice | None = None) -> Run:
    """The run with its generator's weights made larger; those of some inputs are 0."""
    saved = load(run.checkpoint())
    tensors = dict(saved.tensors)
    for name, tensor in saved.tensors.items():
        if name.startswith(("generator.", "ema.")) and tensor.ndim > 1:
            tensors[name] = tensor * LOUD
        if silent and name == "generator.first_conv.weight":
            tensors[name] = tensors[name].clone()
            tensors[name][silent] = 0
    save(saved.path, saved.header, tensors)
    return run


def trained(folder: Path, key: Key, silent: slice | None = None) -> Run:
    work = job(narrow(key, ["schedule.steps=2"]), folder)
    Trainer(work).train()
    return loud(work.run, silent)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {key: trained(folder / key[0], key) for key in KEYS}


@pytest.fixture(scope="module")
def silent_code(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose generator ignores its last input, code1."""
    return trained(tmp_path_factory.mktemp("silent") / "run", INFO, slice(-1, None))


@pytest.fixture(autouse=True)
def _no_digits(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody waits for the digit classifier, but who asks for its data."""
    if "data_dir" not in request.fixturenames:
        monkeypatch.setenv("GANCLI_DATA", str(tmp_path / "nowhere"))


def sampler_of(run: Run, **more: float) -> Sampler:
    saved = load(run.checkpoint())
    return Sampler(saved.generator(), saved.header.preset, **more)  # type: ignore[arg-type]


def same(first: Latent, second: Latent) -> bool:
    pairs = zip(first, second, strict=True)
    return all(
        a is b is None or torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in pairs
    )


def own_value(base: Latent, name: str, row: int) -> float:
    """Where a latent stands on one of its prior's axes."""
    if name == "category":
        assert base.category is not None
        return int(base.category[row])
    if name.startswith("code"):
        assert base.code is not None
        return float(base.code[row, int(name.removeprefix("code"))])
    assert base.levels is not None
    layer, direction = re.findall(r"\d+", name)
    return float(base.levels[row, int(layer), int(direction)])


# --- ways between latents ---


def test_slerp_by_hand() -> None:
    """A third of a right angle is 30 degrees; a length goes evenly with the sines."""
    across, up = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[0.0, 2.0]]).double()
    found = slerp(across, up, 1 / 3)[0].tolist()
    assert found == pytest.approx([2 * math.cos(math.pi / 6), 2 * math.sin(math.pi / 6)])
    angle = math.acos(0.6)
    first, second = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.6, 0.8]]).double()
    wanted = [
        math.sin(0.75 * angle) / math.sin(angle) + 0.6 * math.sin(0.25 * angle) / math.sin(angle),
        0.8 * math.sin(0.25 * angle) / math.sin(angle),
    ]
    assert slerp(first, second, 0.25)[0].tolist() == pytest.approx(wanted)
    assert slerp(first, second, 0.25).norm().item() == pytest.approx(1)


def test_slerp_of_one_line_is_straight() -> None:
    first = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]).double()
    second = torch.tensor([[3.0, 6.0], [-1.0, -2.0], [1.0, 0.0]]).double()
    found = slerp(first, second, 0.5)
    assert found[:2].tolist() == [[2, 4], [0, 0]]
    assert bool(found.isfinite().all())


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("within", [None, 0.7])
def test_the_way_stays_where_the_prior_is(distribution: str, within: float | None) -> None:
    """On its middle, numbers spread as those of the ends do; a straight line halves their
    variance, and the great circle itself leaves the cube."""
    said = {"z_dim": 20, "distribution": distribution, "scale": 2.0}
    prior = Prior.model_validate({**said, "codes": 2, "levels": (2, 3), "categories": 4})
    first, second = (prior.at(range(a, a + 400), truncation=within) for a in (0, 400))
    middle = prior.between(first, second, 0.5, within)
    if within or distribution == "uniform":
        bound = 2 * min(within or 1, 1 if distribution == "uniform" else 9)
        assert float(middle.z.abs().max()) <= bound * (1 + 1e-6)
    for name in ("z", "code", "levels"):
        a, b = getattr(first, name), getattr(middle, name)
        assert float(b.var() / a.var()) == pytest.approx(1, abs=0.1)
        assert float((0.5 * (a + getattr(second, name))).var() / a.var()) < 0.65
    assert middle.category is not None
    assert torch.equal(middle.category, first.category)  # type: ignore[arg-type]


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_ends_of_the_way_are_the_seeds(distribution: str) -> None:
    said = {"z_dim": 5, "distribution": distribution, "codes": 2, "levels": (2, 3)}
    prior = Prior.model_validate(said)
    first, second = prior.at([3, 4]), prior.at([4, 5])
    assert same(prior.between(first, second, 0), first)
    assert same(prior.between(first, second, 1), second)
    near = prior.between(first, second, 1e-9)
    assert torch.allclose(near.z, first.z, atol=1e-6)


# --- axes and their frames ---


def test_the_axes_of_each_model(runs: dict[Key, Run]) -> None:
    names = {key: list(axes(sampler_of(run), range(2), 3)) for key, run in runs.items()}
    assert names[INFO] == ["category", "code0", "code1", "seed"]
    assert names[EIGEN] == ["L0D0", "L0D1", "L0D2", "L1D0", "L1D1", "L1D2", "seed"]
    assert names[LABELLED] == ["label", "label-blend", "seed"]


@pytest.mark.parametrize(("categories", "shown"), [(1, None), (2, 2), (120, 100)])
def test_more_than_one_value_and_not_too_many(
    categories: int, shown: int | None, runs: dict[Key, Run]
) -> None:
    preset = narrow(INFO, [f"prior.categories={categories}"])
    found = axes(Sampler(sampler_of(runs[INFO]).generator, preset), [0], 3).get("category")
    assert (None if found is None else len(found.values)) == shown


def test_values_of_the_axes(runs: dict[Key, Run]) -> None:
    found = axes(sampler_of(runs[INFO]), range(2), 3)
    assert found["category"].values == tuple(range(10))
    assert found["code0"].values == (-3, 0, 3)
    assert found["seed"].values == (0, 0.5, 1)
    assert axes(sampler_of(runs[INFO]), [0], 2, (-1, 4.5))["code1"].values == (-1, 4.5)
    uniform = narrow(INFO, ["prior.code_distribution=uniform"])
    sampler = Sampler(sampler_of(runs[INFO]).generator, uniform)
    assert axes(sampler, [0], 3)["code1"].values == (-1, 0, 1)
    labels = axes(sampler_of(runs[LABELLED]), [9], 2)
    assert labels["label"].headings[:3] == ("airplane", "automobile", "bird")
    assert labels["label-blend"].rows == ("seed 9: truck to airplane",)


@pytest.mark.parametrize("key", [INFO, EIGEN], ids=lambda key: key[0])
def test_at_its_own_value_each_row_is_its_sample(key: Key, runs: dict[Key, Run]) -> None:
    """To the last bit, and all else of the latent stays wherever the axis goes."""
    sampler = sampler_of(runs[key], truncation=1.5)
    base = sampler.latent([7])
    picture = sampler.of(base)
    for name, axis in axes(sampler, [7], 3).items():
        value = 0.0 if name == "seed" else own_value(base, name, 0)
        assert same(axis.at(value), base)
        assert (sampler.of(axis.at(value)) == picture).all()
        if name != "seed":
            moved = axis.at(1.0)
            changed = sum(
                int((a != b).sum()) for a, b in zip(moved, base, strict=True)
                if isinstance(a, Tensor) and isinstance(b, Tensor)
            )  # fmt: skip
            assert changed == 1
            assert own_value(moved, name, 0) == 1


def test_labels_along_a_row_share_its_noise(runs: dict[Key, Run]) -> None:
    sampler = sampler_of(runs[LABELLED])
    seeds = [3, 14]
    base = sampler.latent(seeds)
    found = axes(sampler, seeds, 5)
    assert [same(found["label"].at(label), base) for label in (3, 4, 5)] == [False] * 3
    alone = axes(sampler, [14], 5)["label"].at(4)
    assert same(alone, sampler.latent([14]))
    images = frames(sampler, found["label"])
    assert images.shape == (2, 10, 32, 32, 3)
    for label in range(10):
        wanted = sampler.of(base._replace(label=torch.tensor([label, label])))
        assert np.abs(images[:, label].astype(int) - wanted).max() <= 1


def test_a_blend_goes_from_class_to_class(runs: dict[Key, Run]) -> None:
    sampler = sampler_of(runs[LABELLED])
    base, blend = sampler.latent([2, 19]), axes(sampler, [2, 19], 3)["label-blend"]
    following = base._replace(label=torch.tensor([3, 0]))
    for share, end in ((0, base), (1, following)):
        assert (sampler.of(blend.at(share)) == sampler.of(end)).all()
    half = blend.at(0.5).label
    assert half is not None
    assert half.nonzero().tolist() == [[0, 2], [0, 3], [1, 0], [1, 9]]
    assert half.sum(1).tolist() == [1, 1]


def test_frames_do_not_depend_on_the_batch(runs: dict[Key, Run]) -> None:
    whole, parts = sampler_of(runs[EIGEN]), sampler_of(runs[EIGEN], batch_size=4)
    told: list[int] = []
    first = frames(whole, axes(whole, range(3), 5)["L0D1"])
    second = frames(parts, axes(parts, range(3), 5)["L0D1"], told.append)
    assert first.shape == (3, 5, 16, 16, 3)
    assert np.abs(first.astype(int) - second).max() <= 1
    assert told == [4, 8, 12, 15]


# --- effects ---


def test_effect_by_hand() -> None:
    """0, 10, 40: pairs differ by 10, 40 and 30; the order of the frames does not matter."""

    def of(*levels: int) -> NDArray[np.uint8]:
        return np.array(levels, np.uint8).reshape(1, -1, 1, 1, 1) * np.ones(
            (2, 1, 4, 4, 3), np.uint8
        )

    assert effect(of(0, 10, 40)) == pytest.approx(80 / 3)
    assert effect(of(40, 0, 10)) == pytest.approx(80 / 3)
    assert effect(of(7, 7, 7)) == 0
    assert effect(of(0, 255)) == 255
    half = of(0, 10)
    half[0] = 0
    assert effect(half) == 5


def test_digits_changed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(DigitClassifier().eval(), 1.0, "x")
    brightest = lambda _, images: (images.flatten(1).amax(1).long().numpy(), None)  # noqa: E731
    monkeypatch.setattr(Reader, "read", brightest)
    base = np.array([1, 2], np.uint8).reshape(2, 1, 1, 1) * np.ones((2, 4, 4, 1), np.uint8)
    levels = np.array([[1, 1, 3, 4], [2, 2, 2, 5]], np.uint8)
    images = levels[:, :, None, None, None] * np.ones((2, 4, 4, 4, 1), np.uint8)
    assert digits_changed(reader, base, images) == 3 / 8


def test_an_axis_that_is_ignored_is_dead_and_last(silent_code: Run, gan: Gan) -> None:
    code, out, said = gan("traverse", silent_code.folder, "--out", "here", "--rows", 2)
    assert (code, said) == (0, ""), out
    found = Traversal.model_validate_json(Path("here/traversal.json").read_bytes())
    effects = [axis.effect for axis in found.axes]
    assert effects == sorted(effects, reverse=True)
    assert (found.axes[-1].name, found.axes[-1].effect) == ("code1", 0)
    assert min(effects[:-1]) > 1
    assert "no effect at all: code1\n" in out
    assert re.search(r"4 │ code1 +│ -3 to 3 +│ +0 │", out)
    assert "0 grey levels: no effect" in Path("here/traverse.html").read_text()


# --- the command ---


def test_what_is_written(runs: dict[Key, Run], gan: Gan) -> None:
    code, out, said = gan("traverse", runs[EIGEN].folder, "--out", "here", "--gif", "--frames", 4)
    assert (code, said) == (0, ""), out
    names = [f"L{layer}D{i}" for layer in (0, 1) for i in (0, 1, 2)] + ["seed"]
    wanted = {f"{name}.{form}" for name in names for form in ("png", "gif")}
    assert {p.name for p in Path("here").iterdir()} == {
        *wanted, "axes.png", "traverse.html", "traversal.json", "latents.npz",
    }  # fmt: skip
    found = Traversal.model_validate_json(Path("here/traversal.json").read_bytes())
    assert (found.model, found.dataset, found.step) == ("eigengan", "ffhq", 2)
    assert (found.network, found.seeds) == ("moving average", (0, 1, 2, 3, 4))
    assert (found.span, found.truncation, found.classifier) == (None, None, None)
    assert Path(found.checkpoint) == runs[EIGEN].checkpoint()
    assert found.axes[0].values[0] in (-3, 0)
    assert all(axis.digits_changed is None for axis in found.axes)
    with Image.open("here/L0D0.gif") as film:
        # Forth and back, five images of 16 pixels side by side, six times as large.
        assert (film.n_frames, film.size) == (6, (5 * 98 + 2, 100))  # type: ignore[attr-defined]


def tiles(file: Path, count: tuple[int, int], side: int) -> NDArray[np.uint8]:
    """A strip's images, (rows, frames, side, side, channels), found from its right lower corner."""
    with Image.open(file) as opened_:
        sheet = np.asarray(opened_)
    times = 64 // side
    pitch = 64 + 4
    rows, columns = count
    top, left = sheet.shape[0] - rows * pitch, sheet.shape[1] - columns * pitch
    cut = sheet[top:, left:].reshape(rows, pitch, columns, pitch, 3).swapaxes(1, 2)
    found: NDArray[np.uint8] = cut[:, :, :64:times, :64:times]
    return found


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[0])
def test_rows_start_from_the_samples_of_their_seeds(
    key: Key, runs: dict[Key, Run], gan: Gan
) -> None:
    folder = runs[key].folder
    kept = ["--truncation", 1.2]
    typed = ["--axis", "seed", "--seed", 3, "--rows", 2, "--frames", 3, *kept]
    assert gan("traverse", folder, *typed, "--out", "way")[0] == 0
    assert gan("sample", folder, "--seeds", "3-5", "--out", "samples", *kept)[0] == 0

    def picture(seed: int) -> NDArray[np.int64]:
        with Image.open(f"samples/{seed:06d}.png") as image:
            return np.asarray(image.convert("RGB")).astype(np.int64)

    shown = tiles(Path("way/seed.png"), (2, 3), SIDE[key])
    for row in (0, 1):
        assert np.abs(shown[row, 0] - picture(3 + row)).max() <= 1
        arrives = np.abs(shown[row, 2] - picture(4 + row)).max() <= 1
        # A category or a label is no number: it stays the first seed's.
        assert arrives == (key == EIGEN)


def test_columns_are_the_classes_of_gan_sample(runs: dict[Key, Run], gan: Gan) -> None:
    """Without --classes gan sample deals them in turn: seed 13 has class 3, and no noise of its own
    for it, so column 3 of its row shows the same."""
    folder = runs[LABELLED].folder
    typed = ["--axis", "label", "--seed", 12, "--rows", 2]
    assert gan("traverse", folder, *typed, "--out", "labels")[0] == 0
    assert gan("sample", folder, "--seeds", "12-13", "--out", "samples")[0] == 0
    shown = tiles(Path("labels/label.png"), (2, 10), 32)
    for row, seed in enumerate((12, 13)):
        with Image.open(f"samples/{seed:06d}.png") as image:
            away = np.abs(shown[row].astype(int) - np.asarray(image)).max(axis=(1, 2, 3))
        assert away.argmin() == seed % 10
        assert away.min() <= 1
        assert sorted(away)[1] > 1


def test_places_say_what_is_in_them(runs: dict[Key, Run], gan: Gan) -> None:
    folder = runs[INFO].folder
    typed = ["traverse", folder, "--rows", 1, "--frames", 2, "--no-html"]
    for more, name in (
        ([], "0-0-in-2"),
        (["--axis", "code0, seed", "--seed", 4], "4-4-code0,seed-in-2"),
        (["--range", "-1,1", "--truncation", 2], "0-0-from--1-to-1-in-2-within-2"),
        (["--axis", "code0", "--raw"], "0-0-code0-in-2-raw"),
    ):
        code, out, said = gan(*typed, *more)
        assert (code, said) == (0, ""), out
        place = folder / "traversals" / f"step-000002-seeds-{name}"
        assert (place / "axes.png").exists()
        assert not (place / "traverse.html").exists()
    file = runs[INFO].checkpoint()
    assert gan("traverse", file, *typed[2:])[0] == 0
    assert Path("traversals/infogan-step-000002-seeds-0-0-in-2/code1.png").exists()


def test_a_run_made_anew_takes_its_traversals_along(tmp_path: Path, gan: Gan) -> None:
    run = trained(tmp_path / "run", INFO)
    assert gan("traverse", run.folder, "--rows", 1, "--gif")[0] == 0
    (run.folder / "thesis.txt").write_text("mine")
    run.clear()
    assert not list((run.folder / "traversals").iterdir())
    assert (run.folder / "thesis.txt").exists()


def test_the_latest_run_of_images_is_meant(runs: dict[Key, Run], gan: Gan) -> None:
    del runs
    code, _, said = gan("traverse")
    assert (code, "there is no run of a model of images" in said) == (4, True)
    trained(Path("runs/eigengan-ffhq-001"), EIGEN)
    Trainer(job(narrow(("gan", "ring8", "reference")), Path("runs/gan-ring8-002"))).train()
    few = ["--rows", 1, "--frames", 2]
    for typed in ([], ["eigengan", "--force"]):
        code, out, said = gan("traverse", *typed, *few)
        assert (code, said) == (0, ""), out
        assert "eigengan-ffhq-001/checkpoints/step-000002" in out


def test_digits_are_read_where_mnist_is(
    runs: dict[Key, Run], gan: Gan, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    reader = Reader(DigitClassifier().eval(), 0.1, "0123456789abcdef")
    monkeypatch.setattr("gancli.evaluation.mnist_classifier.digit_reader", lambda *_: reader)
    typed = ["traverse", runs[INFO].folder, "--axis", "category", "--rows", 2, "--force"]
    code, out, said = gan(*typed, "--out", "here", "--data-dir", data_dir)
    assert (code, said) == (0, ""), out
    assert "other digit" in out
    found = json.loads(Path("here/traversal.json").read_text())
    assert found["classifier"] == reader.weights
    assert 0 <= found["axes"][0]["digits_changed"] <= 1
    monkeypatch.setenv("GANCLI_DATA", "nowhere")
    code, out, said = gan(*typed, "--out", "here")
    assert (code, said) == (0, ""), out
    assert "MNIST is not in nowhere" in out
    assert "other digit" not in out
    assert json.loads(Path("here/traversal.json").read_text())["axes"][0]["digits_changed"] is None


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        (["--axis", "cod0"], 2, "one of category, code0, code1, seed (did you mean code0?)"),
        (["--axis", "L0D0"], 2, "one of category, code0, code1, seed"),
        (["--axis", "code0,code0"], 2, "name each once"),
        (["--range", "3,-3"], 2, "the smaller one first, such as --range -3,3"),
        (["--range", "nan,3"], 2, "two numbers"),
        (["--range", "0,inf"], 2, "two numbers"),
        (["--range", "1"], 2, "two numbers"),
        (["--range", "-1,1", "--axis", "category,seed"], 2, "leave it out"),
        (["--frames", "1"], 2, "greater than or equal to 2"),
        (["--rows", "0"], 2, "greater than or equal to 1"),
        (["--seed", str(2**48)], 2, "at most"),
        (["--truncation", "0"], 2, "greater than or equal to 0.01"),
        (["--checkpoint", "77"], 4, "choose last or one of 0, 2"),
    ],
)
def test_bad_input(typed: list[str], code: int, words: str, runs: dict[Key, Run], gan: Gan) -> None:
    found, out, said = gan("traverse", runs[INFO].folder, "--out", "here", *typed)
    assert found == code, out
    assert words in said
    assert said.count("\n") == 1
    assert not Path("here").exists()


def test_runs_that_cannot_be_traversed(tmp_path: Path, gan: Gan) -> None:
    Trainer(job(narrow(("gan", "ring8", "reference")), tmp_path / "points")).train()
    code, _, said = gan("traverse", tmp_path / "points")
    assert (code, "only images are traversed" in said) == (2, True)
    assert not (tmp_path / "points" / "traversals").exists()
    for name in ("nonsense", "eigengan"):
        code, _, said = gan("traverse", name)
        assert (code, said.count("\n")) == (4, 1)


def test_nothing_is_overwritten_without_force(
    runs: dict[Key, Run], gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["traverse", runs[INFO].folder, "--axis", "code0", "--out", "here"]
    assert gan(*typed)[0] == 0
    before = {path: path.read_bytes() for path in Path("here").iterdir()}
    code, _, said = gan(*typed)
    assert (code, "--force" in said) == (4, True)

    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gancli.run_axes.axes_sheet", stop)
        assert gan(*typed, "--force")[0] == 130
    assert {path: path.read_bytes() for path in Path("here").iterdir()} == before
    assert [path.name for path in Path().iterdir()] == ["here"]
    Path("here/thesis.txt").write_text("mine")
    code, _, said = gan(*typed, "--force")
    assert (code, "thesis.txt, which gan traverse did not write" in said) == (4, True)
    assert Path("here/thesis.txt").exists()


@pytest.mark.parametrize("text", ["", "a,b", "1,2,3", "2,2", "-1e7,3"])
def test_bad_ranges(text: str) -> None:
    with pytest.raises(UsageError, match="--range"):
        parse_range(text)


def test_ranges_and_axes() -> None:
    assert parse_range("-4.5, 4.5") == (-4.5, 4.5)
    known = {
        name: Axis(name, (0, 1), ("0", "1"), (), lambda _: Latent(torch.zeros(0))) for name in "ab"
    }
    assert [axis.name for axis in choose_axes(split_axes(["b", " a"]).varied, known)] == ["b", "a"]
    assert [axis.name for axis in choose_axes(None, known)] == ["a", "b"]
    with pytest.raises(UsageError, match="--axis"):
        choose_axes([""], known)


# --- pictures ---


def ramp(rows: int, count: int, side: int, channels: int = 1) -> NDArray[np.uint8]:
    """Even images, each brighter than the one before it."""
    levels = np.arange(rows * count, dtype=np.uint8).reshape(rows, count, 1, 1, 1)
    return levels * np.ones((1, 1, side, side, channels), np.uint8)


def noise(rows: int, count: int, side: int) -> NDArray[np.uint8]:
    source = np.random.default_rng(0)
    return source.integers(0, 256, (rows, count, side, side, 3), dtype=np.uint8)


def axis_of(count: int, rows: int = 2, name: str = "code0") -> Axis:
    values = tuple(np.linspace(-3, 3, count).tolist())
    headings = tuple(f"{value:g}" for value in values)
    return Axis(name, values, headings, ("row",) * rows, lambda _: Latent(torch.zeros(0)))


def test_a_strip_holds_every_frame_at_its_place() -> None:
    images = ramp(2, 3, 32)
    Path("strip.png").write_bytes(strip(axis_of(3), images))
    shown = tiles(Path("strip.png"), (2, 3), 32)
    assert (shown == images).all()


def test_headings_are_cut_to_their_columns() -> None:
    tile = Image.new("L", (40, 40))
    short, long = (
        labelled_table([("a", [tile] * 2)], (40, 40), [text, ""]) for text in ("ab", "ab" * 40)
    )
    assert short.size == long.size
    left = short.width - 2 * 44
    ink = np.asarray(long.convert("L"))[:16]
    assert ink[:, : left - 2].min() == 255
    assert ink[:, left + 44 :].min() == 255
    assert ink.min() < 100


@pytest.mark.parametrize("ordered", [True, False])
def test_animations_go_back_where_neighbours_are_alike(ordered: bool) -> None:
    axis = axis_of(4)
    axis = Axis(axis.name, axis.values, axis.headings, axis.rows, axis.at, ordered)
    with Image.open(io.BytesIO(animation(axis, 20 * ramp(1, 4, 8)))) as film:
        levels = []
        for index in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(index)
            levels.append(np.asarray(film.convert("L"))[30, 30])
    assert levels == ([0, 20, 40, 60, 40, 20] if ordered else [0, 20, 40, 60])


def test_sprites_are_whole_where_they_may_be() -> None:
    found = sprite(ramp(3, 4, 16, 3), 100_000)
    assert found.source.startswith("data:image/png;base64,")
    assert (found.width, found.height, found.shrunk) == (3 * 18 + 2, 20, "")


@pytest.mark.parametrize(
    ("limit", "words"),
    [(60_000, "JPEG of quality 90"), (25_000, "JPEG of quality 60"), (9_000, "sides 1/2")],
)
def test_sprites_shrink_until_they_fit(limit: int, words: str) -> None:
    found = sprite(noise(2, 5, 64), limit)
    assert words in found.shrunk
    assert len(found.source) <= limit * 4 / 3 + 40


def page_of(count: int, images: NDArray[np.uint8], name: str = "code0") -> bytes:
    axis = axis_of(images.shape[1], len(images), name)
    found = AxisEffect(name=name, values=axis.values, headings=axis.headings, effect=3.25)
    shown = sprite(images, budget(count))
    report = Traversal(
        model="m", dataset="d", variant="v", checkpoint="c", step=1, network="moving average",
        seeds=(0,), span=None, truncation=None, axes=(found,) * count,
    )  # fmt: skip
    return render_traversal(report, [Panel(axis, found, shown)] * count)


def test_pages_stay_below_20_megabytes() -> None:
    """Noise, which nothing compresses, and more axes than a page shows."""
    images = noise(5, 9, 128)
    assert MAX_AXES * images.nbytes > 5 * TRAVERSAL_PICTURE_BYTES
    page = page_of(MAX_AXES + 3, images)
    assert 5_000_000 < len(page) < 20_000_000
    assert page.count(b'<input type="range"') == MAX_AXES
    assert b"Left out, of less effect: code0, code0, code0" in page
    assert b"made smaller to fit: code0 JPEG of quality" in page


def test_pages_fetch_nothing_and_quote_all() -> None:
    page = page_of(1, ramp(1, 2, 8), "<b>'&").decode()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "http" not in page
    assert "url(" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;&#39;&amp;" in page


# --- the page in a browser ---

CARDS = "[...document.querySelectorAll('[data-headings]')]"
STATE = f"""{CARDS}.map((card) => [card.dataset.name, card.querySelector("output").textContent,
  card.querySelector("img").getBoundingClientRect().top -
  card.querySelector(".frame").getBoundingClientRect().top, card.querySelector("img").alt,
  card.querySelector("input").getAttribute("aria-valuetext")])"""


def shown_frames(tab: Tab) -> dict[str, tuple[str, float]]:
    """What each axis stands at, and how far its sprite is moved up."""
    found = {}
    for name, heading, top, alt, said in tab.tell(STATE):
        assert alt.startswith(f"samples with {name} at {heading}: ")
        assert said == heading
        found[name] = (heading, top)
    return found


@pytest.mark.slow
def test_sliders_move_by_mouse_and_by_keys(runs: dict[Key, Run], gan: Gan) -> None:
    code, out, _ = gan("traverse", runs[INFO].folder, "--out", "here", "--frames", 5)
    assert code == 0, out
    with opened(Path("here/traverse.html"), DESK) as tab:
        before = shown_frames(tab)
        assert {before[name][0] for name in ("code0", "code1")} == {"0"}
        order = list(before)
        # Nothing has the focus: arrows move the first axis.
        tab.press("ArrowRight")
        after = shown_frames(tab)
        assert after[order[0]] != before[order[0]]
        assert [after[name] for name in order[1:]] == [before[name] for name in order[1:]]
        tab.press("ArrowLeft")
        assert shown_frames(tab) == before
        for number, name in enumerate(order):
            x, y, width, height = tab.tell(
                f"(() => {{ const s = {CARDS}[{number}].querySelector('input'); s.scrollIntoView();"
                "const b = s.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()"
            )
            tab.click(x + width - 2, y + height / 2)
            heading, top = shown_frames(tab)[name]
            count = 10 if name == "category" else 5
            assert heading == {"category": "9", "seed": "1"}.get(name, "3")
            assert frame_at(tab, number, count) == count - 1
            # The slider has the focus now, and moves by itself.
            tab.press("ArrowLeft")
            assert frame_at(tab, number, count) == count - 2
            assert shown_frames(tab)[name][1] != top
        tab.tell("document.activeElement.blur()")
        tab.press("ArrowLeft")
        assert frame_at(tab, len(order) - 1, count) == count - 3
        assert not tab.complaints


def frame_at(tab: Tab, number: int, count: int) -> int:
    """The frame that an axis's window shows, by where its sprite lies."""
    share: float = tab.tell(
        f"(() => {{ const card = {CARDS}[{number}], b = (e) => card.querySelector(e)"
        ".getBoundingClientRect(); return (b('.frame').top - b('img').top) / b('img').height })()"
    )
    assert abs(share * count - round(share * count)) < 0.02
    return round(share * count)


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_fits_its_window(size: tuple[int, int], runs: dict[Key, Run], gan: Gan) -> None:
    assert gan("traverse", runs[EIGEN].folder, "--out", "here")[0] == 0
    said, console = look_at(Path("here/traverse.html"), size)
    assert not console
    assert (said["images"], said["broken"]) == (7, 0)
    assert said["width"] == size[0]
    assert said["overflow"] <= 0
    assert said["small"] >= 12
