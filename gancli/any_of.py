"""Fields that hold any registered part: a union that plugins add to."""

import json
from typing import Annotated, Any, Generic, TypeVar, Union

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gancli.plugins import load_plugins
from gancli.registry import Registry
from gancli.settings import Settings

_Part = TypeVar("_Part", bound=Settings)


class AnyOf(Generic[_Part]):
    """Annotates a field that holds any registered part; the part's tag says which one.

    Errors are those of pydantic's own tagged unions; the union is that of the parts registered at
    the time of validation.
    """

    def __init__(self, parts: Registry[type[_Part]], tag: str) -> None:
        self._parts = parts
        self._tag = tag
        self._known: tuple[type[_Part], ...] = ()
        self._adapter: TypeAdapter[_Part] | None = None

    @property
    def adapter(self) -> TypeAdapter[_Part]:
        """Validates a table as the part that its tag names."""
        known = tuple(self._parts.values())
        if self._adapter is None or known != self._known:
            union = Annotated[Union[known], Field(discriminator=self._tag)]  # type: ignore[valid-type]  # noqa: UP007
            # pydantic has no tagged union of a single type.
            self._adapter = TypeAdapter(union if len(known) > 1 else known[0])
            self._known = known
        return self._adapter

    def _validate(self, value: Any, info: ValidationInfo) -> _Part:  # noqa: ANN401
        load_plugins()
        # As JSON again where it was JSON: there, lists may become tuples though types are strict.
        if info.mode == "json":
            return self.adapter.validate_json(json.dumps(value), strict=True)
        return self.adapter.validate_python(value)

    def __get_pydantic_core_schema__(
        self, source: type[_Part], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate by the adapter; a part is written as its own class says."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the union of the parts registered now."""
        del schema
        return handler(self.adapter.core_schema)
