"""Presets: their schema, how they are read, and how they are shown."""

from gancli.preset.load import change, differences, load_preset, mark_deviations, validate
from gancli.preset.named_data import models_on, spec_named
from gancli.preset.published import Published
from gancli.preset.schema import Preset, Schedule
from gancli.preset.show import to_toml

__all__ = [
    "Preset",
    "Published",
    "Schedule",
    "change",
    "differences",
    "load_preset",
    "mark_deviations",
    "models_on",
    "spec_named",
    "to_toml",
    "validate",
]
