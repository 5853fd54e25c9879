"""Claims about an experiment's cells: Python expressions of a few words, checked once per seed.

at(loss='hinge', conditional='no').fid      a measure of one cell
every().where(model=['gan', 'wgan']).held   of several
cell('beta1-0').fid                         of a cell outside the grid
min(...), max(...), all(... >= 8), abs(...), and, or, comparisons, + - *
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gancli.errors import UsageError
from gancli.experiment.axes import label_of


class NotMeasuredError(Exception):
    """A claim needs a cell or a measure that is not there; its text says which."""


@dataclass(frozen=True)
class ClaimRow:
    """A cell of one seed, or a published one."""

    name: str
    labels: Mapping[str, str]
    values: Mapping[str, float]
    is_outside: bool = False


class _Cells:
    """Cells, or a measure of them."""

    def __init__(self, rows: Sequence[ClaimRow], measure: str = "") -> None:
        self.rows, self.measure = rows, measure

    def where(self, labels: Mapping[str, object]) -> "_Cells":
        """Those of the grid with these labels."""
        wanted = {
            axis: {label_of(v) for v in (said if isinstance(said, list) else [said])}
            for axis, said in labels.items()
        }
        known = {axis: {row.labels.get(axis) for row in self.rows} for axis in wanted}
        for axis, names in wanted.items():
            unknown = sorted(names - {label for label in known[axis] if label})
            if unknown:
                raise NotMeasuredError(f"{axis} = {unknown[0]}")
        rows = [
            row
            for row in self.rows
            if not row.is_outside
            and all(row.labels.get(axis) in names for axis, names in wanted.items())
        ]
        return _Cells(rows, self.measure)

    def values(self) -> list[float]:
        """The measure of each."""
        if not self.rows:
            raise NotMeasuredError("a cell that is not there")
        missing = next((row for row in self.rows if self.measure not in row.values), None)
        if missing is not None:
            raise NotMeasuredError(f"{self.measure} of {missing.name}")
        return [row.values[self.measure] for row in self.rows]

    def one(self) -> float:
        """The measure of the only one."""
        values = self.values()
        if len(values) != 1:
            raise UsageError(f"a claim means one cell, and {len(values)} fit: name all its labels")
        return values[0]


_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_COMBINED: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def holds(test: str, rows: Sequence[ClaimRow]) -> bool:
    """Whether a claim is true of these cells.

    Args:
        test: the expression.
        rows: the cells, all of one seed.

    Raises:
        NotMeasuredError: it needs a cell or a measure that is not there.
        UsageError: it is no such expression.
    """
    try:
        tree = ast.parse(test, mode="eval")
    except SyntaxError as error:
        raise UsageError(f"the claim {test!r} is not an expression: {error.msg}") from error
    return _Reader(rows, test).truth(tree.body)


class _Reader:
    """Reads one expression; what is not listed here is refused."""

    def __init__(self, rows: Sequence[ClaimRow], text: str) -> None:
        self.rows, self.text = rows, text

    def read(self, node: ast.expr) -> Any:  # noqa: ANN401
        """The value of a part."""
        known: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.List: lambda part: [self.read(each) for each in part.elts],
            ast.UnaryOp: self._negative,
            ast.BoolOp: self._joined,
            ast.BinOp: self._combined,
            ast.Compare: lambda part: self._compare(part, _alone),
            ast.Attribute: lambda part: _Cells(self._cells(part.value).rows, part.attr),
            ast.Call: self._call,
        }
        if type(node) not in known:
            raise self._refused(node)
        return known[type(node)](node)

    def truth(self, node: ast.expr) -> bool:
        """Whether a comparison holds; numbers and words would always do."""
        found = self.read(node)
        if not isinstance(found, bool) or isinstance(node, ast.Constant):
            said = ast.unparse(node)
            raise UsageError(
                f"the claim {self.text!r} compares nothing in {said!r}: add a comparison, e.g. < 5"
            )
        return found

    def _constant(self, node: ast.Constant) -> object:
        if not isinstance(node.value, int | float | str):
            raise self._refused(node)
        return node.value

    def _negative(self, node: ast.UnaryOp) -> float:
        if not isinstance(node.op, ast.USub):
            raise self._refused(node)
        return -self._number(node.operand)

    def _joined(self, node: ast.BoolOp) -> bool:
        parts = map(self.truth, node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)

    def _combined(self, node: ast.BinOp) -> float:
        if type(node.op) not in _COMBINED:
            raise self._refused(node)
        return _COMBINED[type(node.op)](self._number(node.left), self._number(node.right))

    def _refused(self, node: ast.AST) -> UsageError:
        return UsageError(f"the claim {self.text!r} may not have {ast.unparse(node)!r}")

    def _cells(self, node: ast.expr) -> _Cells:
        found = self.read(node)
        if not isinstance(found, _Cells):
            raise self._refused(node)
        return found

    def _number(self, node: ast.expr) -> float:
        found = _alone(self.read(node))
        if not isinstance(found, int | float):
            raise self._refused(node)
        return found

    def _numbers(self, node: ast.expr) -> list[float]:
        """A measure of several cells, or one number."""
        found = self.read(node)
        values = found.values() if isinstance(found, _Cells) else [found]
        if not all(isinstance(value, int | float) for value in values):
            raise self._refused(node)
        return values

    def _compare(self, node: ast.Compare, left: Callable[[Any], Any]) -> bool:
        parts = [node.left, *node.comparators]
        values = [left(self.read(parts[0])), *(self._number(part) for part in parts[1:])]
        pairs = zip(node.ops, values, values[1:], strict=False)
        for op, first, second in pairs:
            if type(op) not in _COMPARED:
                raise self._refused(node)
            compare = _COMPARED[type(op)]
            many = first if isinstance(first, list) else [first]
            if not all(compare(value, second) for value in many):
                return False
        return True

    def _call(self, node: ast.Call) -> Any:  # noqa: ANN401
        named = {word.arg: self.read(word.value) for word in node.keywords if word.arg}
        if isinstance(node.func, ast.Attribute) and node.func.attr == "where" and not node.args:
            return self._cells(node.func.value).where(named)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("at", "every") and not node.args:
            return _Cells([r for r in self.rows if not r.is_outside]).where(named)
        if name in ("min", "max") and node.args:
            values = [value for part in node.args for value in self._numbers(part)]
            return min(values) if name == "min" else max(values)
        one = node.args[0] if len(node.args) == 1 else None
        if name == "cell" and isinstance(one, ast.Constant):
            return _Cells([row for row in self.rows if row.name == one.value])
        if name == "all" and isinstance(one, ast.Compare):
            return self._compare(one, _each)
        if name == "abs" and one is not None:
            return abs(self._number(one))
        raise self._refused(node)


def _alone(value: Any) -> Any:  # noqa: ANN401
    return value.one() if isinstance(value, _Cells) else value


def _each(value: Any) -> Any:  # noqa: ANN401
    return value.values() if isinstance(value, _Cells) else value
