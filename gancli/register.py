"""Registers parts of your own; a plugin is a file or a package that does so when it is imported.

Each function is a decorator that takes the name by which presets know the part. A name that is
taken is refused; the same definition again, as in a notebook's cell that is run twice, replaces the
first.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, get_args

from gancli.errors import UsageError
from gancli.registry import Registry
from gancli.settings import Settings

if TYPE_CHECKING:
    from gancli.data import DataSpec

    Data = TypeVar("Data", bound=DataSpec)

Part = TypeVar("Part", bound=Settings)
Named = TypeVar("Named", bound=Settings)


def dataset(name: str) -> "Callable[[type[Data]], type[Data]]":
    """Register a kind of data set: `kind = "NAME"` in a preset's `[data]`.

    The class is a `gancli.parts.DataSpec` with a field `kind: Literal["NAME"] = "NAME"`; it says
    the shape of a sample, loads the data, and turns what a generator makes into samples.

    Raises:
        UsageError: the name is taken, or the class does not have that field.
    """
    from gancli.data import KINDS

    return _tagged(KINDS, name, "kind")


def _tagged(
    parts: "Registry[type[Part]]", name: str, tag: str
) -> "Callable[[type[Named]], type[Named]]":
    """Register what a field of its own tells apart from others."""

    def add(part: type[Named]) -> type[Named]:
        field = part.model_fields.get(tag)
        if field is None or get_args(field.annotation) != (name,):
            raise UsageError(
                f"presets know {part.__name__} by its field {tag}: give it the line "
                f'{tag}: Literal["{name}"] = "{name}"'
            )
        return parts.register(name)(part)

    return add
