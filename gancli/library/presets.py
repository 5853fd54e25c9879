"""The models there are; knows no torch."""

from dataclasses import dataclass
from typing import Any

from gancli import catalog


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be trained."""

    name: str
    summary: str
    """what the paper changed, in a sentence"""
    paper: str
    datasets: tuple[str, ...]
    """that it has presets for"""
    variants: dict[str, tuple[str, ...]]
    """data set -> the variants it has there, the reference first"""
    published: dict[str, dict[str, Any]]
    """data set -> the reference's published scores and their `source`, where there are some"""
    knows_classes: bool
    """whether its generator is told the class of what it makes"""


def presets() -> list[ModelInfo]:
    """All models, by name; costs no torch."""
    return [_info(catalog.preset_file(name)) for name in catalog.model_names()]


def _info(file: catalog.PresetFile) -> ModelInfo:
    published = {name: dict(file.published(name)) for name in file.datasets}
    return ModelInfo(
        name=file.name,
        summary=file.summary,
        paper=file.paper,
        datasets=tuple(file.datasets),
        variants={name: tuple(file.variants_on(name)) for name in file.datasets},
        published={name: scores for name, scores in published.items() if scores},
        knows_classes=file.knows_classes,
    )
