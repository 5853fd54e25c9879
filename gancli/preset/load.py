"""Validates resolved presets, and says in a sentence why one is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gancli import catalog
from gancli.catalog.fields import PERIODS, REMARKS, leaves, trained_leaves
from gancli.catalog.fit_to_images import KEPT, UserImages
from gancli.catalog.merge import TAGS, Table, absent, lay_over
from gancli.errors import UsageError
from gancli.networks import fit, owners
from gancli.preset.field_names import suggestion
from gancli.preset.idle import LENIENT, idle_values
from gancli.preset.layers import PresetLayer
from gancli.preset.published import ABSENT, Deviation
from gancli.preset.schema import Preset
from gancli.preset.stored import (
    is_of_a_run,
    preset_of_table,
    read_stored,
    without_old_fields,
)

PAPER = "paper"
_COMPARED = {"data", "prior", "generator", "discriminator", "objective", "schedule"}
"""What a paper's variant may set otherwise."""
_IDENTIFYING = ("kind", "source", "layout", "modes", "count")
"""Fields of the data that make it another set, not the same set prepared otherwise."""
_UNSAID = ("Value error, ", "Input should be ")
_IN_TOML = dict.fromkeys(("tuple_type", "list_type"), "a list, e.g. [1, 2]") | dict.fromkeys(
    ("model_type", "model_attributes_type", "dict_type", "mapping_type"),
    "a table, e.g. {name = value}",
)


def load_preset(
    model: str,
    dataset: str | UserImages | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    *,
    layers: Sequence[PresetLayer] = (),
) -> Preset:
    """Resolve and validate a preset.

    Args:
        model: a model's name or the path of a preset file.
        dataset: a data set's name, or a user's images; may be left out where the model has one.
        variant: `reference` unless said otherwise.
        overrides: `path.to.field=value`, the last layer.
        layers: laid over the preset before these, in turn.

    Raises:
        UsageError: anything unknown or of the wrong type, named with what was expected.
    """
    changes = [*layers, *([PresetLayer(overrides=overrides)] if overrides else [])]
    table = _resolved(model, dataset, variant, changes)
    if is_of_a_run(model):
        return _reread(table, model)
    preset = validate(table, model)
    if catalog.is_resolved_file(model):
        return _with_own_scores(preset)
    if changes:
        preset = _as_another(preset, _resolved(model, dataset, variant))
    return mark_deviations(preset, model, dataset)


def _with_own_scores(preset: Preset) -> Preset:
    """A preset from a complete file; published scores that an edited one no longer has are gone."""
    if preset.expected is None:
        return preset
    try:
        published = load_preset(preset.name, preset.dataset, preset.variant)
    except UsageError:
        return preset
    if published.expected != preset.expected or _trains_alike(preset, published):
        return preset
    return preset.model_copy(update={"expected": None})


def _as_another(preset: Preset, before: Table) -> Preset:
    """A preset with changes, as what it is: published scores and the set's name are the old one's.

    Args:
        preset: with changes.
        before: the table without them, which need not be valid.
    """
    try:
        same = _trains_alike(preset, validate(before, preset.name))
    except UsageError:
        same = False
    if same:
        return preset
    now, then = preset.data.model_dump(mode="json"), before.get("data", {})
    another = any(now.get(key) != then[key] for key in _IDENTIFYING if key in then)
    dataset = _name_of(now, preset.dataset) if another else preset.dataset
    return preset.model_copy(update={"expected": None, "dataset": dataset})


def _trains_alike(one: Preset, other: Preset) -> bool:
    """Whether two presets train the same, whatever they write as they go."""
    return training_fields(one) == training_fields(other)


def training_fields(preset: Preset) -> dict[str, Any]:
    """The fields that training depends on and that are set, by path, as JSON has them."""
    return trained_leaves(preset.model_dump(mode="json", exclude_none=True))


def _name_of(data: Mapping[str, Any], before: str) -> str:
    """The named set that data are, else the former name with a remark."""
    for name in catalog.dataset_names():
        known = catalog.preset_data(name)
        said = [key for key in known if key not in (*KEPT, "size")]
        if said and all(data.get(key) == known[key] for key in said):
            return name
    return f"{before}-changed"


def _reread(table: Table, source: str) -> Preset:
    """A run's own preset; what had no effect in the version that wrote it is dropped."""
    try:
        return read_stored(table)
    except ValidationError as error:
        raise UsageError(_explained(error, table, source)) from error


