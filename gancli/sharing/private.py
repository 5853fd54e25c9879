"""Takes paths of this machine out of what is passed on to others."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from gancli.checkpoint_header import LENGTH_BYTES
from gancli.errors import RunError
from gancli.evaluation.protocol import Evaluation
from gancli.folders import expanded, portable
from gancli.outside import model_from
from gancli.runs.folder import SUFFIX

_STARTS = re.compile(r"(?:~/|/|[A-Za-z]:[\\/])[^\n]*")
"""A text that is a path as a whole, spaces and all."""
_WITHIN = re.compile(
    r"(?<![\w.:~/)\]}*<-])(?:~?/|[A-Za-z]:[\\/])(?:[^\s/\\,;:'\"()]+[/\\])*([^\s/\\,;:'\"()]+)"
)
"""A path within a sentence, to its last part; fractions and addresses of the web are none."""
_SHORTEST = 4
"""Characters of a folder's path that can be told from other text, e.g. not of `/`."""


def public(value: Any) -> Any:  # noqa: ANN401
    """A JSON value whose texts hold no path of this machine, only the last parts of them."""
    if isinstance(value, str):
        return _public_text(value)
    if isinstance(value, Mapping):
        return {key: public(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [public(each) for each in value]
    return value


def public_evaluation(found: Evaluation) -> Evaluation:
    """An evaluation in which real images are called by the last part of their path."""
    return model_from(Evaluation, public(found.model_dump(mode="json")), "an evaluation")


def _public_text(text: str) -> str:
    if _STARTS.fullmatch(text) and ", " not in text:
        return _last(text)
    return _WITHIN.sub(lambda found: found[1], text)


def _last(path: str) -> str:
    pure = PureWindowsPath(path) if "\\" in path else PurePath(path)
    return pure.name or "files"


def private_places(folders: Iterable[Path]) -> list[bytes]:
    """How the home folder and these folders may stand in a file, as bytes.

    Args:
        folders: absolute or relative, e.g. a run's; each is looked for as it is, with links
            followed, and with `~` for the home folder.
    """
    found: dict[bytes, None] = {}
    for folder in (Path(expanded("~")), *folders):
        whole = folder.absolute()
        for said in (str(whole), str(whole.resolve()), portable(whole)):
            if len(said) >= _SHORTEST:
                found[said.encode()] = None
    return list(found)


def refuse_private(files: Mapping[str, bytes], places: Iterable[bytes]) -> None:
    """Check that no file holds a place of this machine.

    Args:
        files: contents by name.
        places: as `private_places` gives them.

    Raises:
        RunError: one does; nothing has been passed on yet.
    """
    known = list(places)
    for name, content in files.items():
        text = content[: _end_of_header(content)] if name.endswith(SUFFIX) else content
        for place in known:
            if place in text:
                raise RunError(
                    f"{name} would hold {place.decode()}, a path of this machine, so nothing is "
                    "passed on: rename what is called so, e.g. a class, or leave it out"
                )


def _end_of_header(content: bytes) -> int:
    """Where the tensors of a safetensors file begin, among whose bytes any text may stand."""
    return LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
