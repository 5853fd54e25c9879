"""A user's preset file that builds on another preset: `base`, and only what differs.

`base = "NAME"` or `base = "FILE.toml"` lays the file over that preset, resolved for the data set
and the variant that are chosen. `base = { preset = "NAME", dataset = "D", variant = "V" }` chooses
them in the file, for data of the file's own. Knows no torch.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from gancli.catalog.fit_to_images import UserImages
from gancli.catalog.merge import Table, absent, lay_over
from gancli.errors import UsageError

BASE, WITHOUT = "base", "without"
"""Keys of such a file that are not part of a preset; the second lists fields to remove."""
MOST_BASES = 10
"""How many files may build on each other."""
DatasetChoice = str | UserImages | None


class Base(BaseModel):
    """What a file builds on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str
    dataset: str | None = None
    variant: str | None = None


class PresetChoice(NamedTuple):
    """A preset, and which of its data sets and variants."""

    model: str
    dataset: DatasetChoice
    variant: str | None


class Layer(NamedTuple):
    """A file that builds on another preset, and its tables."""

    file: Path
    table: Table


def builds_on(table: Table) -> bool:
    """Whether a file's tables are laid over another preset's."""
    return BASE in table


def base_of(file: Path, table: Table, dataset: DatasetChoice, variant: str | None) -> PresetChoice:
    """The preset that a file builds on, given the choices on the command line.

    Raises:
        UsageError: `base` does not name a preset, or the file is made for another data
            set or variant than those chosen.
    """
    said = table[BASE]
    try:
        base = Base.model_validate({"preset": said} if isinstance(said, str) else said)
    except ValidationError as error:
        raise UsageError(
            f'{file}: base is neither a preset\'s name or file, as in base = "NAME", nor a table, '
            'as in base = { preset = "NAME", dataset = "D" }'
        ) from error
    chosen: list[DatasetChoice] = []
    for option, typed, own, named in (
        ("dataset", dataset, base.dataset, table.get("dataset")),
        ("variant", variant, base.variant, table.get("variant")),
    ):
        fixed = own if own is not None else named
        shown = typed.name if isinstance(typed, UserImages) else typed
        if None not in (shown, fixed) and shown not in (fixed, named):
            raise UsageError(
                f"{file} is made for {option} {fixed}, not {shown}: leave --{option} out, or "
                f"take {option} out of the file"
            )
        chosen.append(typed if fixed is None else fixed)
    next_to_it = file.parent / base.preset
    model = str(next_to_it) if base.preset.endswith(".toml") else base.preset
    return PresetChoice(model, chosen[0], None if chosen[1] is None else str(chosen[1]))


def laid_over(base: Table, layer: Layer) -> Table:
    """A file's tables over those of the resolved preset it builds on.

    The result has a name of its own, for its runs: what the file says, else the file's own name.
    Published scores belong to the base's configuration, so they are left out.

    Raises:
        UsageError: `without` lists what the base does not have.
    """
    file, table = layer
    without = table.get(WITHOUT, [])
    if not isinstance(without, list) or not all(isinstance(path, str) for path in without):
        raise UsageError(f'{file}: without is not a list of fields, e.g. ["objective.r1"]')
    for path in without:
        _refuse_unknown(file, path, base)
    own = {key: value for key, value in table.items() if key not in (BASE, WITHOUT)}
    named = {"name": _plain_name(file), "expected": None}
    return lay_over(lay_over(base, absent(without)), named | own)


def _refuse_unknown(file: Path, path: str, base: Table) -> None:
    found: object = base
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            raise UsageError(f"{file}: without lists {path}, which the base does not have")
        found = found[key]


def _plain_name(file: Path) -> str:
    """The file's name, reduced to the characters that a run's folder may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).lstrip("._-") or "preset"


def chain_of(
    model: str,
    dataset: DatasetChoice,
    variant: str | None,
    tables: Callable[[str], Table | None],
) -> tuple[list[Layer], PresetChoice]:
    """The files that build on each other, the innermost first, and the preset below them all.

    Args:
        model: a model's name or a preset file.
        dataset: as chosen on the command line.
        variant: as chosen on the command line.
        tables: the file's tables, if it builds on another; else None.

    Raises:
        UsageError: the files build on each other in a circle, or too many do.
    """
    choice = PresetChoice(model, dataset, variant)
    layers: list[Layer] = []
    while (table := tables(choice.model)) is not None:
        file = Path(choice.model)
        way = " -> ".join(str(each.file) for each in [*layers, Layer(file, table)])
        if file.resolve() in [each.file.resolve() for each in layers]:
            raise UsageError(f"preset files build on each other in a circle: {way}")
        if len(layers) == MOST_BASES:
            raise UsageError(f"more than {MOST_BASES} preset files build on each other: {way}")
        layers.append(Layer(file, table))
        choice = base_of(file, table, choice.dataset, choice.variant)
    return layers[::-1], choice
