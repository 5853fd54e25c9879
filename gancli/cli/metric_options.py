"""Options that come from the table of metrics, so that a metric of a plugin has one, too."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gancli.scores import MetricSetting, metric_options

SELECTED = "metrics"
"""The parameter that a command with an option for each metric takes their names by."""
SETTINGS = "settings"
"""The one that it takes the metrics' settings by."""


class WithMetrics:
    """A command with an option for each metric, in the place of its parameter `metrics`.

    Where it has a parameter `settings`, so has each of the metrics' settings.

    Its signature is made when it is asked for: by then plugins have been loaded.
    """

    def __init__(self, command: Callable[..., None]) -> None:
        self._command = command
        self.__name__ = command.__name__
        self.__doc__ = command.__doc__
        # The signature says it all, and typer asks for hints, too.
        self.__annotations__ = {}

    @property
    def __signature__(self) -> inspect.Signature:
        parameters = []
        own = inspect.signature(self._command, eval_str=True)
        for parameter in own.parameters.values():
            if parameter.name == SELECTED:
                for entry in metric_options():
                    option = typer.Option(f"--{entry.name}", help=entry.help)
                    kind = Annotated[bool, option]
                    parameters.append(_option(entry.name, default=False, annotation=kind))
            elif parameter.name == SETTINGS:
                parameters += map(_option_of_setting, _settings())
            else:
                parameters.append(parameter)
        return own.replace(parameters=parameters)

    def __call__(self, **typed: Any) -> None:  # noqa: ANN401
        """Run the command with the names of the metrics whose options are set."""
        names = [entry.name for entry in metric_options()]
        chosen = tuple(name for name in names if typed.pop(_parameter_of(name), False))
        said = {each.name: typed.pop(_parameter_of(each.name), None) for each in _settings()}
        if SETTINGS in inspect.signature(self._command).parameters:
            typed[SETTINGS] = {name: value for name, value in said.items() if value is not None}
        self._command(**{SELECTED: chosen}, **typed)


def _settings() -> list[MetricSetting]:
    return [each for entry in metric_options() for each in entry.settings]


def _option_of_setting(setting: MetricSetting) -> inspect.Parameter:
    option = typer.Option(
        f"--{setting.name}",
        min=setting.least,
        metavar="N",
        help=f"{setting.help} Default: {setting.default}.",
    )
    return _option(setting.name, default=None, annotation=Annotated[int | None, option])


def _option(name: str, *, default: object, annotation: object) -> inspect.Parameter:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(_parameter_of(name), kind, default=default, annotation=annotation)


def _parameter_of(metric: str) -> str:
    return f"metric_{metric.replace('-', '_')}"
