"""Parts by name: those of this package, and those that plugins bring."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from gancli.errors import UsageError

Part = TypeVar("Part")
Added = TypeVar("Added")


class Registry(Mapping[str, Part], Generic[Part]):
    """One kind of part, in the order in which the parts were registered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        """the name of such a part in sentences, e.g. "network family"."""
        self._parts: dict[str, Part] = {}

    def register(self, name: str) -> Callable[[Added], Added]:
        """Register what is decorated under this name.

        The same definition again, as in a notebook's cell that is run twice, replaces the first.

        Raises:
            UsageError: the name is taken.
        """

        def add(part: Added) -> Added:
            if name in self._parts and _definition(part) != _definition(self._parts[name]):
                raise UsageError(f"{self.kind} {name} is registered twice: rename one of them")
            self._parts[name] = part  # type: ignore[assignment]
            return part

        return add

    def __getitem__(self, name: str) -> Part:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def _definition(part: object) -> tuple[object, object]:
    """Where a class or function is defined."""
    return getattr(part, "__module__", None), getattr(part, "__qualname__", part)
