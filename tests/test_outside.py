"""Text from outside becomes values in one place, and what does not fit is a sentence."""

import ast
import json
import math
from pathlib import Path

import pytest
from conftest import Gan
from package_source import PACKAGE, nodes_of, sources
from pydantic import BaseModel

from gancli.errors import RunError
from gancli.evaluation.results import read_evaluations
from gancli.outside import ForeignTextError, json_from, model_from
from gancli.runs.logs import read_rows

READERS = {"loads", "load", "model_validate", "model_validate_json", "validate_json", "from_json"}
MODULES = {"json", "tomllib", "pydantic_core", "yaml"}
WITHIN = {
    "outside.py": "the one place",
    "any_of.py": "within pydantic's own validation",
    "objective/objective.py": "within pydantic's own validation",
    "preset/stored.py": "within pydantic's own validation",
    "preset/load.py": "a resolved table, whose errors become sentences with the field's path",
    "networks/spec.py": "a table of a preset, validated on its own to describe a network",
    "preset/named_data.py": "the table of a data set that comes with the package",
    "catalog/base.py": "the tables of a preset file, parsed already",
    "experiment/file.py": "the tables of an experiment's file, parsed already",
    "catalog/preset_files.py": "the tables of a preset file, parsed already",
}
"""Files that call a reader themselves, and why they may."""


def readings(path: Path) -> list[str]:
    """The calls in a file that turn text, or plain values, into objects."""
    found = []
    for node in nodes_of(path):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, owner = node.func.attr, ast.unparse(node.func.value)
        plain = owner in MODULES and name in {"loads", "load", "from_json"}
        if plain or (name in READERS - {"load", "loads"}) or name == "validate_python":
            found.append(f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno} {owner}.{name}")
    return found


def test_text_from_outside_is_read_in_one_place() -> None:
    every = [each for path in sources() for each in readings(path)]
    assert {each.partition(":")[0] for each in every} >= {"outside.py", "any_of.py"}
    stray = [each for each in every if each.partition(":")[0] not in WITHIN]
    assert not stray, "read it with gancli.outside"


def test_text_files_say_their_encoding() -> None:
    """A machine's own may be ASCII."""
    silent = []
    for path in sources():
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                named = {keyword.arg for keyword in node.keywords}
                is_text = node.func.attr in ("read_text", "write_text")
                if (is_text and "encoding" not in named) or "text" in named:
                    silent.append(f"{path.name}:{node.lineno} {ast.unparse(node.func)}")
    assert not silent


class Table(BaseModel):
    """Anything."""

    count: int
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"count": ' + b"9" * 5000 + b"}",
        b'{"count": "many"}',
        b"[]",
        b"null",
        b'{"names": 3}',
        b'{"count": 1, "names": ["\\udcff"]}',
        b'{"count": NaN}',
    ],
    ids=range(11),
)
def test_every_fault_of_a_text_is_a_sentence(text: bytes) -> None:
    with pytest.raises(ForeignTextError) as caught:
        model_from(Table, text, "notes.json")
    assert str(caught.value).startswith("notes.json is ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_fits_is_what_was_written() -> None:
    assert model_from(Table, b'{"count": 3, "names": ["a"]}', "x") == Table(count=3, names=("a",))
    assert json_from('{"a": 1e-300, "b": 12345678901234567890}', "x") == {
        "a": 1e-300,
        "b": 12345678901234567890,
    }


def test_a_validator_that_stumbles_is_a_sentence() -> None:
    class Odd(BaseModel):
        """Its validator fails in a way of its own."""

        def __init__(self, **data: object) -> None:
            raise KeyError("odd")

        @classmethod
        def model_validate_json(cls, *args: object, **kwargs: object) -> "Odd":
            return cls()

    with pytest.raises(ForeignTextError, match="x is damaged or was written by another version"):
        model_from(Odd, b"{}", "x")


@pytest.mark.parametrize(
    "line",
    [
        '{"step": true}',
        '{"step": -1}',
        '{"step": 1' + "0" * 400 + "}",
        '{"step": 1.5}',
        "[1]",
        "\0\0",
    ],
)
def test_a_log_ends_at_its_first_foreign_line(line: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n' + line + '\n{"step": 3}\n')
    assert read_rows(file) == [{"step": 1}]


SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
    *("--set", "schedule.log_every=1"),
]
ODD_NUMBERS = (0, -1, math.nan, math.inf, 10**400, True, "1", None, [1], 1e300, 1e-320)


def test_odd_numbers_in_a_runs_logs_are_passed_over(gan: Gan) -> None:
    """A line of them neither ends `gan status` nor a training that goes on."""
    assert gan(*SMALL, "--steps", 3, "--out", "run")[0] == 0
    rows = [json.dumps({"step": 3, "steps": n, "seconds": m}) for n in ODD_NUMBERS for m in (n, 1)]
    rows += [json.dumps({"step": 3, "steps": 1, "seconds": n}) for n in ODD_NUMBERS]
    with Path("run/timing.jsonl").open("a") as file:
        file.write("\n".join(rows) + "\n")
    losses = [json.dumps({"step": 3, "loss_generator": n, "modes_held": n}) for n in ODD_NUMBERS]
    with Path("run/metrics.jsonl").open("a") as file:
        file.write("\n".join(losses) + "\n")
    code, out, err = gan("status", "run")
    assert (code, err) == (0, "")
    assert "steps/s" in out
    more = ["--resume", "--allow-changes", "--steps", 5]
    code, out, err = gan("train", "gan", "--out", "run", *more)
    assert (code, err) == (0, "")
    assert Path("run/report.html").stat().st_size > 1000


@pytest.mark.parametrize(
    "content", ["[", "{}", "[1]", "[{}]", '[{"scores": 1}]', "null", "[" * 9999, "\udcff"]
)
def test_an_evaluation_file_that_is_none(content: str, gan: Gan) -> None:
    assert gan(*SMALL, "--steps", 1, "--out", "run")[0] == 0
    file = Path("run/evaluation.json")
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=r"evaluation\.json is .*move it away") as caught:
        read_evaluations(file)
    assert "\n" not in str(caught.value)
    assert gan("status", "run")[0] == 0


@pytest.mark.parametrize("content", ["", "[", "{}", '{"arena": 3}', "\x00", "[" * 9999])
def test_a_study_file_that_is_none(content: str, gan: Gan) -> None:
    Path("study").mkdir()
    Path("study/study.json").write_text(content)
    typed = ["collapse-study", "--models", "gan", "--seeds", 1, "--steps", 2, "--out", "study"]
    code, _, err = gan(*typed)
    assert (code, err.count("\n")) == (4, 1), err
    assert "study.json is" in err
