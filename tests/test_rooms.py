"""The house's rules: who imports whom, who knows rich, typer and torch, and no model's name."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gancli import catalog

PACKAGE = Path(__file__).parent.parent / "gancli"
ROOMS = [
    {
        "__init__",
        "errors",
        "settings",
        "types",
        "rng",
        "registry",
        "scores",
        "choices",
        "defaults",
        "watch",
        "prior",
        "files",
        "launch",
        "signals",
        "catalog",
        "parallel",
    },
    {"networks", "objective", "optimizers", "data"},
    {"preset"},
    {"state", "checkpoint", "runs", "environment", "user_images"},
    {"sampler", "traverse", "html", "pictures", "writer", "preview", "evaluation"},
    {"trainer"},
    {"evaluate_in_training"},
    {"report", "bench", "study"},
    {"run_job"},
    {"commands", "cli", "__main__"},
]
"""A room imports from rooms before it, and from itself."""
COMMANDS = {"app.py", "traverse.py", "compare.py", "evaluate.py", "evaluate_checkpoint.py"}
"""Files of functions that are as long as their lists of options."""
BLIND = {"networks", "objective", "data"}
"""Side by side, but blind to each other."""


def sources() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_presets" not in p.parts)


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_of(module: str) -> int:
    return next(i for i, room in enumerate(ROOMS) if module in room)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_up_the_house(path: Path) -> None:
    here = module_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "gancli" or len(parts) < 2 or parts[1] == "__version__":
            continue
        there = parts[1]
        assert room_of(there) <= room_of(here), f"{here} must not import {there}"
        if {here, there} <= BLIND:
            assert here == there, f"{here} and {there} are blind to each other"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rich_and_typer_stay_in_their_rooms(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(path)}
    here = module_of(path)
    assert "typer" not in roots or here in ("cli", "commands")
    assert "rich" not in roots or here in ("cli", "commands", "report")
    assert not roots & {"pickle", "dill", "cloudpickle"}


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_model_is_named_in_code(path: Path) -> None:
    """Only presets know models: no identifier and no string of the code is one's name.

    The command is called `gan`, so that word may stand inside a sentence, but not alone.
    """
    names = set(catalog.model_names())
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words = {name.replace("-", "_") for name in names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings or (path.name == "main.py" and node.value == "gan"):
                continue
            assert node.value not in names
            for name in names - {"gan"}:
                assert not re.search(rf"(?<![\w-]){name}(?![\w-])", node.value), node.value
        elif isinstance(node, ast.Name | ast.FunctionDef | ast.ClassDef):
            identifier = node.id if isinstance(node, ast.Name) else node.name
            assert identifier.lower() not in words


@pytest.mark.parametrize("command", [["--help"], ["presets"], ["train", "--help"], ["--version"]])
def test_these_do_not_wait_for_torch(command: list[str]) -> None:
    code = (
        "import sys; from gancli.cli.main import run; code = run(sys.argv[1:]); "
        "assert code == 0, code; heavy = {'torch', 'numpy', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert result.returncode == 0, result.stderr


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in sources():
        text = path.read_text()
        if len(text.splitlines()) > 320:
            long.append(f"{path.name}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and path.name not in COMMANDS:
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 45:
                    long.append(f"{path.name}: {node.name} has {length} lines")
    assert not long, long
