"""`gan export`: the file alone makes the samples of the run, and says what it is."""

import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from conftest import Gan
from helpers import Key, every_preset, first_of_each, job, narrow
from test_readme import ROOT, blocks
from torch import Tensor

from gancli.checkpoint import load
from gancli.choices import ExportName
from gancli.errors import RunError
from gancli.runs.folder import Run
from gancli.runs.own_files import own_files
from gancli.sampler import Sampler
from gancli.sharing.card import GeneratorCard
from gancli.sharing.export import CARD_FILE, EXPORT_FORMATS
from gancli.sharing.exported import CARD, rebuild
from gancli.sharing.generator_page import page_part
from gancli.trainer import Trainer

SPECTRAL: Key = ("sagan", "cifar10", "lite")
FORMS = pytest.mark.parametrize("form", list(ExportName))
ITERATIONS = ("persistent", "v_first", "frozen")
"""How the estimates of spectral norm move; folded, a weight is as any other to every format."""


def kinds_of_generator() -> list[Key]:
    """A preset for each family of generators, with each set of inputs."""
    found: dict[object, Key] = {}
    for key in every_preset():
        preset = narrow(key)
        network, prior = preset.generator.network, preset.prior
        parts = (bool(preset.classes), bool(prior.categories), bool(prior.codes), prior.levels)
        found.setdefault((network.family, parts, preset.data.key), key)
    return list(found.values())


