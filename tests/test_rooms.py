"""The house's rules: who imports whom, who knows rich, typer and torch, names, and file names."""

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from package_source import PACKAGE, ROOT, faults_in, nodes_of, sources, tree_of

from gancli import catalog

ROOMS = [
    {
        "errors",
        "settings",
        "types",
        "rng",
        "seeds_and_classes",
        "typed_format",
        "plugins",
        "plugin_records",
        "any_of",
        "registry",
        "scores",
        "score_types",
        "score_words",
        "prior",
        "files",
        "scratch",
        "launch",
        "one_voice",
        "start_processes",
        "signals",
        "catalog",
        "parallel",
        "choices",
        "defaults",
        "watch",
        "folders",
        "cache_layout",
        "sample_formats",
        "plurals",
        "pasteable",
        "outside",
        "notices",
        "locks",
        "hub",
        "exchange",
        "alpha",
        "printable",
        "class_folders",
        "image_formats",
        "tabular",
    },
    {"networks", "objective", "optimizers", "updates", "formulas", "data"},
    {"preset"},
    {
        "state",
        "checkpoint",
        "checkpoint_header",
        "tally",
        "start_from",
        "runs",
        "environment",
        "user_images",
        "typed_preset",
        "explanations",
        "zoo",
        "importing",
    },
    {
        "sampler",
        "traverse",
        "walk",
        "axis_values",
        "latent_files",
        "traversal_source",
        "animation",
        "html",
        "templates",
        "palette",
        "pictures",
        "point_pictures",
        "discriminator_field",
        "sheets",
        "sample_picture",
        "data_sheet",
        "figures",
        "page_charts",
        "writer",
        "output_places",
        "preview",
        "film",
        "frames",
        "run_pictures",
        "caches",
        "cache_removal",
        "evaluation",
        "health",
    },
    {"step", "trainer", "events", "rollback", "turn_gauge", "compiled_step", "agreement"},
    {"evaluate_in_training", "verdicts"},
    {"bench", "experiment", "doctor", "lab"},
    {"report"},
    {"sharing"},
    {"run_job", "run_experiment", "run_axes", "run_walk", "commands"},
    {"library", "register", "parts"},
    {"cli", "__main__", "__init__"},
]
"""A room imports from rooms before it, and from itself."""
DOORS = {"cli", "commands", "library"}
"""A command, typed and done, and the library's function of the same name."""
BLIND = {"networks", "objective", "data"}
"""These three must not import each other."""
ASSEMBLY = {
    "__init__", "app", "complete", "image_options", "main", "metric_options", "mistyped", "options",
}  # fmt: skip
"""Files of cli/ that are not one command's."""
SHARED_NAMES = {"load"}
"""A name of two meanings: the library's opens what the checkpoint's reads."""
LIBRARY = {"evaluate_checkpoint.py"}
"""Files of functions for programs, which say of each argument what it is."""
HEAVY = {"torch", "torchvision", "numpy", "matplotlib", "safetensors", "PIL"}
"""What `gan --help` does not wait for."""


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_of(module: str) -> int:
    return next(i for i, room in enumerate(ROOMS) if module in room)


def imports(path: Path, *, at_start: bool = False) -> Iterator[str]:
    """What a file imports; `at_start`: only what importing the file imports."""
    for node in _run_at_start(tree_of(path).body) if at_start else nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run_at_start(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not is_for_types:
            yield node
            for field in ("body", "orelse", "finalbody"):
                yield from _run_at_start(getattr(node, field, []))


def file_of(module: str) -> Path | None:
    """The file of a module of the package; None: it is none."""
    place = ROOT.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)


def wrong_imports(path: Path) -> Iterator[str]:
    here = module_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "gancli" or len(parts) < 2 or parts[1] == "__version__":
            continue
        there = parts[1]
        if room_of(there) > room_of(here):
            yield f"{here} must not import {there}"
        if {here, there} <= BLIND and here != there:
            yield f"{here} and {there} are blind to each other"


def test_imports_point_up_the_house() -> None:
    assert not faults_in(sources(), wrong_imports)


def packages_out_of_their_room(path: Path) -> Iterator[str]:
    roots = {name.partition(".")[0] for name in imports(path)}
    for package, room in {"typer": "cli", "rich": "report"}.items():
        if package in roots and module_of(path) != room:
            yield f"only {room} imports {package}"
    yield from (f"imports {name}" for name in roots & {"pickle", "dill", "cloudpickle"})


def test_rich_and_typer_stay_in_their_rooms() -> None:
    assert not faults_in(sources(), packages_out_of_their_room)


def test_each_command_has_two_doors() -> None:
    """cli/X.py is typed, commands/X.py does it; the command's function is the stem in both."""
    typed, done = (
        {path.stem for path in (PACKAGE / room).glob("*.py")} for room in ("cli", "commands")
    )
    assert typed - ASSEMBLY == done - {"__init__"}
    assembled = {name.rpartition(".")[2] for name in imports(PACKAGE / "cli" / "app.py")}
    for stem in typed - ASSEMBLY:
        assert {stem, f"{stem}_app"} & assembled, f"app.py does not assemble {stem}"


