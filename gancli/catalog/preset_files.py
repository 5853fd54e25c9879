"""Finds preset files, and reads how they describe themselves; knows no torch."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache, reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from gancli.catalog.base import builds_on
from gancli.catalog.merge import Table, lay_over, parse
from gancli.errors import UsageError
from gancli.folders import close_path
from gancli.pasteable import command

REFERENCE = "reference"
OWN = "images"
"""The table of users' own images, which has no name on the command line."""


class VariantTable(BaseModel):
    """What a variant changes, everywhere and on single data sets."""

    model_config = ConfigDict(extra="allow")

    like: str = ""
    """a variant above it, over whose tables its own are laid, on the data sets that it names"""
    summary: str = ""
    """what it is, in a sentence"""
    source: str = ""
    """where its settings come from"""
    on: dict[str, Table] = {}
    without: list[str] = []
    """paths of the fields it removes, e.g. objective.r1"""
    parameters: dict[str, dict[str, int]] = {}
    """as those of a model's file, of its own networks"""

    def body(self) -> Table:
        """The tables that are part of the resolved preset."""
        said = {"summary": self.summary, "source": self.source}
        return {key: text for key, text in said.items() if text} | (self.model_extra or {})

    def sources(self) -> list[str]:
        """Where its settings come from, on all data sets, without repetitions."""
        found = [self.source, *(str(table.get("source", "")) for table in self.on.values())]
        return [each for each in dict.fromkeys(found) if each]


class PresetFile(BaseModel):
    """A model's file, as it describes the model; read without building anything."""

    model_config = ConfigDict(extra="allow")

    name: str
    summary: str
    """what the paper changed, in a sentence"""
    idea: str = ""
    """the same in a few words, for a table"""
    paper: str
    datasets: list[str]
    instead: dict[str, str] = {}
    """data set -> the model to use for it"""
    tables: dict[str, str] = {}
    """data set -> the data set table to read in its place, where this model uses another"""
    on: dict[str, Table] = {}
    """data set -> what this model changes there"""
    variants: dict[str, VariantTable] = {}
    parameters: dict[str, dict[str, int]] = {}
    """data set -> player -> trainable numbers of its network, where a source counts them"""

    def variants_on(self, dataset: str) -> list[str]:
        """The variants this model has on a data set, the reference first."""
        known = self.lineage(dataset)
        found = [
            name for name in self.variants if any(key in self.variants[name].on for key in known)
        ]
        return [REFERENCE, *found]

    @model_validator(mode="after")
    def _variants_are_like_those_above(self) -> "PresetFile":
        above: set[str] = set()
        for name, table in self.variants.items():
            if table.like and table.like not in above:
                raise ValueError(f"variants.{name}.like: {table.like!r} must be a variant above it")
            above.add(name)
        return self

    def layers_of(self, variant: str) -> dict[str, VariantTable]:
        """The variants whose tables make up one, by name; its own is the last."""
        own = self.variants[variant]
        return (self.layers_of(own.like) if own.like else {}) | {variant: own}

    def sources_of(self, variant: str) -> list[str]:
        """Where a variant's settings come from: as it says, or else the one that it is like."""
        layers = reversed(self.layers_of(variant).values())
        return next((own.sources() for own in layers if own.sources()), [])

    @property
    def knows_classes(self) -> bool:
        """Whether its generator is told the class of what it makes."""
        network = self.body().get("generator", {}).get("network", {})
        return bool(network.get("condition", "none") != "none")

    def lineage(self, dataset: str) -> list[str]:
        """The data set tables this model reads for a data set, the most general first.

        A set that is like another one follows the table that the model reads for that.
        """
        if dataset in self.tables:
            return lineage(self.tables[dataset])
        like = dataset_table(dataset).get("like")
        return [*(self.lineage(like) if like else []), dataset]

    def published(self, dataset: str) -> dict[str, Any]:
        """The reference's published scores on a data set, with their source."""
        scores: dict[str, Any] = self.on.get(dataset, {}).get("expected", {})
        return scores

    def body(self) -> Table:
        """The tables that are part of the resolved preset."""
        own = {"name": self.name, "summary": self.summary, "paper": self.paper}
        return own | (self.model_extra or {})


