"""The zoo: generators that come with gancli, for any command that takes a run."""

from dataclasses import replace
from pathlib import Path

import make_zoo
import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import Key, job, narrow
from PIL import Image

import gancli
from gancli.checkpoint import load
from gancli.errors import RunError
from gancli.sampler import Sampler
from gancli.start_from import start_from
from gancli.trainer import Trainer
from gancli.zoo.entries import zoo_card, zoo_file, zoo_folder, zoo_names

EACH = pytest.mark.parametrize("name", zoo_names())


def trained(key: Key, folder: Path, *more: str) -> Path:
    """The last checkpoint of a few steps."""
    work = job(narrow(key, ["schedule.steps=2", *more]), folder)
    Trainer(work).train()
    return work.run.checkpoint()


@pytest.mark.parametrize(
    ("key", "more", "kept"),
    [
        (("gan", "ring8", "reference"), (), "generator"),
        (("dcgan", "cifar10", "lite"), ("schedule.ema_decay=0.9",), "ema"),
        (("eigengan", "ffhq", "reference"), (), "ema"),
    ],
)
def test_what_is_packed_makes_the_same_samples(
    key: Key, more: tuple[str, ...], kept: str, tmp_path: Path
) -> None:
    """Of half the bytes, the generator's alone; whole numbers and buffers as they were."""
    whole = load(trained(key, tmp_path / "run", *more))
    file = tmp_path / "packed.safetensors"
    change = make_zoo.pack(whole, file)
    packed = load(file)
    assert {name.partition(".")[0] for name in packed.tensors} == {kept}
    floats = [value for value in packed.tensors.values() if value.is_floating_point()]
    assert {value.dtype for value in floats} == {torch.float16}
    made = [
        Sampler(each.generator(), each.header.preset).all(range(64)).astype(np.float64)
        for each in (whole, packed)
    ]
    assert np.abs(made[0] - made[1]).max() <= change
    assert change <= 1
    assert str(tmp_path) not in packed.header.model_dump_json()


def test_weights_that_half_precision_spoils_are_refused(tmp_path: Path) -> None:
    whole = load(trained(("gan", "ring8", "reference"), tmp_path / "run"))
    for name, value in whole.tensors.items():
        if name.startswith("generator.") and value.is_floating_point():
            value.mul_(1e-4)
    with pytest.raises(RunError, match="half precision changes samples"):
        make_zoo.pack(whole, tmp_path / "packed.safetensors")


def test_each_generator_has_a_recipe() -> None:
    assert {*zoo_names()} == make_zoo.recipes().keys()


@EACH
def test_each_is_small_and_tells_nothing_of_a_machine(name: str) -> None:
    file = zoo_file(name)
    assert file.stat().st_size <= make_zoo.MOST_BYTES
    header, card = load(file).header, zoo_card(name)
    path = getattr(header.preset.data, "path", None)
    assert path is None or not Path(path).is_absolute()
    assert header.data_folder is None
    assert (card.model, card.dataset) == (header.preset.name, header.preset.dataset)
    assert card.steps == header.step
    assert card.licence == make_zoo.recipes()[name]["licence"]
    assert card.scores


def test_all_fit_into_a_wheel() -> None:
    assert make_zoo.bytes_in_the_wheel() <= make_zoo.MOST_BYTES_OF_ALL


@EACH
def test_each_makes_samples_of_more_than_one_kind(name: str) -> None:
    model = gancli.load(f"zoo:{name}")
    made = model.sample(16).double().flatten(1)
    assert torch.isfinite(made).all()
    distance = torch.cdist(made, made)[~torch.eye(16, dtype=torch.bool)]
    assert distance.min() > 0


def test_the_page_says_what_the_cards_say() -> None:
    assert make_zoo.PAGE.read_text() == make_zoo.page()
    sheets = {path.stem for path in make_zoo.PAGE.with_suffix("").glob(f"*.{make_zoo.SHEET}")}
    assert sheets == set(zoo_names())


def test_digits_are_sampled_by_class(gan: Gan) -> None:
    typed = ("sample", "zoo:cgan-mnist", "--per-class", "2", "--grid", "--out", "made")
    code, _, error = gan(*typed)
    assert code == 0, error
    with Image.open("made-grid.png") as opened:
        assert opened.width > 2 * 28
        assert opened.height > 10 * 28


def test_the_zoo_is_listed_and_has_cards(gan: Gan) -> None:
    code, out, _ = gan("zoo")
    assert code == 0
    assert all(f"zoo:{name}" in out for name in zoo_names())
    for typed in ("cgan-mnist", "zoo:cgan-mnist"):
        code, out, _ = gan("zoo", typed)
        assert code == 0
        assert zoo_card("cgan-mnist").command in " ".join(out.split())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["zoo", "cgan-mnits"], "did you mean cgan-mnist?"),
        (["sample", "zoo:nothing"], "gan zoo lists what there is"),
        (["resume", "zoo:cgan-mnist"], "is a single checkpoint"),
        (["sample", "zoo:cgan-mnist", "--raw"], "leave out --raw"),
    ],
)
def test_what_the_zoo_cannot_do_is_said_in_a_sentence(
    typed: list[str], said: str, gan: Gan
) -> None:
    code, _, error = gan(*typed)
    assert code != 0
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_run_may_start_from_a_generator_alone(tmp_path: Path) -> None:
    """All but the generator starts as in any run."""
    key: Key = ("dcgan", "cifar10", "lite")
    preset = narrow(key, ["schedule.steps=2", "schedule.ema_decay=0.9"])
    work = job(preset, tmp_path / "run")
    Trainer(work).train()
    file = tmp_path / "packed.safetensors"
    make_zoo.pack(load(work.run.checkpoint()), file)
    start = start_from(str(file), preset)
    assert "; the discriminator starts afresh, as it is not there" in str(start)
    fresh = Trainer(job(preset, tmp_path / "fresh")).state.tensors()
    again = Trainer(replace(job(start.recorded_in(preset), tmp_path / "again"), start_from=start))
    tensors, packed = again.state.tensors(), load(file).tensors
    for name, value in tensors.items():
        if name.startswith("generator."):
            twin = packed[name.replace("generator.", "ema.", 1)]
            assert torch.equal(value, twin.to(value.dtype)), name
        elif name.startswith("discriminator."):
            assert torch.equal(value, fresh[name]), name


def test_what_is_said_names_a_generator_as_it_is_typed(gan: Gan) -> None:
    for typed in (("sample", "--count", 4), ("export",)):
        code, out, said = gan(typed[0], "zoo:gan-ring8", *typed[1:], "--out", f"{typed[0]}.npz")
        assert (code, "zoo:gan-ring8: gan on ring8" in out, said) == (0, True, "")
        assert str(zoo_folder()) not in out
