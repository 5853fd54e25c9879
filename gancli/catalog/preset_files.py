"""Finds preset files and lays their tables over each other; knows no torch.

A resolved preset is the sum of tables, later ones winning: data set, model, model x data set,
variant, variant x data set, `--set`.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gancli.catalog.fit_to_images import UserImages, fitted
from gancli.catalog.merge import Table, absent, lay_over, override, parse
from gancli.errors import UsageError

REFERENCE = "reference"
OWN = "images"
"""The table of people's own images, which has no name on the command line."""
LARGE = 64
"""From this side on, in pixels, images have settings of their own."""
NOT_LAID = ("like", "photographs", "variants", "large")
"""Keys of a data set's table that are no part of a preset."""


class VariantTable(BaseModel):
    """What a variant changes, everywhere and on single data sets."""

    model_config = ConfigDict(extra="allow")

    on: dict[str, Table] = {}
    without: list[str] = []
    """paths of what it takes out, e.g. objective.r1"""


class PresetFile(BaseModel):
    """What a model's file says of itself, read without building anything."""

    model_config = ConfigDict(extra="allow")

    name: str
    summary: str
    paper: str
    datasets: list[str]
    instead: dict[str, str] = {}
    """data set -> the model to use for it"""
    tables: dict[str, str] = {}
    """data set -> the data set table to read in its place, where this model wants it otherwise"""
    on: dict[str, Table] = {}
    """data set -> what this model changes there"""
    variants: dict[str, VariantTable] = {}

    def variants_on(self, dataset: str) -> list[str]:
        """The variants this model has on a data set, the reference first."""
        found = [
            name
            for name, table in self.variants.items()
            if any(key in table.on for key in self.lineage(dataset))
        ]
        return [REFERENCE, *found]

    @property
    def knows_classes(self) -> bool:
        """Whether its generator is told the class of what it makes."""
        network = self.body().get("generator", {}).get("network", {})
        return bool(network.get("condition", "none") != "none")

    def lineage(self, dataset: str) -> list[str]:
        """The data set tables this model reads for a data set, the most general first."""
        return lineage(self.tables.get(dataset, dataset))

    def published(self, dataset: str) -> dict[str, Any]:
        """The reference's published scores on a data set, with their source."""
        scores: dict[str, Any] = self.on.get(dataset, {}).get("expected", {})
        return scores

    def body(self) -> Table:
        """The tables that are part of the resolved preset."""
        own = {"name": self.name, "summary": self.summary, "paper": self.paper}
        return own | (self.model_extra or {})


def preset_folder() -> Path:
    """Where the presets are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "_presets"
    return inside if inside.is_dir() else package.parent / "presets"


def model_names() -> list[str]:
    """All models, by name."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


def labelled_example() -> str:
    """A command that trains a model that knows classes."""
    known = next(found for found in map(preset_file, model_names()) if found.knows_classes)
    return f"gan train {known.name} --dataset {known.datasets[-1]}"


def dataset_names() -> list[str]:
    """All named data sets."""
    found = {path.stem for path in (preset_folder() / "datasets").glob("*.toml")}
    return sorted(found - {OWN})


