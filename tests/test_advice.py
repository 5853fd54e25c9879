"""What errors, tables and last lines advise is typed, and then the error is gone."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from package_source import PACKAGE, faults_in, nodes_of, sources
from PIL import Image
from typer.main import get_command

from gancli import pasteable
from gancli.cli.app import app

TINY = ("--steps", 1, "--set", "batch_size=8")
RING = ("train", "gan", "--dataset", "ring8", *TINY)
SMALL = (*TINY, "--image-size", 16, "--variant", "lite", "--set", "network.dim=4")
COMMANDS = "|".join(sorted(get_command(app).commands))  # type: ignore[attr-defined]
SPELT_OUT = re.compile(rf"\bgan (?:--|(?:{COMMANDS})\b)")
"""A command in a text."""


@pytest.fixture(autouse=True)
def _advised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every command that is put together while a test runs."""
    made: list[str] = []

    def joined(*words: object) -> str:
        made.append(f"gan {shlex.join(map(str, words))}")
        return made[-1]

    monkeypatch.setattr(pasteable, "_joined", joined)
    return made


@pytest.fixture
def advice(gan: Gan, _advised: list[str]) -> Callable[..., list[list[str]]]:
    """Type a command; returns the commands that it printed, as a shell reads them."""

    def type_command(*arguments: object, code: int | None = None) -> list[list[str]]:
        _advised.clear()
        ended, out, err = gan(*arguments)
        assert code in (None, ended), err
        printed = [each for each in dict.fromkeys(_advised) if each in out + err]
        # The name of a command may be said, too, e.g. of the one that has no such option.
        named = {each for each in printed if any(f"{each} " in other for other in printed)}
        return [shlex.split(each)[1:] for each in printed if each not in named]

    return type_command


def images(folder: Path, side: int = 16) -> Path:
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
        for seed in range(8):
            pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{seed}.png")
    return folder


def run_with_spaces(gan: Gan) -> None:
    assert gan(*RING, "--out", "my runs/it's one")[0] == 0


def plain(gan: Gan) -> None:
    del gan


def stopped_early(gan: Gan) -> None:
    assert gan(*RING, "--out", "run")[0] == 0
    for file in Path("run/checkpoints").iterdir():
        file.unlink()


def edited(gan: Gan) -> None:
    assert gan(*RING, "--out", "a run")[0] == 0
    file = Path("a run/preset.toml")
    file.write_text(file.read_text().replace("steps = 1 ", "steps = 2 "))


def preset_as_plugin(gan: Gan) -> None:
    Path("my preset.toml").write_text(gan("presets", "show", "gan", "--dataset", "ring8")[1])


def no_preset(gan: Gan) -> None:
    del gan
    Path("x.toml").write_text("a = 1")


def broken_image(gan: Gan) -> None:
    del gan
    (images(Path("my photos")) / "cats" / "0.png").write_bytes(b"no image")


CASES: dict[str, tuple[Callable[[Gan], None], tuple[object, ...], int]] = {
    "no run to sample": (plain, ("sample",), 4),
    "no run of a model": (plain, ("sample", "gan"), 4),
    "no run of a model with classes": (plain, ("sample", "--per-class", 1), 4),
    "no run of images": (plain, ("traverse",), 4),
    "no run to show": (plain, ("status",), 4),
    "another model has the data set": (plain, ("train", "dcgan", "--dataset", "ring8"), 2),
    "a field that does not exist": (
        plain,
        ("train", "gan", "--dataset", "ring8", "--set", "q=1"),
        2,
    ),
    "a field, and no data set": (plain, ("train", "eigengan", "--dry-run", "--set", "qqq.q=1"), 2),
    "a wrong option": (plain, ("train", "gan", "--stepz", 3), 2),
    "a wrong option of a command of a group": (plain, ("presets", "show", "--variat"), 2),
    "a wrong command": (plain, ("trian",), 2),
    "a missing argument": (plain, ("compare",), 2),
    "a missing value": (plain, ("sample", "--count"), 2),
    "a wrong value": (plain, ("sample", "--count", "many"), 2),
    "an option without a model": (plain, ("bench", "train", "--variant", "paper"), 2),
    "a run is complete": (run_with_spaces, ("resume", "my runs/it's one"), 0),
    "the end of a training": (plain, (*RING, "--out", "my runs/a b"), 0),
    "points are not traversed": (run_with_spaces, ("traverse", "my runs/it's one"), 2),
    "a run without a checkpoint": (stopped_early, ("resume", "run"), 4),
    "an edited preset": (edited, ("resume", "a run"), 4),
    "the list of models": (plain, ("presets",), 0),
    "a model": (plain, ("presets", "gan"), 0),
    "a model of images": (plain, ("presets", "acgan"), 0),
    "the short form of a plan": (plain, (*RING, "--dry-run"), 0),
    "a run's status": (run_with_spaces, ("status",), 0),
    "a file that is no preset": (no_preset, ("train", "x.toml"), 2),
    "a broken image is skipped": (
        broken_image,
        ("train", "dcgan", "--dataset", "my photos", *SMALL, "--skip-broken", "--out", "a b"),
        0,
    ),
    "a preset in a plugin's place": (
        preset_as_plugin,
        ("presets", "--plugin", "my preset.toml"),
        2,
    ),
}
"""State and command, with its exit code; every command it prints must be one that works."""
PLACEHOLDERS = {"MODEL": "gan", "N": "2", "DATASET": "ring8"}


