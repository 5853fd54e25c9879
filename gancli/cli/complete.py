"""What the shell offers after Tab: models, data sets, variants and runs; knows no torch.

Where nothing fits, the shell completes paths.
"""

from collections.abc import Iterable

import typer

from gancli import catalog
from gancli.explanations.pages import verdict_names
from gancli.runs.names import numbered_folders
from gancli.zoo.entries import ZOO_PREFIX, zoo_names


def complete_model(incomplete: str) -> list[str]:
    """Models, by name."""
    return _starting(catalog.model_names(), incomplete)


def complete_explained(incomplete: str) -> list[str]:
    """Verdicts and models, by name."""
    return _starting([*verdict_names(), *catalog.model_names()], incomplete)


def complete_dataset(context: typer.Context, incomplete: str) -> list[str]:
    """Data sets: those of the model, where one was typed before."""
    model = _typed_model(context)
    named = catalog.preset_file(model).datasets if model else catalog.dataset_names()
    return _starting(named, incomplete)


def complete_mixture(incomplete: str) -> list[str]:
    """Data sets of points."""
    return _starting(_mixtures(), incomplete)


def complete_point_model(incomplete: str) -> list[str]:
    """Models that train on points."""
    sets = {*_mixtures()}
    files = map(catalog.preset_file, catalog.model_names())
    return _starting([file.name for file in files if sets & {*file.datasets}], incomplete)


def complete_variant(context: typer.Context, incomplete: str) -> list[str]:
    """Variants of the model on its data set, where they were typed before."""
    model, dataset = _typed_model(context), context.params.get("dataset")
    if model is None:
        return []
    found = catalog.preset_file(model)
    datasets = [str(dataset)] if dataset in found.datasets else found.datasets
    variants = dict.fromkeys(name for each in datasets for name in found.variants_on(each))
    return _starting(variants, incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Runs under the root, the latest first, models, which mean their latest run, and the zoo."""
    runs = [path.name for path in reversed(numbered_folders())]
    zoo = [f"{ZOO_PREFIX}{name}" for name in zoo_names()]
    return _starting([*runs, *catalog.model_names(), *zoo], incomplete)


def complete_zoo(incomplete: str) -> list[str]:
    """Generators of the zoo."""
    return _starting(zoo_names(), incomplete)


def _mixtures() -> list[str]:
    kinds = {name: catalog.preset_data(name).get("kind") for name in catalog.dataset_names()}
    return [name for name, kind in kinds.items() if kind == "mixture"]


def _typed_model(context: typer.Context) -> str | None:
    """The model on the line; before an option without its value, arguments are not parsed yet."""
    typed = [context.params.get("model"), context.params.get("name"), *context.args]
    return next((str(word) for word in typed if word in catalog.model_names()), None)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
