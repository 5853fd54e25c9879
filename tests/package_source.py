"""The package's own sources, as tests read them: a process parses and walks each file once."""

import ast
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gancli"


@cache
def sources() -> list[Path]:
    """Every Python file of the package."""
    return sorted(p for p in PACKAGE.rglob("*.py") if "_presets" not in p.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """All that `ast.walk` finds in a file."""
    return list(ast.walk(tree_of(path)))


def faults_in(paths: Iterable[Path], faults_of: Callable[[Path], Iterable[str]]) -> str:
    """A line for each fault of any of the files, which names the file; empty where there is none.

    One test of all files takes a tenth of the time of as many tests, and hides no fault.
    """
    return "\n".join(
        f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in faults_of(path)
    )