def read_toml(path: Path) -> Table:
    """A TOML file's tables.

    Raises:
        UsageError: the file cannot be read or is not TOML.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"could not read the preset file {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"read {path}, expected TOML in UTF-8, but {error}") from error


@cache
def preset_file(model: str) -> PresetFile:
    """A model's head, by name.

    Raises:
        UsageError: there is no such model.
    """
    if model not in model_names():
        raise UsageError(
            f"read {model!r} as a model, expected a preset file or one of "
            f"{', '.join(model_names())}{_close(model, model_names())}"
        )
    return _parse(read_toml(preset_folder() / f"{model}.toml"), f"{model}.toml")


def _parse(table: Table, source: str) -> PresetFile:
    try:
        return PresetFile.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"read {source}, expected a preset, but {field}: {first['msg'].lower()}; "
            "start from one that works: gan presets show NAME --dataset D > my.toml"
        ) from error


@cache
def _dataset_table(dataset: str) -> Table:
    if dataset not in (OWN, *dataset_names()):
        raise UsageError(
            f"read {dataset!r} as a data set, expected one of {', '.join(dataset_names())}"
            f"{_close(dataset, dataset_names())}"
        )
    return read_toml(preset_folder() / "datasets" / f"{dataset}.toml")


def lineage(dataset: str) -> list[str]:
    """A data set after those whose values it takes over, the most general first."""
    like = _dataset_table(dataset).get("like")
    return [*(lineage(like) if like else []), dataset]


def resolve(
    model: str,
    dataset: str | UserImages | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
) -> Table:
    """The tables of a resolved preset, not yet validated.

    `model` is a name, or the path of a preset file: a resolved one (as `gan presets show` prints)
    or one with tables for several data sets (as those in `presets/`).

    Raises:
        UsageError: an unknown model, data set or variant, or an override that cannot be read.
    """
    if is_resolved_file(model):
        table = read_toml(Path(model))
        _refuse_choices(model, table, dataset, variant)
        return override(table, overrides)
    chosen = _parse(read_toml(Path(model)), model) if _is_file(model) else preset_file(model)
    if isinstance(dataset, UserImages):
        return override(_resolve_own(chosen, dataset, variant), overrides)
    dataset = _choose_dataset(chosen, dataset)
    resolved: Table = {}
    variant = _choose_variant(chosen, dataset, variant)
    for layer in _layers(chosen, dataset, variant, chosen.lineage(dataset)):
        resolved = lay_over(resolved, layer)
    return override(resolved, overrides)


def home_of(chosen: PresetFile) -> str:
    """The data set whose values a model takes over for people's own images.

    Raises:
        UsageError: it has no data set of images.
    """
    for name in _dataset_table(OWN)["like"]:
        if name in chosen.datasets:
            return str(name)
    raise UsageError(
        f"{chosen.name} trains on no images, expected one of {', '.join(for_photographs())}"
    )


def for_photographs() -> list[str]:
    """Models for images of any size that need no labels."""
    rich = set(_dataset_table(OWN)["photographs"])
    heads = map(preset_file, model_names())
    return [each.name for each in heads if rich & {*each.datasets} and not each.knows_classes]


def _resolve_own(chosen: PresetFile, own: UserImages, variant: str | None) -> Table:
    """A model's preset for people's own images: that of its home, fitted to them."""
    home = home_of(chosen)
    variant = _choose_variant(chosen, home, variant)
    resolved: Table = {}
    for layer in _layers(chosen, own.name, variant, [*chosen.lineage(home), OWN]):
        resolved = lay_over(resolved, layer)
    large = _dataset_table(OWN)["large"].get(home, {}) if own.data["size"] >= LARGE else {}
    # What was published belongs to the set it was published for.
    resolved = lay_over(resolved, {"expected": None, **large.get(variant, {})})
    return fitted(resolved, own, for_photographs())


def _is_file(model: str) -> bool:
    if model.endswith(".toml"):
        return True
    if model in model_names():
        return False
    try:
        return Path(model).is_file()
    except OSError:
        return True  # reading it will say what is wrong, e.g. that permission is denied


def is_resolved_file(model: str) -> bool:
    """Whether this is the path of a preset file that stands for itself."""
    return _is_file(model) and "dataset" in read_toml(Path(model))


def _refuse_choices(
    model: str, table: Table, dataset: str | UserImages | None, variant: str | None
) -> None:
    named = dataset.name if isinstance(dataset, UserImages) else dataset
    for option, asked in (("dataset", named), ("variant", variant)):
        if asked is not None and asked != table.get(option):
            raise UsageError(
                f"read --{option} {asked} with {model}, which is resolved for "
                f"{option} {table.get(option)}: leave --{option} out, or name a model instead"
            )


def _choose_dataset(chosen: PresetFile, dataset: str | None) -> str:
    has = f"{chosen.name}'s data sets: {', '.join(chosen.datasets)}"
    if dataset is None:
        if len(chosen.datasets) == 1:
            return chosen.datasets[0]
        raise UsageError(f"read no data set, expected --dataset with one of {has}")
    if dataset in chosen.datasets:
        return dataset
    if dataset in chosen.instead:
        other = chosen.instead[dataset]
        raise UsageError(
            f"{chosen.name} has no preset for {dataset}, use {other}: "
            f"gan train {other} --dataset {dataset}"
        )
    if dataset in dataset_names():
        raise UsageError(f"{chosen.name} has no preset for {dataset}; {has}")
    raise UsageError(
        f"read {dataset!r} as a data set, expected one of {has}{_close(dataset, dataset_names())}"
    )


def _choose_variant(chosen: PresetFile, dataset: str, variant: str | None) -> str:
    known = chosen.variants_on(dataset)
    if variant is None or variant in known:
        return variant or REFERENCE
    if any(variant in preset_file(name).variants for name in model_names()):
        raise UsageError(
            f"{chosen.name} has no variant {variant!r} on {dataset}, expected one of "
            f"{', '.join(known)} (lite exists only where the reference takes over half an hour on "
            "two CPU cores)"
        )
    raise UsageError(
        f"read {variant!r} as a variant, expected one of {', '.join(known)}{_close(variant, known)}"
    )


def _layers(
    chosen: PresetFile, dataset: str, variant: str, ancestors: Sequence[str]
) -> Iterator[Table]:
    for name in ancestors:
        table = dict(_dataset_table(name))
        yield {k: v for k, v in table.items() if k not in NOT_LAID}
    yield chosen.body() | {"dataset": dataset, "variant": variant}
    yield from (chosen.on[name] for name in ancestors if name in chosen.on)
    if variant == REFERENCE:
        return
    # The published scores belong to the published configuration.
    yield {"expected": None}
    for name in ancestors:
        yield _dataset_table(name).get("variants", {}).get(variant, {})
    own = chosen.variants[variant]
    yield absent(own.without)
    yield own.model_extra or {}
    yield from (own.on[name] for name in ancestors if name in own.on)


def _close(word: str, known: Sequence[str]) -> str:
    match = get_close_matches(word, known, n=1)
    return f" (did you mean {match[0]}?)" if match else ""
