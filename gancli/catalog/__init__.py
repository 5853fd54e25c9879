"""Finds preset files, lays them over each other, fits them to a user's images; knows no torch."""

from gancli.catalog.preset_files import (
    PresetFile,
    dataset_names,
    dataset_table,
    example_of,
    is_resolved_file,
    labelled_example,
    lineage,
    model_names,
    preset_data,
    preset_file,
    preset_folder,
    read_toml,
)
from gancli.catalog.resolve import chain, for_photographs, home_of, resolve

__all__ = [
    "PresetFile",
    "chain",
    "dataset_names",
    "dataset_table",
    "example_of",
    "for_photographs",
    "home_of",
    "is_resolved_file",
    "labelled_example",
    "lineage",
    "model_names",
    "preset_data",
    "preset_file",
    "preset_folder",
    "read_toml",
    "resolve",
]
