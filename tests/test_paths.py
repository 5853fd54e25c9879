"""Paths as they are typed, stored and misspelt."""

import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from test_advice import images

import gancli
from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.folders import expanded, portable
from gancli.seeds_and_classes import parse_classes

TINY = ("--steps", 1, "--set", "batch_size=8")
RING = ("train", "gan", "--dataset", "ring8", *TINY)
SMALL = (*TINY, "--image-size", 16, "--variant", "lite", "--set", "network.dim=4")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, and work in another one."""
    home, work = tmp_path / "home" / "ada", tmp_path / "work"
    home.mkdir(parents=True)
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    return home


def test_a_tilde_is_the_home_folder_in_every_word(home: Path) -> None:
    for word, meant in (
        ("~/x y", f"{home}/x y"),
        ("~", str(home)),
        ("--out=~/x", f"--out={home}/x"),
        ("data.path=~/x", f"data.path={home}/x"),
        ("--set=data.path=~/x", f"--set=data.path={home}/x"),
        ("a~b", "a~b"),
        ("./~", "./~"),
        ("x/~/y", "x/~/y"),
        ("~nobody-of-this-name", "~nobody-of-this-name"),
    ):
        assert expanded(word) == meant


def test_variables_that_name_paths_are_read_in_one_place() -> None:
    """Where `~` is expanded; plugins have a list of their own, and processes a file of theirs."""
    package = Path(gancli.__file__).parent
    readers = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if "environ" in file.read_text() and '"GANCLI_' in file.read_text()
    }
    assert readers <= {"folders.py", "plugins.py", "one_voice.py"}


def test_no_folder_is_called_tilde(home: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_RUNS", "~/runs")
    monkeypatch.setenv("GANCLI_DATA", "~/data")
    images(home / "photos")
    assert gan(*RING)[0] == 0
    assert gan("train", "dcgan", "--dataset=~/photos", *SMALL, "--out=~/own")[0] == 0
    assert gan("sample", "~/own", "--count", 2, "--out", "~/made")[0] == 0
    assert gan("data", "~/photos", "--out=~/sheet.png")[0] == 0
    assert gan("resume", "~/own/checkpoints/..")[0] == 0
    assert gan("train", "~/own/preset.toml", "--dry-run")[0] == 0
    assert {path.name for path in home.iterdir()} >= {"own", "made", "sheet.png", "runs", "photos"}
    assert not list(Path().rglob("*~*"))
    assert [path.name for path in Path().iterdir()] == []


def test_no_file_of_a_run_tells_where_the_owner_lives(
    home: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANCLI_DATA", str(home / "data"))
    monkeypatch.setenv("GANCLI_RUNS", str(home / "runs"))
    images(home / "photos")
    part = home / "part.py"
    part.write_text("from gancli import register\n")
    where = ("--out", home / "run")
    code, _, err = gan("train", "dcgan", "--dataset", home / "photos", *SMALL, *where)
    assert code == 0, err
    for command in (
        ("sample", home / "run", "--per-class", 1, "--grid"),
        ("traverse", home / "run"),
    ):
        gan(*command)
    assert gan(*RING)[0] == 0
    for folder in (home / "run", home / "runs"):
        for file in folder.rglob("*"):
            assert not file.is_file() or str(home).encode() not in file.read_bytes(), file
    header = load(home / "run/checkpoints/step-000001.safetensors").header
    assert header.preset.data.model_dump()["path"] == "~/photos"
    assert header.data_folder == "~/data"
    # It goes on all the same, and finds its images, from wherever it is called.
    again = ("train", home / "run/preset.toml", *where, "--resume", "--allow-changes", "--steps", 2)
    code, out, err = gan(*again)
    assert code == 0, err
    assert "changed data.path" not in out


def test_runs_with_absolute_paths_go_on(home: Path, gan: Gan) -> None:
    """Earlier versions stored them."""
    folder = images(home / "photos")
    assert gan("train", "dcgan", "--dataset", folder, *SMALL, "--out", "run")[0] == 0
    file = Path("run/preset.toml")
    text = file.read_text()
    assert 'path = "~/photos"' in text
    file.write_text(text.replace("~/photos", str(folder)))
    code, out, err = gan("resume", "run")
    assert (code, "is complete" in out) == (0, True), err


def test_portable_paths_come_back(home: Path) -> None:
    for path in (home / "a b", home, Path("/elsewhere/x"), Path("relative")):
        assert Path(expanded(portable(path))) == path
    assert portable(home / "x") == "~/x"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("train dcgan --dataset photo", "photos"),
        ("train dcgan --dataset ./photo", "photos"),
        ("train dcgan --dataset photos/cat", "photos/cats"),
        ("data photo", "photos"),
        ("data Photos", "photos"),
        ("train my.tml", "my.toml"),
        ("sample my-rnu", "my-run"),
        ("sample my-run/checkpoint/step-000001.safetensors",
         "my-run/checkpoints/step-000001.safetensors"),
        ("presets --plugin prt.py", "part.py"),
    ],
)  # fmt: skip
def test_a_misspelt_path_is_answered_with_the_nearest(gan: Gan, typed: str, meant: str) -> None:
    images(Path("photos"))
    Path("my.toml").write_text("")
    Path("part.py").write_text("")
    Path("my-run/checkpoints").mkdir(parents=True)
    Path("my-run/checkpoints/step-000001.safetensors").write_bytes(b"")
    code, _, err = gan(*shlex.split(typed))
    assert code in (2, 3, 4)
    assert f"(did you mean {meant}?)" in err.replace(f"{Path.cwd()}/", "")
    assert "cifar10" not in err


def test_a_zip_is_a_file(gan: Gan) -> None:
    folder = images(Path("photos"))
    assert gan("train", "dcgan", "--dataset", folder, *SMALL, "--out", "run")[0] == 0
    sample = ("sample", "run", "--count", 3)
    assert gan(*sample, "--out", "a.zip")[0] == 0
    assert len([n for n in zipfile.ZipFile("a.zip").namelist() if n.endswith(".png")]) == 3
    before = Path("a.zip").read_bytes()
    code, _, err = gan(*sample, "--out", "a.zip")
    assert (code, "--force" in err) == (4, True)
    assert gan(*sample, "--out", "a.zip", "--format", "zip", "--force", "--grid")[0] == 0
    assert Path("a.zip").read_bytes() == before
    assert Path("a-grid.png").is_file()
    assert gan(*sample, "--out", "b.npz")[0] == 0
    with np.load("b.npz") as found:
        assert found["images"].shape == (3, 16, 16, 3)
    assert gan(*sample, "--out", "c.zip/")[0] == 0
    assert sorted(path.name for path in Path("c.zip").iterdir()) == [
        f"00000{i}.png" for i in range(3)
    ]
    code, _, err = gan(*sample, "--out", "c.zip", "--force")
    assert (code, "c.zip is a folder" in err) == (4, True)
    code, _, err = gan(*sample, "--out", "d.zip", "--format", "npz")
    assert (code, "leave --format out" in err) == (2, True)
    assert gan(*sample, "--out", "plain", "--format", "zip")[0] == 0
    assert [path.name for path in Path("plain").iterdir()] == ["samples.zip"]
    assert not Path("d.zip").exists()


def test_class_names_may_have_commas() -> None:
    names = ("cats, dogs", "b", 'c"d')
    assert parse_classes(["cats, dogs"], names) == [0]
    assert parse_classes(['b,"cats, dogs"'], names) == [1, 0]
    assert parse_classes(["b", "cats, dogs"], names) == [1, 0]
    assert parse_classes(["2, 0"], names) == [2, 0]
    assert parse_classes(['c"d'], names) == [2]
    with pytest.raises(UsageError, match="put a name that has commas in double quotes"):
        parse_classes(["b,cats, dogs"], names)


def test_a_preset_is_no_plugin(gan: Gan) -> None:
    Path("x.toml").write_text("")
    code, _, err = gan("presets", "--plugin", "x.toml")
    assert (code, "it is a preset" in err, "gan train" in err) == (2, True, True)
    code, _, err = gan("presets", "--plugin", "y.toml")
    assert (code, "found no plugin y.toml: pass --plugin FILE.py" in err) == (2, True)


def test_a_relative_plugin_in_the_environment_is_found_and_missed_by_name(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("loss_of_mine.py").write_text("")
    monkeypatch.setenv("GANCLI_PLUGINS", "loss_of_mine.py")
    assert gan("evaluate", "--help", "--plugin", "loss_of_mine.py")[0] == 0
    monkeypatch.setenv("GANCLI_PLUGINS", "gone.py")
    code, _, err = gan("evaluate", "--help")
    assert code == 2
    assert f"{Path('gone.py').resolve()}: there is no such file: correct GANCLI_PLUGINS" in err


PART = """
from typing import Literal
from gancli import register
from gancli.optimizers import Adam

