"""The tables of an objective, whatever kinds of parts are registered."""

import json
import math
from collections.abc import Generator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import (
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializeAsAny,
    ValidationInfo,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gancli.objective.adversarial import Adversarial
from gancli.objective.context import Read, Side, View
from gancli.objective.term import NO_READS, TERMS, Constraint, ObjectivePart, Term, declared
from gancli.plugins import load_plugins
from gancli.prior import Prior
from gancli.settings import Settings
from gancli.types import DataShape

Kind = TypeVar("Kind", bound=ObjectivePart)


class Objective(Settings):
    """The parts in use, each a table under its registered name; an absent table is not used."""

    parts: Mapping[str, SerializeAsAny[ObjectivePart]]
    """in the order in which their kinds were registered"""

    def __iter__(self) -> Generator[tuple[str, Any], None, None]:
        """The tables as a preset has them."""
        yield from self.parts.items()

    @model_validator(mode="before")
    @classmethod
    def _read_tables(cls, tables: object, info: ValidationInfo) -> object:
        load_plugins()
        known = _tables(tuple(TERMS.items()))
        if info.mode == "json":
            read = known.model_validate_json(json.dumps(tables), strict=True)
        else:
            read = known.model_validate(tables)
        return {"parts": {name: part for name, part in read if part is not None}}

    @model_serializer
    def _write_tables(self, info: SerializationInfo) -> dict[str, Any]:
        written = {
            name: part.model_dump(mode=info.mode, exclude_none=bool(info.exclude_none))
            for name, part in self.parts.items()
        }
        return written if info.exclude_none else dict.fromkeys(TERMS) | written

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del core_schema
        return handler(_tables(tuple(TERMS.items())).__pydantic_core_schema__)

    @model_validator(mode="after")
    def _one_adversarial_loss(self) -> "Objective":
        both = [name for name, term in self.terms().items() if isinstance(term, Adversarial)]
        if len(both) != 1:
            found = " and ".join(both) if both else "none"
            raise ValueError(
                f"there must be exactly one adversarial loss, and there is {found}: "
                "add one, or take one out with an empty value, e.g. --set objective.vanilla="
            )
        sides: tuple[Side, ...] = ("discriminator", "generator")
        lacking = [side for side in sides if not self.adversarial.acts_on(side)]
        if lacking:
            raise ValueError(
                f"{both[0]} has no method {lacking[0]}(), and an adversarial loss needs one: add it"
            )
        return self

    @property
    def adversarial(self) -> Adversarial:
        """The one loss of the logits."""
        return next(term for term in self.terms().values() if isinstance(term, Adversarial))

    def find(self, kind: type[Kind]) -> Kind | None:
        """The part of this kind, if it is in use."""
        return next((part for part in self.parts.values() if isinstance(part, kind)), None)

    def terms(self) -> dict[str, Term]:
        """The terms in use under their names, in the order in which they were registered."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Term)}

    def terms_of(self, side: Side) -> dict[str, Term]:
        """The terms that act on one side."""
        return {name: term for name, term in self.terms().items() if term.acts_on(side)}

    def reads(self, side: Side) -> frozenset[Read]:
        """What the terms that act on one side look at, all together."""
        terms = self.terms_of(side).items()
        return NO_READS.union(*(declared(name, term, side) for name, term in terms))

    def differentiates_twice(self) -> bool:
        """Whether a term contains the discriminator's gradient."""
        return any(term.differentiates_input() for term in self.terms().values())

    def penalties(self) -> frozenset[str]:
        """The names of the terms in use that are penalties."""
        return frozenset(name for name, term in self.terms().items() if term.penalizes())

    def needs_labels(self) -> bool:
        """Whether a term looks at the labels of real samples."""
        return any(term.needs_labels() for term in self.terms().values())

    def names_categories(self) -> bool:
        """Whether a term teaches the prior's categories to be the data's classes."""
        return any(term.names_categories() for term in self.terms().values())

    def misfit(self, shape: DataShape, prior: Prior) -> str | None:
        """Why a term has no meaning for such data and latents; None if each has one."""
        each = ((name, term.misfit(shape, prior)) for name, term in self.terms().items())
        return next((f"{name} {said}" for name, said in each if said), None)

    def period(self) -> int:
        """The number of turns of a side after which its terms act alike again."""
        return math.lcm(*(term.period() for term in self.terms().values()))

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """The outputs that the terms need from the discriminator in addition to its logit."""
        found: dict[str, int] = {}
        for term in self.terms().values():
            found |= term.heads(shape, prior)
        return found

    def constraints(self) -> dict[str, Constraint]:
        """The constraints in use under their names."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Constraint)}

    def views(self) -> dict[str, View]:
        """The views in use under their names."""
        return {name: part for name, part in self.parts.items() if isinstance(part, View)}


@cache
def _tables(kinds: tuple[tuple[str, type[ObjectivePart]], ...]) -> type[Settings]:
    """A model with one optional field for each of these registered kinds."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in kinds}
    return create_model("Objective", __base__=Settings, **fields)
