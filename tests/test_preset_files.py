"""Every file in `presets/` is what it says; a new one passes or fails for that alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Gan
from preset_contract import faults_of

from gancli import catalog
from gancli.catalog import preset_files


@pytest.mark.parametrize("model", catalog.model_names())
def test_a_preset_file_is_what_it_says(model: str) -> None:
    assert not faults_of(model)


def test_a_variant_describes_itself(folder: Path, gan: Gan) -> None:
    """Where its model describes the others: in the list of a model's variants, and of a run."""
    (folder / "mine.toml").write_text(NEW)
    assert "\ndeep: with one layer more (a thesis)\n" in gan("presets", "mine")[1]
    for variant, described in (("deep", True), ("reference", False)):
        typed = ("train", "mine", "--dataset", "ring8", "--variant", variant, "--dry-run")
        code, out, _ = gan(*typed)
        assert code == 0
        assert ("with one layer more\nsettings from a thesis\n" in out) == described
        assert ("a hinge loss and one penalty" in out) != described


def test_some_files_say_what_can_be_counted() -> None:
    files = [catalog.preset_file(name) for name in catalog.model_names()]
    assert any(file.parameters for file in files)
    assert any(file.published(dataset) for file in files for dataset in file.datasets)


NEW = """
name = "mine"
summary = "a hinge loss and one penalty"
paper = ""
datasets = ["ring8", "cifar10"]

[optimizer]
kind = "adam"
lr = 1e-3

[objective.hinge]

[objective.r1]
weight = 2.0

[discriminator.network]
norm = "none"

[on.cifar10.expected]
source = "somebody"
fid = 30.0

[parameters]
ring8 = { generator = 140_546, discriminator = 132_609 }

[variants.lite.on.cifar10.schedule]
steps = 100

[variants.deep]
summary = "with one layer more"
source = "a thesis"

[variants.deep.parameters]
ring8 = { generator = 206_338, discriminator = 132_609 }

[variants.deep.on.ring8.generator.network]
multipliers = [1, 1, 1, 1]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the presets, to which a test adds one."""
    found = tmp_path / "presets"
    shutil.copytree(catalog.preset_folder(), found)
    monkeypatch.setattr(preset_files, "preset_folder", lambda: found)
    preset_files.preset_file.cache_clear()
    yield found
    preset_files.preset_file.cache_clear()


def test_a_new_file_passes(folder: Path) -> None:
    (folder / "mine.toml").write_text(NEW)
    assert "mine" in catalog.model_names()
    assert not faults_of("mine")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("140_546", "140_545", "parameters.ring8: {'generator': 140546"),
        ("132_609 }", "132_609, reconstructor = 1 }", "and not"),
        ("[on.cifar10.exp", "[on.cifar.exp", "on.cifar: no data set of this model"),
        ("lite.on.cifar10", "lite.on.mnist", "variants.lite.on.mnist: no data set of this model"),
        ('source = "somebody"', 'source = ""', "no source or no score"),
        ("fid = 30.0", "", "no source or no score"),
        ("fid = 30.0", "fid = -1.0", "expected.fid = -1.0"),
        ("weight = 2.0", "wait = 2.0", "no field objective.r1.wait"),
        ('norm = "none"', "head_width = 3", "head_width changes nothing"),
        ("[optimizer]", '[deviations]\n"prior.zdim" = { paper = 3 }\n[optimizer]', "no such field"),
        (
            "[optimizer]",
            '[instead]\nstacked-mnist = "dcgan"\n[optimizer]',
            "dcgan has no preset for it",
        ),
        ('"a hinge loss and one penalty"', '""', "summary: not one line"),
        ('summary = "with one layer more"', "", "variants.deep.summary: not one line"),
        ('source = "a thesis"', "", "variants.deep.source: not one line"),
        ("206_338", "206_339", "variants.deep.parameters.ring8: {'generator': 206338"),
        (
            "\nring8 = { generator = 2",
            "\ncifar = { generator = 2",
            "deep.parameters.cifar: no data",
        ),
    ],
)
def test_a_new_file_fails_for_what_it_says(folder: Path, was: str, becomes: str, said: str) -> None:
    assert was in NEW
    (folder / "mine.toml").write_text(NEW.replace(was, becomes))
    faults = faults_of("mine")
    assert any(said in fault for fault in faults), faults
