"""Lays the tables of preset files over each other; knows no torch.

A resolved preset is the sum of tables, later ones winning: data set, model, model x data set,
variant, variant x data set, the user's file that builds on them, `--set`.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

from gancli.catalog.base import Layer, PresetChoice, builds_on, chain_of, laid_over
from gancli.catalog.fit_to_images import NetworkFit, UserImages, fitted
from gancli.catalog.merge import Table, absent, lay_over, override
from gancli.catalog.preset_files import (
    OWN,
    REFERENCE,
    PresetFile,
    close_to,
    dataset_names,
    dataset_table,
    is_file,
    is_resolved_file,
    lineage,
    model_names,
    parse_preset,
    preset_file,
    read_toml,
    unknown_set,
)
from gancli.errors import UsageError
from gancli.pasteable import command

LARGE = 64
"""From this side on, in pixels, images have settings of their own."""
NOT_LAID = ("like", "photographs", "variants", "large")
"""Keys of a data set's table that are not part of a preset."""


def resolve(
    model: str,
    dataset: str | UserImages | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    *,
    fit: NetworkFit,
) -> Table:
    """The tables of a resolved preset, not yet validated.

    `model` is a name, or the path of a preset file: a resolved one (as `gan presets show` prints),
    one that builds on another (`base`), or one with tables for several data sets. `fit` fits a
    network to a user's own images.

    Raises:
        UsageError: an unknown model, data set or variant, or an override that cannot be read.
    """
    layers, root = chain(model, dataset, variant)
    try:
        table = _resolve_root(root, fit)
    except UsageError as error:
        if not layers:
            raise
        raise UsageError(f"{layers[0].file}: {error}") from error
    return override(reduce(laid_over, layers, table), overrides)


def chain(
    model: str, dataset: str | UserImages | None, variant: str | None
) -> tuple[list[Layer], PresetChoice]:
    """The preset files that build on each other, and the preset below them all."""

    def tables(named: str) -> Table | None:
        table = read_toml(Path(named)) if is_file(named) else {}
        return table if builds_on(table) else None

    return chain_of(model, dataset, variant, tables)


def _resolve_root(root: PresetChoice, fit: NetworkFit) -> Table:
    model, dataset, variant = root
    if is_resolved_file(model):
        table = read_toml(Path(model))
        _refuse_choices(model, table, dataset, variant)
        return table
    chosen = parse_preset(read_toml(Path(model)), model) if is_file(model) else preset_file(model)
    if isinstance(dataset, UserImages):
        return _resolve_own(chosen, dataset, variant, fit)
    dataset = _choose_dataset(chosen, dataset)
    resolved: Table = {}
    variant = _choose_variant(chosen, dataset, variant)
    for layer in _layers(chosen, dataset, variant, chosen.lineage(dataset)):
        resolved = lay_over(resolved, layer)
    return resolved


def home_of(chosen: PresetFile) -> str:
    """The data set whose values a model takes over for a user's own images.

    Raises:
        UsageError: it has no data set of images.
    """
    for name in dataset_table(OWN)["like"]:
        if name in chosen.datasets:
            return str(name)
    raise UsageError(
        f"{chosen.name} does not train on images: choose one of {', '.join(for_photographs())}"
    )


def for_photographs() -> list[str]:
    """Models for images of any size that need no labels."""
    rich = set(dataset_table(OWN)["photographs"])
    files = map(preset_file, model_names())
    return [each.name for each in files if rich & {*each.datasets} and not each.knows_classes]


def _resolve_own(
    chosen: PresetFile, own: UserImages, variant: str | None, fit: NetworkFit
) -> Table:
    """A model's preset for a user's own images: that of its home, fitted to them."""
    home = home_of(chosen)
    variant = _choose_variant(chosen, home, variant)
    resolved: Table = {}
    for layer in _layers(chosen, own.name, variant, [*chosen.lineage(home), OWN]):
        resolved = lay_over(resolved, layer)
    large = dataset_table(OWN)["large"].get(home, {}) if max(own.sides) >= LARGE else {}
    # Published scores belong to the data set they were published for.
    resolved = lay_over(resolved, {"expected": None, **large.get(variant, {})})
    for each in chosen.layers_of(variant).values() if variant != REFERENCE else ():
        resolved = lay_over(resolved, each.on.get(OWN, {}))
    return fitted(resolved, own, for_photographs(), fit)