def preset_folder() -> Path:
    """Where the presets are: inside an installed package, or next to it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "_presets"
    return inside if inside.is_dir() else package.parent / "presets"


def model_names() -> list[str]:
    """All models, by name."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


def labelled_example(dataset: str | None = None) -> str:
    """A command that trains a model that knows classes, on a data set where there is one."""
    known = [found for found in map(preset_file, model_names()) if found.knows_classes]
    for found in known:
        if dataset in found.datasets:
            return command("train", found.name, "--dataset", str(dataset))
    return command("train", known[0].name, "--dataset", known[0].datasets[0])


def example_of(model: str | None = None) -> str:
    """A command that trains a model, by default the one with the shortest name."""
    return command("train", *_example(model))


def _example(model: str | None = None) -> tuple[str, ...]:
    known = preset_file(model or min(model_names(), key=len))
    return known.name, "--dataset", known.datasets[0]


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
        raise UsageError(
            f"could not read the preset file {path}: {error.strerror}{close_path(path)}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not a preset in TOML and UTF-8: {error}") from error


@cache
def preset_file(model: str) -> PresetFile:
    """A model's file, by name.

    Raises:
        UsageError: there is no such model.
    """
    if model not in model_names():
        if file := close_path(Path(model)):
            raise UsageError(f"there is no model or preset file {model!r}{file}")
        raise UsageError(
            f"there is no model {model!r}: choose a preset file or one of "
            f"{', '.join(model_names())}{close_to(model, model_names())}"
        )
    return parse_preset(read_toml(preset_folder() / f"{model}.toml"), f"{model}.toml")


def parse_preset(table: Table, source: str) -> PresetFile:
    """The preset file that a table describes; `source` names it in errors."""
    try:
        return PresetFile.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{source} is not a preset ({field}: {first['msg'].lower()}): "
            f"start from one that works: {command('presets', 'show', *_example())} > my.toml"
        ) from error


@cache
def dataset_table(dataset: str) -> Table:
    """The table of a data set, by its name.

    Raises:
        UsageError: there is no such data set.
    """
    if dataset not in (OWN, *dataset_names()):
        raise UsageError(
            f"there is no data set {dataset!r}: choose one of {', '.join(dataset_names())}"
            f"{close_to(dataset, dataset_names())}"
        )
    return read_toml(preset_folder() / "datasets" / f"{dataset}.toml")


def preset_data(dataset: str) -> Table:
    """The `[data]` of a named set."""
    tables = (dataset_table(name).get("data", {}) for name in lineage(dataset))
    return reduce(lay_over, tables, {})


def lineage(dataset: str) -> list[str]:
    """A data set, after the ones whose values it takes over; the most general comes first."""
    like = dataset_table(dataset).get("like")
    return [*(lineage(like) if like else []), dataset]


def is_file(model: str) -> bool:
    """Whether a model is named by a preset file's path."""
    if model.endswith(".toml"):
        return True
    if model in model_names():
        return False
    try:
        return Path(model).is_file()
    except OSError:
        return True  # reading it will say what is wrong, e.g. that permission is denied


def is_resolved_file(model: str) -> bool:
    """Whether this is the path of a preset file that is complete without another."""
    if not is_file(model):
        return False
    table = read_toml(Path(model))
    return "dataset" in table and not builds_on(table)


def unknown_set(dataset: str, said: str, offered: Sequence[str] | None = None) -> UsageError:
    """The error for a name that is neither a data set's nor a path.

    Args:
        dataset: the name.
        said: which data sets there are, in words, for where no path is close.
        offered: the names that may be meant; None: those of all data sets.
    """
    path = close_path(Path(dataset))
    close = close_to(dataset, dataset_names() if offered is None else offered)
    if path and not close:
        return UsageError(f"there is no data set or path {dataset!r}{path}")
    return UsageError(f"there is no data set {dataset!r}: {said}{close}")


def close_to(word: str, known: Sequence[str]) -> str:
    """`(did you mean X?)`, where one of the known words is close."""
    match = get_close_matches(word, known, n=1)
    return f" (did you mean {match[0]}?)" if match else ""
