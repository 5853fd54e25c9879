"""A data set by its name, as the presets describe it."""

from pydantic import TypeAdapter

from gancli import catalog
from gancli.catalog.preset_files import unknown_set
from gancli.data import AnyData, DataSpec, TorchvisionImages


def spec_named(dataset: str) -> AnyData:
    """A data set, by its name, at its own size where it has one.

    Raises:
        UsageError: there is none of that name.
    """
    models_on(dataset)
    spec = TypeAdapter[DataSpec](AnyData).validate_python(catalog.preset_data(dataset))
    # Some models train on it at another size.
    has_size = isinstance(spec, TorchvisionImages) and spec.described.shape is not None
    return spec.model_copy(update={"size": None}) if has_size else spec


def named_sets() -> list[str]:
    """The data sets that models train on under their own names."""
    files = [catalog.preset_file(model) for model in catalog.model_names()]
    stand_ins = {table for file in files for table in file.tables.values()}
    return [name for name in catalog.dataset_names() if name not in stand_ins]


def models_on(dataset: str) -> list[str]:
    """The models that train on a named data set, by name; maybe none.

    Raises:
        UsageError: there is no such data set.
    """
    models = [n for n in catalog.model_names() if dataset in catalog.preset_file(n).datasets]
    if not models and dataset not in catalog.dataset_names():
        known = ", ".join(catalog.dataset_names())
        raise unknown_set(
            dataset, f"name a path of images (a folder, a zip, an npz or parquet) or one of {known}"
        )
    return models
