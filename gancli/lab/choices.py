"""What the page has to choose from: models with their presets, and data sets."""

from dataclasses import dataclass
from typing import Any

from gancli import catalog
from gancli.catalog.preset_files import close_to
from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.lab.engine_parts import lacking
from gancli.lab.preset_settings import LabTable, data_settings, lab_settings
from gancli.lab.thresholds import thresholds
from gancli.preset import Preset, load_preset, named_sets, spec_named

USUAL_SET = "ring8"
"""The data set whose presets hold for points from a file, and where a model knows no other."""


@dataclass(frozen=True)
class LabData:
    """A data set of the page."""

    name: str
    words: str
    settings: dict[str, Any]


def point_presets() -> dict[str, dict[str, Preset]]:
    """The presets that the engine can train, by model and data set."""
    found: dict[str, dict[str, Preset]] = {}
    for model in catalog.model_names():
        sets = catalog.preset_file(model).datasets
        own = {name: load_preset(model, name) for name in mixtures() if name in sets}
        able = {name: preset for name, preset in own.items() if lacking(preset) is None}
        if USUAL_SET in able:
            found[model] = able
    return found


def mixtures() -> dict[str, LabData]:
    """The named data sets of points."""
    specs = {name: spec_named(name) for name in named_sets()}
    return {
        name: LabData(name, f"{spec.modes} Gaussians on a {spec.layout}", data_settings(spec))
        for name, spec in specs.items()
        if isinstance(spec, Mixture)
    }


def lab_tables(own: LabData | None = None) -> LabTable:
    """All that the page may choose from.

    Args:
        own: points of the user's, if any.
    """
    models = point_presets()
    files = {model: catalog.preset_file(model) for model in models}
    sets = [*mixtures().values(), *([own] if own else [])]
    return {
        "models": [{"name": n, "idea": f.idea, "summary": f.summary} for n, f in files.items()],
        "datasets": [{"name": d.name, "words": d.words, "data": d.settings} for d in sets],
        "presets": {model: _by_set(presets) for model, presets in models.items()},
        "usual": USUAL_SET,
        "rules": thresholds(),
    }


def _by_set(presets: dict[str, Preset]) -> dict[str, LabTable]:
    """The settings on each data set that are not those on the usual one."""
    every = {name: lab_settings(preset) for name, preset in presets.items()}
    usual = every[USUAL_SET]
    return {name: each for name, each in every.items() if name == USUAL_SET or each != usual}


def refuse_unknown_model(model: str | None) -> None:
    """Check that the page has a model.

    Raises:
        UsageError: it has not.
    """
    known = list(point_presets())
    if model is not None and model not in known:
        if model in catalog.model_names():
            said = f"{model} does not train on points in the lab"
        else:
            said = f"there is no model {model}{close_to(model, known)}"
        raise UsageError(f"{said}: choose one of {', '.join(known)}")