def test_no_command_imports_another() -> None:
    for path in sources():
        if module_of(path) not in ("cli", "commands"):
            continue
        for name in imports(path):
            there = ".".join(name.split(".")[:3])
            if not name.startswith("gancli.commands."):
                continue
            own = f"gancli.commands.{path.stem}"
            assert module_of(path) == "cli" and there == own, f"{path} imports {name}"


def test_no_public_name_is_defined_twice() -> None:
    """One name, one meaning; the doors of one thing share its name."""
    places = defaultdict(set)
    for path in sources():
        for node in tree_of(path).body:
            for name in _defined(node):
                if not name.startswith("_") and name not in SHARED_NAMES:
                    places[name].add(path.relative_to(PACKAGE).with_suffix("").as_posix())
    twice = {
        name: sorted(found)
        for name, found in places.items()
        if len(found) > 1 and not {place.partition("/")[0] for place in found} <= DOORS
    }
    assert not twice


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


REFERENCE = re.compile(
    r"(?<![\w/.-])(?:(?:gancli|tests|docs|presets)/[\w./-]*\.(?:py|md|toml|jinja|json|ipynb|jpg|png)"
    r"|[\w./-]*\w\.md)\b"
)
"""A file of this repository, as text names it."""


def test_every_file_that_is_referred_to_exists() -> None:
    texts = [path for path in sources() if path != Path(__file__)]
    texts += [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    texts += [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "presets").rglob("*.toml"),
    ]
    texts += [ROOT / "Makefile", ROOT / "pyproject.toml", *PACKAGE.rglob("*.jinja")]
    missing = [
        f"{path.relative_to(ROOT)}: {said}"
        for path in texts
        for said in REFERENCE.findall(path.read_text())
        if not any((folder / said).exists() for folder in (ROOT, ROOT / "docs", path.parent))
    ]
    assert not missing, missing


def models_named(path: Path) -> Iterator[str]:
    """Identifiers, and parts of strings, that are a model's name.

    The command is called `gan`, so that word may stand inside a sentence, but not alone; and one
    model's name is a verb, by which a time may be called, too.
    """
    names = set(catalog.model_names())
    docstrings = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Expr)}
    words = {name.replace("-", "_") for name in names - {"began"}}
    within = re.compile(rf"(?<![\w-])(?:{'|'.join(names - {'gan', 'began'})})(?![\w-])")
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings or (path.name == "main.py" and node.value == "gan"):
                continue
            if node.value in names or within.search(node.value):
                yield node.value
        elif isinstance(node, ast.Name | ast.FunctionDef | ast.ClassDef):
            identifier = node.id if isinstance(node, ast.Name) else node.name
            if identifier.lower() in words:
                yield identifier


def test_no_model_is_named_in_code() -> None:
    """Only presets know models: no identifier and no string of the code is one's name."""
    assert not faults_in(sources(), models_named)


def test_nothing_that_a_start_imports_waits_for_torch() -> None:
    """`gan` imports cli.main: nothing reached from there by what runs at import is heavy."""
    waiting, seen = {"gancli", "gancli.cli.main", "gancli.__main__"}, set[str]()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        path = file_of(module)
        assert path is not None
        for name in imports(path, at_start=True):
            assert name.partition(".")[0] not in HEAVY, f"{module} imports {name} at its start"
            parts = name.split(".")
            above = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
            if parts[0] == "gancli":
                waiting |= {each for each in above if file_of(each)} - seen
    assert "gancli.catalog.merge" in seen, "imports are no longer followed"


@pytest.mark.parametrize(
    "command",
    [
        *(["--help"], ["presets"], ["train", "--help"], ["evaluate", "--help"], ["--version"]),
        *([], ["explain"], ["explain", "plateau"]),
    ],
    ids=str,
)
def test_these_do_not_wait_for_torch(command: list[str]) -> None:
    code = (
        "import sys; from gancli.cli.main import run; code = run(sys.argv[1:]); "
        f"assert code == 0, code; heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy"
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
    """What is typed counts without its options: a command has as many as its users need.

    A function of the library counts without them and what is said of each.
    """
    long = []
    for path in sources():
        text = path.read_text()
        if len(text.splitlines()) > 320:
            long.append(f"{path.name}: {len(text.splitlines())} lines")
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef):
                first = node.body[0].lineno if module_of(path) == "cli" else node.lineno
                if (module_of(path) == "library" or path.name in LIBRARY) and ast.get_docstring(
                    node
                ):
                    first = node.body[1].lineno
                length = (node.end_lineno or 0) - first + 1
                if length > 45:
                    long.append(f"{path.name}: {node.name} has {length} lines")
    assert not long, long
