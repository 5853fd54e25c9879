"""Presets as this and earlier versions stored them in checkpoints, run folders and studies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from gancli.catalog.merge import Table, absent, lay_over
from gancli.networks.older import without_unused
from gancli.preset.idle import LENIENT, idle_values
from gancli.preset.schema import Preset


def without_old_fields(table: Mapping[str, Any], *, defaults_only: bool) -> Table:
    """The table of a preset without the fields that earlier versions wrote and that had no effect.

    Args:
        table: a resolved preset.
        defaults_only: keep fields with another value than their default, so that they are refused:
            a file may have been edited.
    """
    made = dict(table)
    for player in ("generator", "discriminator", "reconstructor"):
        below = table.get(player)
        network = below.get("network") if isinstance(below, Mapping) else None
        if isinstance(below, Mapping) and isinstance(network, Mapping):
            modern = without_unused(player, network, defaults_only=defaults_only)
            made[player] = {**below, "network": modern}
    said = table.get("deviations")
    if isinstance(said, Mapping):
        made["deviations"] = {path: each for path, each in said.items() if not _is_old(path)}
    return made


def is_of_a_run(file: str) -> bool:
    """Whether it is the resolved preset in a run's folder, next to its checkpoints."""
    path = Path(file)
    return path.name == "preset.toml" and (path.parent / "checkpoints").is_dir()


def _is_old(path: str) -> bool:
    """Whether a remark is about a field that networks no longer have."""
    return path.endswith(".network.init_spectral")


def preset_of_table(
    table: Mapping[str, Any],
    *,
    strict: bool | None = None,
    context: Mapping[str, Any] | None = None,
) -> Preset:
    """The preset that a resolved table describes.

    Args:
        table: its tables.
        strict: whether values must be of the very types; lists may stand for tuples all the same.
        context: LENIENT, or nothing.

    Raises:
        ValidationError: it is not a preset.
    """
    # As JSON, in which lists may be tuples; dates, which TOML has, are text there.
    text = json.dumps(table, default=str)
    return Preset.model_validate_json(text, strict=strict, context=context)


def read_stored(value: object) -> Preset:
    """A preset from a file of this program; fields that had no effect when stored are dropped.

    Raises:
        ValidationError: it is not a preset.
    """
    if isinstance(value, Preset):
        return value
    if not isinstance(value, Mapping):
        return Preset.model_validate(value)
    table = without_old_fields(value, defaults_only=False)
    preset = preset_of_table(table, context=LENIENT)
    idle = idle_values(preset)
    return preset_of_table(lay_over(table, absent(idle))) if idle else preset


def _read(value: object, handler: ValidatorFunctionWrapHandler) -> Preset:
    """As `read_stored`; pydantic writes it by the schema that is wrapped."""
    del handler
    return read_stored(value)


StoredPreset = Annotated[Preset, WrapValidator(_read)]
"""A preset within a file that this program wrote."""
