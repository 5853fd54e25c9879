"""Layers that are laid over a resolved preset: tables, fields to remove, and overrides.

A variant is such a layer within a preset's file; an experiment's base, and the labels of its axes,
are layers of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gancli.catalog.merge import Table, absent, lay_over
from gancli.errors import UsageError
from gancli.preset.field_names import override_fields


@dataclass(frozen=True)
class PresetLayer:
    """What is changed in a preset."""

    table: Mapping[str, object] = field(default_factory=dict)
    """as in a preset file"""
    without: Sequence[str] = ()
    """paths of the fields that are removed first, e.g. objective.r1"""
    overrides: Sequence[str] = ()
    """`path.to.field=value`, as `--set` takes them, laid on last"""

    def over(self, table: Table, source: str) -> Table:
        """The table with this layer over it.

        Args:
            table: a resolved preset's.
            source: the preset's name, for errors.

        Raises:
            UsageError: a field to remove is not there, or an override cannot be read.
        """
        for path in self.without:
            _refuse_unset(table, path)
        table = lay_over(lay_over(table, absent(self.without)), dict(self.table))
        return override_fields(table, self.overrides, source)


def _refuse_unset(table: Table, path: str) -> None:
    found: object = table
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            raise UsageError(f"without lists {path}, which is not set: leave it out")
        found = found[key]
