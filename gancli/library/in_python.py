"""Errors for programs: the command's sentences, with arguments instead of options."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from gancli.errors import GanError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_COMMAND = re.compile(r"gan [a-z-]+(?:'[^']*'|[^,;:()'])*")
"""A command for a shell, up to where the sentence goes on."""
_RESUME = re.compile(r"gan resume (?:'([^']+)'|(\S+))")
_SET = re.compile(r"--set ([\w.]+)=([^\s,;:()]*)")
_PLUGIN = re.compile(r"add --plugin (?:'([^']+)'|([^\s,;()]+))")
_OPTION = re.compile(r"--([a-z][a-z-]*)(?: (?=[A-Z]{2,}|[A-Z]\b|\d|last\b|best\b))?")
_OTHERWISE = {
    "resume": "gancli.resume",
    "allow-changes": "allow_changes=True",
    "compile": "compiled=True",
    "no-compile": "compiled=False",
}
"""Options whose argument has another name."""


def in_python(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make the errors of this function name its arguments instead of the command's options."""

    @wraps(function)
    def called(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except GanError as error:
            said = pythonic(str(error))
            if said == str(error):
                raise
            raise type(error)(said) from error

    return called


def pythonic(sentence: str) -> str:
    """The sentence for a program: `--raw` is `raw=`, `--checkpoint STEP` is `checkpoint=STEP`.

    Commands stay, because a shell takes them; but `gan resume RUN` becomes `gancli.resume("RUN")`.
    """
    parts, end = [], 0
    for command in _COMMAND.finditer(sentence):
        parts.append(_arguments(sentence[end : command.start()]))
        parts.append(_RESUME.sub(r'gancli.resume("\1\2")', command[0]))
        end = command.end()
    return "".join([*parts, _arguments(sentence[end:])])


def _arguments(text: str) -> str:
    text = _PLUGIN.sub(r'call gancli.load_plugin("\1\2") first', text)
    text = _SET.sub(lambda found: f'overrides={{"{found[1]}": {found[2] or "..."}}}', text)
    return _OPTION.sub(
        lambda found: _OTHERWISE.get(found[1], found[1].replace("-", "_") + "="), text
    )
