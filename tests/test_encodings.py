"""No character ends a command: not in a path, and not for the encoding of what is printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Gan
from helpers import narrowing

from gancli.checkpoint import load, read_header
from gancli.preset import load_preset
from gancli.runs.folder import Run

SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
]
ODD = ["ru\udcffn", "zwei\nZeilen", "tab\there", "\u202ereversed", "naïve 数", "a'b\"c $HOME"]
"""Names of folders: bytes that are not UTF-8, control characters, quotes."""


@pytest.mark.parametrize("name", [ODD[0], "".join(ODD[1:])], ids=["bytes", "characters"])
def test_a_run_may_lie_in_any_folder(name: str, gan: Gan) -> None:
    assert gan(*SMALL, "--steps", 3, "--out", name)[0] == 0
    run = Run(Path(name))
    assert run.report_file.stat().st_size > 1000
    more = ["train", "gan", "--out", name, "--resume", "--allow-changes", "--steps", 5]
    for typed in (["status", name], more, ["resume", name], ["sample", name]):
        code, _, err = gan(*typed)
        assert (code, err) == (0, "")
    assert load(run.checkpoint()).header.step == 5
    code, _, err = gan("evaluate", name)
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.slow
def test_traversals_of_a_run_in_any_folder(gan: Gan, data_dir: Path) -> None:
    fields = narrowing(load_preset("gan", "mnist"))
    sets = [word for field in fields for word in ("--set", field)]
    data = ["--data-dir", data_dir]
    small = ["train", "gan", "--dataset", "mnist", *sets, "--steps", 1]
    assert gan(*small, *data, "--out", ODD[0])[0] == 0
    assert gan("traverse", ODD[0], "--frames", 3, "--html", *data)[0] == 0
    (page,) = Path(ODD[0]).rglob("traverse.html")
    assert page.stat().st_size > 1000


def test_a_data_folder_that_is_not_utf_8_is_no_obstacle(gan: Gan) -> None:
    folder = Path("da\udcffta")
    folder.mkdir()
    assert gan(*SMALL, "--steps", 2, "--data-dir", folder, "--out", "run")[0] == 0
    said = read_header(Run(Path("run")).checkpoint()).data_folder
    assert said is not None
    assert said.endswith("da\\xffta")
    assert gan("resume", "run")[0] == 0


def test_a_study_in_such_a_folder_is_refused_in_a_sentence(gan: Gan) -> None:
    code, _, err = gan("collapse-study", "--models", "gan", "--seeds", 1, "--out", ODD[0])
    assert (code, err.count("\n")) == (2, 1)
    assert "not UTF-8" in err


ALL_COMMANDS = """
import os
import sys
from gancli.cli import main
for typed in {commands!r}:
    sys.argv = ["gan", *map(os.fsdecode, typed)]
    try:
        main()
    except SystemExit as end:
        assert end.code == 0, (typed, end.code)
"""


def test_output_in_ascii_shows_numbers_instead() -> None:
    """As on a machine without a locale: the run's name is not of its letters."""
    name = "naïve 数"
    commands = [
        [*SMALL, "--steps", "3", "--out", name],
        *(
            ["status", name],
            ["sample", name],
            ["presets"],
            ["presets", "show", "gan", "--dataset", "ring8"],
        ),
        [*SMALL, "--dry-run"],
    ]
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    script = Path("script.py")
    script.write_text(ALL_COMMANDS.format(commands=[list(map(os.fsencode, c)) for c in commands]))
    result = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        check=False,
        env=os.environ | ascii_only,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert rb"na\udcc3\udcafve" in result.stdout


@pytest.mark.slow
def test_a_study_ends_whole_in_ascii() -> None:
    typed = [
        "collapse-study",
        "--models",
        "gan",
        "--seeds",
        "1",
        "--steps",
        "4",
        "--out",
        "studie é",
    ]
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    result = subprocess.run(
        [sys.executable, "-m", "gancli", *typed],
        capture_output=True,
        check=False,
        env=os.environ | ascii_only,
    )
    assert result.returncode == 0, result.stderr
    assert Path("studie é/report.html").exists()
    assert b"Error" not in result.stderr
