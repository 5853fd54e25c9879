"""The sentence for a command line that cannot be read: the nearest option, and a command."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from typer.exceptions import TyperException
from typer.main import get_command

from gancli.catalog.synonyms import FIELD_NAMED, OPTION_NAMED, plain_name
from gancli.cli.app import app
from gancli.pasteable import command, named

_PREFIX = "Value error, "
"""How the message of a refused value begins, which says nothing to the user."""


def mistyped(error: TyperException, arguments: Sequence[str]) -> str:
    """The sentence for a command line that cannot be read.

    Args:
        error: as typer raises it.
        arguments: the command line.
    """
    words, found = _command_of(arguments)
    said = error.format_message().rstrip(".").replace(_PREFIX, "")
    wrong = getattr(error, "option_name", None)
    listed = "commands" if getattr(found, "commands", None) else "options"
    if wrong is not None and getattr(error, "possibilities", None) is not None:
        said = f"{named(*words)} has no option {wrong}{_nearest(wrong, found)}"
    joint = " " if said.endswith("?") else "; "
    return f"{said}{joint}{command(*words, '--help')} lists the {listed}"


def _nearest(wrong: str, found: Any) -> str:  # noqa: ANN401
    """The option, or the field of a preset, that may be meant."""
    options = [name for each in found.params for name in each.opts if name.startswith("--")]
    close = get_close_matches(wrong, options, n=1, cutoff=0.7)
    name = plain_name(wrong)
    if not close and OPTION_NAMED.get(name) in options:
        close = [OPTION_NAMED[name]]
    if not close and "--set" in options:
        option = f"--{FIELD_NAMED.get(name, '').removeprefix('schedule.')}"
        field = option if option in options else _field(name)
        close = [field] if field else []
    if not close:
        close = [option for option in options if option.startswith(wrong)][:1]
    return f", did you mean {close[0]}?" if close else ""


def _field(name: str) -> str | None:
    """The `--set` that a name means: that of another program, or a field's own."""
    fields = set(FIELD_NAMED.values())
    own = [field for field in sorted(fields) if field.rpartition(".")[2] == name]
    # Of those of one player and of all, that of all is the shortest.
    field = FIELD_NAMED.get(name) or min(own, key=len, default=None)
    return f"--set {field}=VALUE" if field else None


def _command_of(arguments: Sequence[str]) -> tuple[list[str], Any]:
    """The words that name a command, as far as there is one, and the command."""
    found: Any = get_command(app)
    words: list[str] = []
    for word in arguments:
        below = getattr(found, "commands", {})
        if word not in below:
            break
        found = below[word]
        words.append(word)
    return words, found
