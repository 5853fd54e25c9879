"""The README is true: what it shows runs, and the tree it draws is there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```sh\n(?P<body>.*?)```", re.DOTALL)


class Command(NamedTuple):
    line: str
    run: bool


def commands() -> list[Command]:
    """What the README shows, in order; `run with:` marks a block whose commands are shortened."""
    found = []
    for match in BLOCK.finditer(README):
        mark = match["mark"] or ""
        for line in match["body"].splitlines():
            typed = line.partition("  #")[0].strip()
            extra = mark.removeprefix("run with: ") if mark.startswith("run with: ") else ""
            found.append(Command(f"{typed} {extra}".strip(), not mark.startswith("not run: ")))
    return found


def test_marks_are_known_and_every_gan_command_runs() -> None:
    marks = {match["mark"] for match in BLOCK.finditer(README)} - {None}
    assert all(mark.startswith(("run with: --", "not run: ")) for mark in marks)
    kept = [command.line for command in commands() if not command.run]
    assert kept
    assert all(line.startswith(("make ", "torchrun ")) for line in kept)
    assert sum(command.run for command in commands()) >= 15


def test_every_command_line_block_is_found() -> None:
    assert README.count("```sh") == len(list(BLOCK.finditer(README)))
    assert not re.search(r"```(bash|console|shell)", README)


@pytest.mark.slow
def test_commands_run_as_written(data_dir: Path) -> None:
    binaries = Path(sys.executable).parent
    for command in commands():
        if not command.run:
            continue
        result = subprocess.run(
            command.line,
            shell=True,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {
                "PATH": f"{binaries}:{os.environ['PATH']}",
                "GANCLI_DATA": str(data_dir),
                "GANCLI_RUNS": "",
            },
        )
        assert result.returncode == 0, f"{command.line}: {result.stderr}"
        assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_demo_shows_a_collapse() -> None:
    """`make demo` here: gan holds one or two modes, the others most of the eight.

    Training amplifies how a machine rounds, so after 800 steps one mode more or less is chance.
    """
    venv = Path(sys.prefix)
    (venv / ".gancli-installed").touch()
    result = subprocess.run(
        ["make", "-C", ROOT, "demo", f"VENV={venv}", f"DEMO={Path.cwd() / 'demo'}"],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(Path("demo/results.json").read_text())
    held = {model["model"]: model["measures"]["held"]["mean"] for model in found["ranking"]}
    assert held.keys() == {"gan", "sngan", "wgan-gp"}
    assert held["gan"] in (1, 2)
    assert min(held["sngan"], held["wgan-gp"]) >= 6
    assert Path("demo/report.html").is_file()
    assert "demo/report.html" in result.stdout


def test_the_tree_is_the_tree() -> None:
    drawn = set(re.findall(r"^  (\w+(?:\.py|/)) +\d", README, re.MULTILINE))
    there = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "gancli").iterdir()
        if not path.name.startswith("_")
    }
    assert drawn == there


def test_pictures_are_there() -> None:
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
    assert sum(path.stat().st_size for path in (ROOT / "docs").rglob("*")) < 10_000_000