def _refuse_choices(
    model: str, table: Table, dataset: str | UserImages | None, variant: str | None
) -> None:
    named = dataset.name if isinstance(dataset, UserImages) else dataset
    for option, asked in (("dataset", named), ("variant", variant)):
        if asked is not None and asked != table.get(option):
            raise UsageError(
                f"--{option} {asked} does not apply to {model}, which is resolved for "
                f"{option} {table.get(option)}: leave --{option} out, or name a model instead"
            )


def _choose_dataset(chosen: PresetFile, dataset: str | None) -> str:
    has = f"{chosen.name}'s data sets: {', '.join(chosen.datasets)}"
    if dataset is None:
        own = _not_like_others(chosen.datasets)
        if len(own) == 1:
            return own[0]
        raise UsageError(
            f"no data set given: pass --dataset with one of {has}, or a path of images"
        )
    if dataset in chosen.datasets:
        return dataset
    if dataset in chosen.instead:
        other = chosen.instead[dataset]
        raise UsageError(
            f"{chosen.name} has no preset for {dataset}, use {other}: "
            + command("train", other, "--dataset", dataset)
        )
    if dataset in dataset_names():
        raise UsageError(f"{chosen.name} has no preset for {dataset}; {has}")
    raise unknown_set(dataset, f"choose a path of images, or one of {has}")


def _not_like_others(datasets: Sequence[str]) -> list[str]:
    """Those whose values are not taken over from another of them."""
    return [name for name in datasets if not any(each in datasets for each in lineage(name)[:-1])]


def _choose_variant(chosen: PresetFile, dataset: str, variant: str | None) -> str:
    known = chosen.variants_on(dataset)
    if variant is None or variant in known:
        return variant or REFERENCE
    if any(variant in preset_file(name).variants for name in model_names()):
        raise UsageError(
            f"{chosen.name} has no variant {variant!r} on {dataset}: choose one of "
            f"{', '.join(known)} (lite exists only where the reference takes over half an hour on "
            "two CPU cores)"
        )
    raise UsageError(
        f"there is no variant {variant!r}: choose one of {', '.join(known)}"
        f"{close_to(variant, known)}"
    )


def _layers(
    chosen: PresetFile, dataset: str, variant: str, ancestors: Sequence[str]
) -> Iterator[Table]:
    for name in ancestors:
        table = dict(dataset_table(name))
        yield {k: v for k, v in table.items() if k not in NOT_LAID}
    yield chosen.body() | {"dataset": dataset, "variant": variant}
    papers = {dataset, chosen.tables.get(dataset)}
    yield from (_on(name, chosen.on, papers) for name in ancestors if name in chosen.on)
    if variant == REFERENCE:
        return
    # The published scores belong to the published configuration.
    yield {"expected": None}
    for name, own in chosen.layers_of(variant).items():
        for ancestor in ancestors:
            yield dataset_table(ancestor).get("variants", {}).get(name, {})
        yield absent(own.without)
        yield own.body()
        yield from (_on(each, own.on, papers) for each in ancestors if each in own.on)


def _on(name: str, tables: Mapping[str, Table], papers: Container[str | None]) -> Table:
    """What a model changes on a data set, as a set that is like it takes it over.

    Published scores, and what a paper did with its data, belong to the paper's own set.
    """
    table = tables[name]
    if name in papers:
        return table
    said = table.get("deviations", {})
    kept = {path: each for path, each in said.items() if path.partition(".")[0] != "data"}
    left = {key: below for key, below in table.items() if key not in ("expected", "deviations")}
    return left | ({"deviations": kept} if kept else {})