def shortened(words: list[str]) -> list[str]:
    """The command with values for its placeholders, and options that make it short."""
    named = [PLACEHOLDERS.get(word, word) for word in words]
    if named[0] == "bench":
        return [*named, "--help"]
    if named[0] == "train" and not {"--help", "--dry-run", "--steps"} & {*named}:
        if "MODEL" in words and "--dataset" not in named:
            named += ["--dataset", "ring8"]
        named += ["--steps", "2"] if "--out" in named else ["--dry-run"]
    return named


@pytest.mark.parametrize("case", CASES)
def test_advised_commands_work(case: str, gan: Gan, advice: Callable[..., list[list[str]]]) -> None:
    lay, typed, code = CASES[case]
    lay(gan)
    advised = advice(*typed, code=code)
    assert advised, "nothing is advised any more: take the case out"
    for words in advised:
        ended, _, err = gan(*shortened(words))
        assert ended == 0, f"gan {shlex.join(words)}: {err}"


def test_moved_images_are_named_anew_and_nothing_else_changes(
    gan: Gan, advice: Callable[..., list[list[str]]], tmp_path: Path
) -> None:
    folder = images(tmp_path / "my photos")
    train = ("train", "dcgan", "--dataset", folder, *SMALL, "--out", "r")
    assert gan(*train)[0] == 0
    before = Path("r/preset.toml").read_text()
    moved = folder.rename(tmp_path / "new place")
    more = ("train", "r/preset.toml", "--out", "r", "--resume", "--allow-changes", "--steps", 2)
    code, _, err = gan(*more)
    assert (code, "add --dataset PATH" in err) == (3, True)
    assert gan(*more, "--dataset", moved)[0] == 0
    after = Path("r/preset.toml").read_text()
    assert [
        (a.split()[:3], b.split()[:3])
        for a, b in zip(before.splitlines(), after.splitlines(), strict=True)
        if a.split()[:3] != b.split()[:3]
    ] == [
        (["path", "=", f'"{folder}"'.split()[0]], ["path", "=", f'"{moved}"'.split()[0]]),
        (["steps", "=", "1"], ["steps", "=", "2"]),
    ]
    elsewhere = moved.rename(tmp_path / "third place")
    Path("r/checkpoints/step-000002.safetensors").unlink()
    # The run has a step to go, from its first checkpoint.
    (resuming,) = advice("resume", "r")
    typed = [str(elsewhere) if word == "PATH" else word for word in resuming]
    assert typed[:2] == ["resume", "r"]


def test_a_model_named_again_keeps_variant_and_changes(gan: Gan, tmp_path: Path) -> None:
    folder = images(tmp_path / "photos")
    train = ("train", "dcgan", "--dataset", folder, *SMALL, "--out", "r")
    assert gan(*train)[0] == 0
    moved = folder.rename(tmp_path / "other name")
    again = ("train", "dcgan", "--dataset", moved, "--out", "r", "--resume", "--allow-changes")
    code, out, err = gan(*again, "--steps", 2)
    assert code == 0, err
    changed = [line for line in out.splitlines() if line.startswith("changed ")]
    assert changed == [
        f"changed data.path: {folder} -> {moved}",
        "changed schedule.steps: 1 -> 2",
    ]


def test_resume_may_be_typed_twice(gan: Gan) -> None:
    for where in (("--out", "here"), ()):
        typed = (*RING, "--resume", *where)
        code, out, _ = gan(*typed)
        assert (code, "there is no run to resume yet" in out) == (0, True)
        code, out, _ = gan(*typed)
        assert (code, "is complete at step 1" in out) == (0, True)
        code, out, err = gan(*[2 if word == 1 else word for word in typed], "--allow-changes")
        assert (code, "resuming" in out) == (0, True), err
    assert [path.name for path in Path("runs").iterdir() if path.is_dir()] == ["gan-ring8-001"]


def test_resume_starts_again_what_stopped_before_its_first_checkpoint(gan: Gan) -> None:
    stopped_early(gan)
    code, out, err = gan(*RING, "--out", "run", "--resume")
    assert code == 0, err
    assert "done: 1 step" in out


def test_advice_repeats_the_plugins_of_the_command_line(
    gan: Gan, advice: Callable[..., list[list[str]]]
) -> None:
    Path("my part.py").write_text("")
    (first,) = advice("--plugin", "my part.py", "sample", code=4)
    assert first == ["--plugin", "my part.py", "train", "gan", "--dataset", "ring8"]
    (second,) = advice("sample", code=4)
    assert second == ["train", "gan", "--dataset", "ring8"]


def literals(path: Path) -> Iterator[str]:
    """Texts of a file that may be printed: docstrings and help are read, not pasted."""
    nodes = nodes_of(path)
    passed = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.keyword) and node.arg == "help":
            passed |= {id(below) for below in ast.walk(node.value)}
    for node in nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in passed
        ):
            yield node.value


OF_PATTERNS = {"library/in_python.py"}
"""Files whose texts recognise commands."""


def spelt_out(path: Path) -> Iterator[str]:
    if path.relative_to(PACKAGE).as_posix() not in OF_PATTERNS:
        yield from (text for text in literals(path) if SPELT_OUT.search(text))


def test_commands_are_put_together_by_one_function() -> None:
    """By `pasteable.command`, which quotes."""
    assert not faults_in(sources(), spelt_out)


def test_a_command_that_is_spelt_out_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text('"""gan train x"""\nprint(f"type gan resume {x}", help="as gan train does")\n')
    assert [text for text in literals(file) if SPELT_OUT.search(text)] == ["type gan resume "]