def _resolved(
    model: str,
    dataset: str | UserImages | None,
    variant: str | None,
    changes: Sequence[PresetLayer] = (),
) -> Table:
    """The resolved tables; a resolved file may be one that an earlier version wrote."""
    table = catalog.resolve(model, dataset, variant, fit=fit)
    if changes:
        table = _changed(table, changes, model)
    if isinstance(dataset, UserImages) and table.get("schedule", {}).get("epochs"):
        table["data"].setdefault("image_count", dataset.count())
    _, (root, _, _) = catalog.chain(model, dataset, variant)
    stored = catalog.is_resolved_file(root)
    return without_old_fields(table, defaults_only=True) if stored else table


def mark_deviations(preset: Preset, model: str, dataset: str | UserImages | None) -> Preset:
    """The preset with a remark at every field that differs from its paper, if that is known.

    A variant with a source of its own has other networks than the paper's variant; it says itself
    what differs.
    """
    if preset.variant == PAPER or preset.source is not None:
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
        and path.removeprefix("schedule.") not in PERIODS
        and not (isinstance(ours[path], Mapping) and isinstance(said, Mapping))
    }
    return found | preset.deviations


def change(preset: Preset, overrides: Sequence[str]) -> Preset:
    """The preset with overrides laid over it."""
    table = preset.model_dump(mode="json", exclude_none=True)
    changed = validate(
        _changed(table, [PresetLayer(overrides=overrides)], preset.name), preset.name
    )
    return _as_another(changed, table)


def _changed(table: Table, layers: Sequence[PresetLayer], source: str) -> Table:
    """The table with layers over it, without fields that do nothing any more.

    With `spectral=false` the preset's own `power_iteration` is left out. A field that a layer sets
    is kept, and refused if it does nothing.
    """
    after = table
    for layer in layers:
        after = layer.over(after, source)
    idle = _idle(after)
    if not idle:
        return after
    before, now = leaves(table), leaves(after)
    if any(path not in before or before[path] != now.get(path) for path in idle):
        return after
    return lay_over(after, absent(idle - _idle(table)))


def _idle(table: Table) -> set[str]:
    """The fields of a resolved table that change nothing; of a table that is refused, none."""
    try:
        return {*idle_values(preset_of_table(table, strict=True, context=LENIENT))}
    except ValidationError:
        return set()


def validate(table: Mapping[str, Any], source: str) -> Preset:
    """The preset a resolved table describes; `source` names it in errors."""
    try:
        return preset_of_table(table, strict=True)
    except ValidationError as error:
        raise UsageError(_explained(error, table, source)) from error


def _explained(error: ValidationError, table: Mapping[str, Any], source: str) -> str:
    """One sentence: the first faulty field, its value, what it must be, what to type."""
    faults = error.errors(include_url=False)
    first = faults[0]
    place = first["loc"]
    is_short_list = first["type"] == "missing" and isinstance(place[-1], int)
    path = _path(place[:-1] if is_short_list else place, table)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if first["type"] == "extra_forbidden":
        meant = _whose(path) or suggestion(path, table, source)
        return f"preset {source}: no field {path}{meant}{more}"
    if first["type"] == "missing" and not is_short_list:
        return f"preset {source}: {path} is missing: add it, e.g. --set {path}=VALUE{more}"
    tag = str(first.get("ctx", {}).get("discriminator")).strip("'")
    if first["type"] == "union_tag_not_found":
        return f"preset {source}: {path}.{tag} is missing: add it, e.g. --set {path}.{tag}=KIND"
    wanted = _wanted(first)
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


def _wanted(fault: ErrorDetails) -> str:
    """What a field must be; tables and lists by the names that they have in TOML."""
    context = fault.get("ctx", {})
    if fault["type"] in _IN_TOML:
        return _IN_TOML[fault["type"]]
    if fault["type"] in ("too_short", "missing"):
        return f"a list of {context.get('min_length', len(fault['input']) + 1)} or more"
    if fault["type"] == "too_long":
        return f"a list of {context['max_length']} or fewer"
    wanted = fault["msg"]
    for unsaid in _UNSAID:
        wanted = wanted.removeprefix(unsaid)
    return wanted


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
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
    *_, above, field = ["", *path.split(".")]
    having = owners(field) if above == "network" else ""
    return f": {having} have one" if having else ""


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