def trained(key: Key, folder: Path, *overrides: str) -> Run:
    work = job(narrow(key, overrides), folder)
    Trainer(work).train()
    return work.run


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Runs that several tests share, each trained once, by key and overrides."""
    return cache(lambda key, *said: trained(key, tmp_path_factory.mktemp(key[0]) / "run", *said))


def exported(gan: Gan, run: Run, form: ExportName, *options: object) -> Path:
    out = run.folder / f"file.{EXPORT_FORMATS[form].ending}"
    code, _, err = gan("export", run.folder, "--to", form, "--out", out, "--force", *options)
    assert code == 0, err
    return out


def parts_of(sampler: Sampler, seeds: range) -> dict[str, Tensor]:
    latent = sampler.latent(seeds)
    return {name: part for name, part in latent._asdict().items() if part is not None}


def lacking(package: str) -> Callable[[str], object]:
    """Finds any package but this one."""
    return lambda name: None if name == package else object()


def read_card(form: ExportName, file: Path) -> str:
    """The card as a program finds it that knows the format and not gancli."""
    if form is ExportName.ONNX:
        said = import_module("onnx").load(file).metadata_props
        return {str(each.key): str(each.value) for each in said}[CARD]
    if form is ExportName.SAFETENSORS:
        with safetensors.safe_open(file, "pt") as opened:
            return str(opened.metadata()[CARD])
    if form is ExportName.HTML:
        return page_part(file.read_text(), "card")
    with zipfile.ZipFile(file) as archive:
        name = next(each for each in archive.namelist() if each.endswith(CARD_FILE))
        return archive.read(name).decode()


@FORMS
@pytest.mark.parametrize("key", first_of_each(kinds_of_generator(), model_alone=True))
def test_the_file_makes_the_runs_samples(
    key: Key, form: ExportName, run_of: Callable[..., Run], gan: Gan
) -> None:
    run = run_of(key)
    file = exported(gan, run, form)
    saved = load(run.checkpoint())
    sampler = Sampler(saved.generator(), saved.header.preset)
    data = saved.header.preset.data
    for seeds in (range(1), range(10, 15)):
        made = EXPORT_FORMATS[form].run(file, parts_of(sampler, seeds))
        with torch.no_grad():
            wanted = sampler.generator(sampler.latent(seeds)) * data.unit
        assert made.dtype == torch.float32 and made.shape == wanted.shape
        assert (made - wanted).abs().max() <= 1e-5 * max(1.0, data.unit)
        off = data.to_samples(made / data.unit) - sampler.all(seeds).astype(np.float64)
        assert np.abs(off).max() <= (1 if data.key == "images" else 1e-4)
    card = GeneratorCard.model_validate_json(read_card(form, file))
    assert [each.name for each in card.inputs] == list(parts_of(sampler, range(1)))
    assert (card.preset, card.dataset, card.step) == (key[0], key[1], 8)
    assert card.shape == made.shape[1:]
    assert card.range == (data.black_and_white if data.key == "images" else None)


@pytest.mark.parametrize(
    ("form", "iteration"),
    [
        (form, each)
        for number, form in enumerate(ExportName)
        for each in (ITERATIONS if form is ExportName.SAFETENSORS else [ITERATIONS[number % 3]])
    ],
)
def test_spectral_norm_is_folded(
    form: ExportName, iteration: str, run_of: Callable[..., Run], gan: Gan
) -> None:
    """After training, so that the estimates are those of the weights as they are now."""
    run = run_of(SPECTRAL, f"generator.network.power_iteration={iteration}")
    file = exported(gan, run, form)
    saved = load(run.checkpoint())
    sampler = Sampler(saved.generator(), saved.header.preset)
    parts = parts_of(sampler, range(6))
    with torch.no_grad():
        wanted = sampler.generator(sampler.latent(range(6)))
    assert (EXPORT_FORMATS[form].run(file, parts) - wanted).abs().max() <= 1e-5
    if form is ExportName.SAFETENSORS:
        tensors = safetensors.torch.load_file(file)
        assert not [name for name in tensors if "parametrizations" in name or "_u" in name]
        assert len(tensors) < len(saved.generator_tensors())


@FORMS
def test_no_file_names_a_folder_of_this_machine(
    form: ExportName, run_of: Callable[..., Run], gan: Gan
) -> None:
    run = run_of(SPECTRAL)
    file = exported(gan, run, form)
    contents = [file.read_bytes()]
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            contents = [archive.read(name) for name in archive.namelist()]
    for place in (Path.home(), run.folder, ROOT):
        assert not [1 for content in contents if str(place).encode() in content]


@pytest.fixture
def spectral(run_of: Callable[..., Run]) -> Run:
    return run_of(SPECTRAL)


def test_the_average_is_exported_where_there_is_one(spectral: Run, gan: Gan) -> None:
    file = exported(gan, spectral, ExportName.SAFETENSORS)
    averaged, card = rebuild(file)
    exported(gan, spectral, ExportName.SAFETENSORS, "--raw")
    raw, raw_card = rebuild(file)
    assert (card.weights, raw_card.weights) == ("moving average", "weights as trained")
    saved = load(spectral.checkpoint())
    for made, is_raw in ((averaged, False), (raw, True)):
        sampler = Sampler(saved.generator(raw=is_raw), saved.header.preset)
        with torch.no_grad():
            wanted = sampler.generator(sampler.latent(range(4)))
            assert torch.allclose(made(*parts_of(sampler, range(4)).values()), wanted, atol=1e-6)
    weights = [next(net.generator.parameters()) for net in (averaged, raw)]
    assert not torch.equal(*weights)


@pytest.mark.parametrize(("dtype", "off"), [("bf16", 0.05), ("fp16", 0.005)])
def test_half_precision_halves_the_file(spectral: Run, gan: Gan, dtype: str, off: float) -> None:
    whole = exported(gan, spectral, ExportName.SAFETENSORS)
    exact, exact_card = rebuild(whole)
    size = sum(t.nbytes for t in safetensors.torch.load_file(whole).values())
    half = exported(gan, spectral, ExportName.SAFETENSORS, "--dtype", dtype)
    tensors = safetensors.torch.load_file(half)
    floating = {t.dtype for t in tensors.values() if t.is_floating_point()}
    assert floating == {torch.bfloat16 if dtype == "bf16" else torch.float16}
    assert sum(t.nbytes for t in tensors.values()) < 0.52 * size
    rough, card = rebuild(half)
    latent = Sampler(load(spectral.checkpoint()).generator(), narrow(SPECTRAL)).latent(range(4))
    inputs = [part for part in latent if part is not None]
    with torch.no_grad():
        assert 0 < (rough(*inputs) - exact(*inputs)).abs().max() < off
    assert card == exact_card


def test_the_default_place_is_the_runs_own(spectral: Run, gan: Gan) -> None:
    code, out, err = gan("export", spectral.folder)
    assert code == 0, err
    file = spectral.folder / "exports/sagan-cifar10-step-000008.safetensors"
    assert file.is_file() and str(file) in out
    assert "label (batch)" in out and "in [-1, 1]" in out
    code, _, err = gan("export", spectral.folder)
    assert code == 4 and "--force" in err
    assert file in own_files(spectral.folder), "a run that is replaced takes its files along"


def test_scores_of_these_weights_go_along(tmp_path: Path, gan: Gan) -> None:
    run = trained(("gan", "ring8", "reference"), tmp_path / "run")
    assert gan("evaluate", run.folder, "--modes")[0] == 0
    card = rebuild(exported(gan, run, ExportName.SAFETENSORS))[1]
    assert [set(each.scores) >= {"modes_held"} for each in card.scores] == [True]
    assert card.scores[0].protocol.count > 0
    earlier = rebuild(exported(gan, run, ExportName.SAFETENSORS, "--checkpoint", 5))[1]
    assert (earlier.step, earlier.scores) == (5, ())


def test_what_cannot_be_exported_is_a_sentence(
    spectral: Run, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = gan("export", spectral.folder, "--to", "onnx", "--dtype", "fp16")
    assert code == 2 and "--to safetensors" in err
    for package in EXPORT_FORMATS[ExportName.ONNX].packages:
        with monkeypatch.context() as patch:
            patch.setattr("gancli.sharing.export.find_spec", lacking(package))
            code, _, err = gan("export", spectral.folder, "--to", "onnx")
        assert code == 2 and f"needs the package {package}" in err
        assert "pip install 'gancli[onnx]'" in err and err.count("\n") == 1
    with pytest.raises(RunError, match="no card of a generator"):
        rebuild(spectral.checkpoint())
    with pytest.raises(RunError, match="could not read"):
        rebuild(spectral.folder / "no.safetensors")


def _python_on(page: Path, word: str) -> Iterator[str]:
    return (b.text for b in blocks(page) if b.language == "python" and word in b.text)


@pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:FutureWarning")
def test_the_examples_of_the_page_run(gan: Gan) -> None:
    run = trained(("cgan", "mnist", "lite"), Path("run"), "prior.z_dim=100")
    page = ROOT / "docs/sharing.md"
    for form, word, name in (
        (ExportName.ONNX, "onnxruntime", "cgan.onnx"),
        (ExportName.TORCHSCRIPT, "torch.jit", "cgan.pt"),
        (ExportName.TORCH_EXPORT, "torch.export", "cgan.pt2"),
        (ExportName.SAFETENSORS, "rebuild", "cgan.safetensors"),
    ):
        assert gan("export", run.folder, "--to", form, "--out", name)[0] == 0
        programs = list(_python_on(page, word))
        assert programs, word
        for program in programs:
            exec(compile(program, str(page), "exec"), {})
    assert json.loads(read_card(ExportName.ONNX, Path("cgan.onnx")))["preset"] == "cgan"
