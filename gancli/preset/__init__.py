"""Presets: their schema, how they are read, and how they are shown."""

from gancli.preset.layers import PresetLayer
from gancli.preset.load import (
    change,
    load_preset,
    mark_deviations,
    preset_differences,
    training_fields,
    validate,
)
from gancli.preset.named_data import models_on, named_sets, spec_named
from gancli.preset.origin import Origin
from gancli.preset.published import Published
from gancli.preset.schedule import Schedule
from gancli.preset.schema import Preset
from gancli.preset.short_run import fill_short_run, keep_periods, lite_command, set_epochs
from gancli.preset.show import to_toml
from gancli.preset.stored import StoredPreset

__all__ = [
    "Origin",
    "Preset",
    "PresetLayer",
    "Published",
    "Schedule",
    "StoredPreset",
    "change",
    "fill_short_run",
    "keep_periods",
    "lite_command",
    "load_preset",
    "mark_deviations",
    "models_on",
    "named_sets",
    "preset_differences",
    "set_epochs",
    "spec_named",
    "to_toml",
    "training_fields",
    "validate",
]
