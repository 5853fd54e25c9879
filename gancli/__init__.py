"""Train, sample, evaluate, traverse and compare the classic GANs, repeatably.

What `__all__` names is public and documented in docs/python.md; everything else may change. It is
imported when it is first used, so that importing this package costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gancli import parts as parts
    from gancli import register as register
    from gancli.errors import DataError as DataError
    from gancli.errors import DiskError as DiskError
    from gancli.errors import GanError as GanError
    from gancli.errors import InterruptedRunError as InterruptedRunError
    from gancli.errors import LockedError as LockedError
    from gancli.errors import NetworkError as NetworkError
    from gancli.errors import NonFiniteError as NonFiniteError
    from gancli.errors import RunError as RunError
    from gancli.errors import UsageError as UsageError
    from gancli.library.evaluate import EvaluationOptions as EvaluationOptions
    from gancli.library.evaluate import evaluate as evaluate
    from gancli.library.explain import explain as explain
    from gancli.library.image_grid import image_grid as image_grid
    from gancli.library.load import load as load
    from gancli.library.model import Model as Model
    from gancli.library.presets import ModelInfo as ModelInfo
    from gancli.library.presets import presets as presets
    from gancli.library.scores import Scores as Scores
    from gancli.library.train import resolve_preset as resolve_preset
    from gancli.library.train import resume as resume
    from gancli.library.train import train as train
    from gancli.library.traversal import Traversed as Traversed
    from gancli.library.traversal import TraversedAxis as TraversedAxis
    from gancli.plugin_records import ChangedPluginWarning as ChangedPluginWarning
    from gancli.plugins import load_plugin as load_plugin
    from gancli.preset import Preset as Preset
    from gancli.types import Latent as Latent

_ERRORS = (
    "DataError",
    "DiskError",
    "GanError",
    "InterruptedRunError",
    "LockedError",
    "NetworkError",
    "NonFiniteError",
    "RunError",
    "UsageError",
)
_HOMES = dict.fromkeys(_ERRORS, "gancli.errors") | {
    "ChangedPluginWarning": "gancli.plugin_records",
    "EvaluationOptions": "gancli.library.evaluate",
    "Latent": "gancli.types",
    "evaluate": "gancli.library.evaluate",
    "explain": "gancli.library.explain",
    "Model": "gancli.library.model",
    "ModelInfo": "gancli.library.presets",
    "Preset": "gancli.preset",
    "Traversed": "gancli.library.traversal",
    "Scores": "gancli.library.scores",
    "TraversedAxis": "gancli.library.traversal",
    "image_grid": "gancli.library.image_grid",
    "load": "gancli.library.load",
    "load_plugin": "gancli.plugins",
    "presets": "gancli.library.presets",
    "resolve_preset": "gancli.library.train",
    "resume": "gancli.library.train",
    "train": "gancli.library.train",
}
"""Public name -> the module that defines it."""
_MODULES = ("parts", "register")
__all__ = ["__version__", *_MODULES, *_HOMES]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
