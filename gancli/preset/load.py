"""Validates resolved presets, and says in a sentence why one is refused."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.catalog.merge import TAGS, Table, override
from gancli.errors import UsageError
from gancli.networks import fit, owners
from gancli.preset.published import ABSENT, Deviation
from gancli.preset.schema import Preset, leaves
from gancli.preset.stored import is_of_a_run, read_stored, without_old_fields

PAPER = "paper"
_COMPARED = {"data", "prior", "generator", "discriminator", "objective", "schedule"}
_PERIODS = {
    "log_every",
    "preview_every",
    "checkpoint_every",
    "checkpoint_minutes",
    "keep_newest",
    "keep_every",
    "evaluate_every",
    "evaluate_count",
    "evaluate_by",
}
"""Fields of the schedule that do not affect training."""
REMARKS = frozenset({"deviations", "expected", "paper", "summary"})
"""Descriptions: they may be reworded, and a run goes on all the same."""
_UNSAID = ("Value error, ", "Input should be ")


def load_preset(
    model: str,
    dataset: str | UserImages | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
) -> Preset:
    """Resolve and validate a preset.

    Args:
        model: a model's name or the path of a preset file.
        dataset: a data set's name, or a user's images; may be left out where the model has one.
        variant: `reference` unless said otherwise.
        overrides: `path.to.field=value`, the last layer.

    Raises:
        UsageError: anything unknown or of the wrong type, named with what was expected.
    """
    table = _resolved(model, dataset, variant, overrides)
    if is_of_a_run(model):
        return _reread(table, model)
    preset = validate(table, model)
    return preset if catalog.is_resolved_file(model) else mark_deviations(preset, model, dataset)


def _reread(table: Table, source: str) -> Preset:
    """A run's own preset; what had no effect in the version that wrote it is dropped."""
    try:
        return read_stored(table)
    except ValidationError as error:
        raise UsageError(explain(error, table, source)) from error


def _resolved(
    model: str,
    dataset: str | UserImages | None,
    variant: str | None,
    overrides: Sequence[str] = (),
) -> Table:
    """The resolved tables; a resolved file may be one that an earlier version wrote."""
    table = catalog.resolve(model, dataset, variant, overrides, fit=fit)
    _, (root, _, _) = catalog.chain(model, dataset, variant)
    stored = catalog.is_resolved_file(root)
    return without_old_fields(table, defaults_only=True) if stored else table


def mark_deviations(preset: Preset, model: str, dataset: str | UserImages | None) -> Preset:
    """The preset with a remark at every field that differs from its paper, if that is known."""
    if preset.variant == PAPER:
        return preset
    try:
        _, (model, dataset, _) = catalog.chain(model, dataset, None)
        paper = validate(_resolved(model, dataset, PAPER), model)
    except UsageError:
        return preset
    return preset.model_copy(update={"deviations": _deviations(preset, paper)})


def _deviations(preset: Preset, paper: Preset) -> dict[str, Deviation]:
    """The fields that the paper's variant sets otherwise; remarks in the presets come on top."""
    ours, theirs = (
        leaves(each.model_dump(mode="json", include=_COMPARED)) for each in (preset, paper)
    )
    found = {
        path: Deviation(paper=ABSENT if said is None else said)
        for path, said in theirs.items()
        if path in ours
        and ours[path] != said
        and path.removeprefix("schedule.") not in _PERIODS
        and not (isinstance(ours[path], Mapping) and isinstance(said, Mapping))
    }
    return found | preset.deviations


def change(preset: Preset, overrides: Sequence[str]) -> Preset:
    """The preset with overrides laid over it."""
    table = preset.model_dump(mode="json", exclude_none=True)
    return validate(override(table, overrides), preset.name)


def validate(table: Mapping[str, Any], source: str) -> Preset:
    """The preset a resolved table describes; `source` names it in errors."""
    try:
        # As JSON: strict about types, yet lists may become tuples.
        return Preset.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        raise UsageError(explain(error, table, source)) from error


def explain(error: ValidationError, table: Mapping[str, Any], source: str) -> str:
    """One sentence: the first faulty field, its value, what it must be, what to type."""
    faults = error.errors(include_url=False)
    first = faults[0]
    path = _path(first["loc"], table)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"preset {source}: no field {path}{_whose(path) or _suggestion(path)}{more}"
    if first["type"] == "missing":
        return f"preset {source}: {path} is missing: add it, e.g. --set {path}=VALUE{more}"
    tag = str(first.get("ctx", {}).get("discriminator")).strip("'")
    if first["type"] == "union_tag_not_found":
        return f"preset {source}: {path}.{tag} is missing: add it, e.g. --set {path}.{tag}=KIND"
    wanted = first["msg"]
    for unsaid in _UNSAID:
        wanted = wanted.removeprefix(unsaid)
    if first["type"] == "value_error":
        where = f"{path}: " if path else ""
        return f"preset {source}: {where}{wanted}{more}"
    if first["type"] == "union_tag_invalid":
        read, wanted = _shown(first["ctx"]["tag"]), f"one of {first['ctx']['expected_tags']}"
        more = "; a plugin brings others with --plugin FILE.py"
        return f"preset {source}: {path}.{tag} is {read}, and must be {wanted}{more}"
    return (
        f"preset {source}: {path or 'it'} is {_shown(first['input'])}, and must be {wanted}{more}"
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _path(location: Sequence[int | str], table: object) -> str:
    """The field's path as in --set: pydantic also names the union's tag, which is not a key."""
    keys = []
    for key in location:
        is_tag = isinstance(table, Mapping) and key not in table and key in map(table.get, TAGS)
        if is_tag:
            continue
        keys.append(str(key))
        table = table.get(key) if isinstance(table, Mapping) else None
    return ".".join(keys)


def _whose(path: str) -> str:
    """Which networks have this field of a network."""
    *_, table, field = ["", *path.split(".")]
    having = owners(field) if table == "network" else ""
    return f": {having} have one" if having else ""


def _suggestion(path: str) -> str:
    known = sorted(_field_names(Preset.model_json_schema()))
    name = path.rpartition(".")[2]
    match = [close for close in get_close_matches(name, known, n=2) if close != name]
    close = f", did you mean {match[0]}?" if match else ""
    if path.count(".") == 1 and path.startswith("objective."):
        return f"{close or '.'} If a plugin brings it, add --plugin FILE.py"
    return close or "; gan presets show NAME lists the fields"


def _field_names(schema: object) -> set[str]:
    if not isinstance(schema, Mapping):
        return set()
    names = set(schema.get("properties", {}))
    for below in (*schema.get("$defs", {}).values(), *schema.get("properties", {}).values()):
        names |= _field_names(below)
    return names


def preset_differences(old: Preset, new: Preset) -> list[str]:
    """`path: old value -> new value` for each field that differs, remarks excepted."""
    before, after = (
        leaves(preset.model_dump(mode="json", exclude_none=True, exclude=set(REMARKS)))
        for preset in (old, new)
    )
    return [
        f"{path}: {before.get(path, 'absent')} -> {after.get(path, 'absent')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        and not isinstance(before.get(path, after.get(path)), Mapping)
    ]
