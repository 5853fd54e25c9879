"""Text from outside, such as the names of files, as it may be printed."""

import re

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls of terminals and of writing direction, line ends, and what no encoding can hold."""
_BYTES = range(0xDC80, 0xDD00)
"""How Python reads bytes of a file's name that are not UTF-8."""


def printable(text: str) -> str:
    """The text with characters that would steer a terminal as their numbers, e.g. `\\x1b`.

    Spaces of all kinds, joiners and emoji stay as they are.
    """
    return _STEERING.sub(_escaped, text)


def encodable(text: str) -> str:
    """The text as UTF-8 can hold it: other bytes as their numbers, e.g. `\\xe9`."""
    return re.sub("[\ud800-\udfff]", _escaped, text)


def as_escapes(text: str) -> str:
    """The text with the same characters as TOML and JSON escape them: `\\u001b`."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if ord(character) in _BYTES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return ascii(character)[1:-1]