@register.optimizer("{name}")
class {title}(Adam):
    kind: Literal["{name}"] = "{name}"
"""


def test_all_missing_plugins_are_named_at_once(gan: Gan) -> None:
    for name in ("firstly", "secondly"):
        Path(f"{name}.py").write_text(PART.format(name=name, title=name.title()))
    plugins = ("--plugin", "firstly.py", "--plugin", "secondly.py")
    kinds = [f"{player}.optimizer.{field}" for player, field in (
        ("generator", "kind=firstly"), ("generator", "lr=1e-3"),
        ("discriminator", "kind=secondly"), ("discriminator", "lr=1e-3"))]  # fmt: skip
    sets = [word for field in kinds for word in ("--set", field)]
    code, _, err = gan(*plugins, *RING, *sets, "--out", "run")
    assert code == 0, err
    forget(gan)
    code, _, err = gan("sample", "run")
    assert code == 4
    assert err.count("add --plugin") == 2
    for name in ("firstly.py", "secondly.py"):
        assert f"add --plugin {Path(name).resolve()}" in err


def forget(gan: Gan) -> None:
    """Unload the plugins of this process."""
    import os
    import sys

    from gancli.optimizers import OPTIMIZERS

    del gan
    os.environ["GANCLI_PLUGINS"] = ""
    for name in ("firstly", "secondly"):
        sys.modules.pop(f"gancli_plugin_{name}")
        OPTIMIZERS._parts.pop(name)
