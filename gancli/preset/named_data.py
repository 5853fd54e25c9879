"""A data set by its name, as the presets describe it."""

from gancli import catalog
from gancli.catalog.preset_files import unknown_set
from gancli.data import AnyData, TorchvisionImages
from gancli.preset.load import load_preset


def spec_named(dataset: str) -> AnyData:
    """A data set, by its name, at its own size.

    Raises:
        UsageError: there is none of that name.
    """
    spec = load_preset(models_on(dataset)[0], dataset).data
    # Some models train on it at another size.
    has_size = isinstance(spec, TorchvisionImages) and spec.described.shape is not None
    return spec.model_copy(update={"size": None}) if has_size else spec


def models_on(dataset: str) -> list[str]:
    """The models that train on a named data set, by name.

    Raises:
        UsageError: there is no such data set.
    """
    models = [n for n in catalog.model_names() if dataset in catalog.preset_file(n).datasets]
    if not models:
        known = ", ".join(catalog.dataset_names())
        raise unknown_set(
            dataset, f"name a path of images (a folder, a zip or an npz) or one of {known}"
        )
    return models
