"""The base of everything a preset may say, and what its fields mean."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict


def _add_meanings(schema: dict[str, Any], kind: type["Settings"]) -> None:
    """Let a JSON schema say what the fields mean."""
    for name, said in kind.meanings().items():
        schema["properties"][name].setdefault("description", said)


class Settings(BaseModel):
    """Frozen, without unknown keys, and with finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_add_meanings
    )

    def idle(self) -> Mapping[str, str]:
        """Fields that change nothing as the others stand, and why.

        In a preset such a field must have its default.
        """
        return {}

    @classmethod
    def meanings(cls) -> Mapping[str, str]:
        """What fields mean: the string below each, or its `Field`'s description.

        pydantic would read all strings when the classes are made, for a quarter of a second.
        """
        found: dict[str, str] = {}
        for kind in reversed(cls.__mro__):
            if issubclass(kind, Settings):
                found |= _strings_below(kind)
        described = {n: f.description for n, f in cls.model_fields.items() if f.description}
        return {n: said for n in cls.model_fields if (said := described.get(n) or found.get(n))}


@cache
def _strings_below(kind: type[Settings]) -> dict[str, str]:
    """The string below each field that the class itself declares, empty where there is none."""
    body = _classes_of(kind.__module__).get(kind.__qualname__, [])
    found: dict[str, str] = {}
    for node, below in pairwise([*body, ast.Pass()]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = below.value if isinstance(below, ast.Expr) else None
            said = value.value if isinstance(value, ast.Constant) else None
            found[node.target.id] = inspect.cleandoc(said) if isinstance(said, str) else ""
    return found


@cache
def _classes_of(module: str) -> dict[str, list[ast.stmt]]:
    """The bodies of a module's classes, by their qualified names; none without its source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    return dict(_classes_in(tree, ""))


def _classes_in(node: ast.AST, path: str) -> Iterator[tuple[str, list[ast.stmt]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{path}{child.name}", child.body
            yield from _classes_in(child, f"{path}{child.name}.")
        elif isinstance(child, ast.FunctionDef):
            yield from _classes_in(child, f"{path}{child.name}.<locals>.")
        elif isinstance(child, ast.stmt):
            yield from _classes_in(child, path)
