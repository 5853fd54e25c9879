"""What the shell offers after Tab: models, data sets, variants and runs; knows no torch.

Where nothing fits, the shell completes paths.
"""

from collections.abc import Iterable

import typer

from gancli import catalog
from gancli.errors import GanError
from gancli.runs.names import numbered_folders


def complete_model(incomplete: str) -> list[str]:
    """Models, by name."""
    return _starting(catalog.model_names(), incomplete)


def complete_dataset(context: typer.Context, incomplete: str) -> list[str]:
    """Data sets: those of the model, where one was typed before."""
    model = context.params.get("model")
    named = catalog.dataset_names()
    if model in catalog.model_names():
        named = catalog.preset_file(model).datasets
    return _starting(named, incomplete)


def complete_variant(context: typer.Context, incomplete: str) -> list[str]:
    """Variants of the model on its data set, where they were typed before."""
    model, dataset = context.params.get("model"), context.params.get("dataset")
    try:
        found = catalog.preset_file(str(model))
    except GanError:
        return []
    datasets = [str(dataset)] if dataset in found.datasets else found.datasets
    variants = dict.fromkeys(name for each in datasets for name in found.variants_on(each))
    return _starting(variants, incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Runs under the root, the latest first, then models, which mean their latest run."""
    runs = [path.name for path in reversed(numbered_folders())]
    return _starting([*runs, *catalog.model_names()], incomplete)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
