"""Refuses fields that change nothing as the others stand."""

from collections.abc import Mapping
from typing import Any

from gancli.settings import Settings

LENIENT: Mapping[str, Any] = {"idle": "allowed"}
"""The context in which presets may set fields without effect, as earlier versions stored them."""


def idle_values(settings: Settings) -> dict[str, str]:
    """The fields, by path, that change nothing and yet are not at their defaults; and why."""
    found: dict[str, str] = {}
    _collect(settings, "", found)
    return {path: why for path, why in found.items() if not _at_default(settings, path)}


def is_lenient(context: object) -> bool:
    """Whether fields that change nothing are accepted."""
    return context is LENIENT


def refuse_idle(settings: Settings) -> None:
    """Refuse the first field that changes nothing.

    Raises:
        ValueError: there is one; it is named.
    """
    for path, why in idle_values(settings).items():
        raise ValueError(f"{path} changes nothing, because {why}: take it out, --set {path}=")


def _collect(settings: Settings, prefix: str, found: dict[str, str]) -> None:
    found |= {f"{prefix}{field}": why for field, why in settings.idle().items()}
    for name, value in settings:
        if isinstance(value, Settings):
            _collect(value, f"{prefix}{name}.", found)


def _at_default(settings: Settings, path: str) -> bool:
    *outer, field = path.split(".")
    for name in outer:
        settings = dict(settings)[name]
    default: object = type(settings).model_fields[field].default
    return bool(getattr(settings, field) == default)
