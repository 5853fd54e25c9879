"""Options that come from the table of metrics, so that a metric of a plugin has one, too."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gancli.scores import metric_options

SELECTED = "metrics"
"""The parameter that a command with an option for each metric takes their names by."""


class WithMetrics:
    """A command with an option for each metric, in the place of its parameter `metrics`.

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
            if parameter.name != SELECTED:
                parameters.append(parameter)
                continue
            for entry in metric_options():
                option = typer.Option(f"--{entry.name}", help=entry.help)
                parameters.append(
                    inspect.Parameter(
                        _parameter_of(entry.name),
                        inspect.Parameter.POSITIONAL_OR_KEYWORD,
                        default=False,
                        annotation=Annotated[bool, option],
                    )
                )
        return own.replace(parameters=parameters)

    def __call__(self, **typed: Any) -> None:  # noqa: ANN401
        """Run the command with the names of the metrics whose options are set."""
        names = [entry.name for entry in metric_options()]
        chosen = tuple(name for name in names if typed.pop(_parameter_of(name), False))
        self._command(**{SELECTED: chosen}, **typed)


def _parameter_of(metric: str) -> str:
    return f"metric_{metric.replace('-', '_')}"
