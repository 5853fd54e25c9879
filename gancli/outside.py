"""The one place where text from outside becomes values: what does not fit is a sentence.

Files of runs, checkpoints, studies and caches may be cut off, edited, or of another version; a
test sees to it that nothing else in the package reads JSON or TOML.
"""

import json
import tomllib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gancli.errors import GanError, RunError

_Model = TypeVar("_Model", bound=BaseModel)
WHOLE_NUMBER_DIGITS = 300
"""Larger whole numbers fit no float, and Python refuses to print the largest."""
STEP_LIMIT = 1_000_000_000
"""No schedule has more steps."""
REASON_CHARACTERS = 200
"""Characters of a reason that a sentence repeats."""


class ForeignTextError(RunError):
    """Text from outside that is not what it should be."""


def json_from(text: str | bytes, source: object) -> Any:  # noqa: ANN401
    """The value of a JSON text, with whole numbers that fit a float.

    Args:
        text: from outside.
        source: where it was, for the sentence.

    Raises:
        ForeignTextError: it is not JSON, or deeper or larger than anything this program writes.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ForeignTextError(f"{source} is not JSON of gancli: it is nested too deep") from None
    except ValueError as error:
        raise ForeignTextError(f"{source} is not JSON: {_brief(error)}") from error


def _whole(digits: str) -> int:
    if len(digits) > WHOLE_NUMBER_DIGITS:
        raise ValueError(f"a whole number has more than {WHOLE_NUMBER_DIGITS} digits")
    return int(digits)


def toml_from(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: it is not TOML.
        RecursionError: it is nested too deep.
    """
    return tomllib.loads(text)


def model_from(
    model: type[_Model], value: object, source: object, error: type[GanError] = ForeignTextError
) -> _Model:
    """The object that a JSON text, or a value read already, describes.

    Args:
        model: what it should be.
        value: JSON as text or bytes, or plain values.
        source: where it was, for the sentence.
        error: what to raise.

    Raises:
        GanError: it is something else; of the type `error`.
    """
    plain = json_from(value, source) if isinstance(value, str | bytes) else value
    try:
        # As JSON again, for there lists may become tuples, and text a path.
        return model.model_validate_json(json.dumps(plain))
    except GanError:
        raise
    except ValidationError as found:
        raise error(_foreign(source, _first(found))) from found
    except Exception as found:  # a validator may stumble over anything
        raise error(_foreign(source, _brief(found))) from found


def _foreign(source: object, reason: str) -> str:
    return f"{source} is damaged or was written by another version of gancli: {reason}"


def _first(error: ValidationError) -> str:
    """The first fault in words: where, and what is wrong."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, fault["loc"]))
    return _short(f"{where}: {fault['msg']}" if where else fault["msg"])


def _brief(error: BaseException) -> str:
    return _short(str(error).splitlines()[0] if str(error) else type(error).__name__)


def _short(text: str) -> str:
    return text if len(text) <= REASON_CHARACTERS else f"{text[:REASON_CHARACTERS]} ..."
