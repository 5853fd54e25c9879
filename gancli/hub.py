"""Repositories on the Hugging Face hub: downloads and uploads; its package is an extra."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from gancli.cache_layout import HUB
from gancli.errors import NetworkError, RunError, UsageError
from gancli.folders import cache_folder
from gancli.outside import REASON_CHARACTERS
from gancli.pasteable import named

ON_HUB = "hf:"
"""How the address of a repository begins."""
_PACKAGE = "huggingface_hub"
_SITE = "https://huggingface.co"
_COPIED = "or get the run's folder in another way: it works wherever it is copied"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"(?P<name>{_PART}/{_PART})(?:@(?P<revision>[\w./-]+))?")
_REFUSALS = {
    401: "the hub does not know you: log in with hf auth login, or set HF_TOKEN",
    403: "the hub does not allow it: see that your token may write there",
    404: "the hub has no such repository, or you may not see it: see to its name, and log in with "
    "hf auth login where it is private",
}
"""Answers of the hub, and what to do."""


class Repository(NamedTuple):
    """A repository on the hub."""

    name: str
    """OWNER/NAME"""
    revision: str | None = None
    """branch, tag or commit; None: the main branch"""

    def __str__(self) -> str:
        return f"{ON_HUB}{self.name}" + (f"@{self.revision}" if self.revision else "")


def is_on_hub(wanted: str) -> bool:
    """Whether it is the address of a repository, and no path."""
    return wanted.startswith(ON_HUB)


def repository(address: str) -> Repository:
    """The repository of an address: `hf:OWNER/NAME`, `OWNER/NAME`, or either with `@REVISION`.

    Raises:
        UsageError: it is not an address.
    """
    found = _REPOSITORY.fullmatch(address.removeprefix(ON_HUB))
    if found is None:
        raise UsageError(
            f"{address} is not a repository on the Hugging Face hub: write {ON_HUB}OWNER/NAME"
        )
    return Repository(found["name"], found["revision"])


class HubPath(NamedTuple):
    """A file or a folder on the hub."""

    repository: Repository
    path: str
    """within it; empty: all of it"""

    @staticmethod
    def of(address: str) -> "HubPath":
        """The parts of `hf:OWNER/REPO/PATH`.

        Raises:
            UsageError: it is not such an address.
        """
        owner, _, rest = address.removeprefix(ON_HUB).partition("/")
        name, _, path = rest.partition("/")
        parts = path.rstrip("/").split("/") if path else []
        if not _REPOSITORY.fullmatch(f"{owner}/{name}") or not {"", ".", ".."}.isdisjoint(parts):
            raise UsageError(
                f"{address} is not an address on the hub: type {ON_HUB}OWNER/REPO/PATH, e.g. "
                f"{ON_HUB}OWNER/REPO/FOLDER/model.pt"
            )
        return HubPath(repository(f"{owner}/{name}"), "/".join(parts))

    @property
    def page(self) -> str:
        """The address for a browser."""
        revision = self.repository.revision or "main"
        return f"{_SITE}/{self.repository.name}/tree/{revision}/{self.path}".rstrip("/")


def downloaded(address: str, *, instead: str) -> Path:
    """Download a file or a folder of the hub, unless it is in the cache already.

    Args:
        address: `hf:OWNER/REPO/PATH`.
        instead: the command to type once the files are downloaded by other means.

    Returns:
        The file or the folder, in the cache.

    Raises:
        NetworkError: the hub cannot be reached, or there is no such file.
        UsageError: it is not such an address, or the package is not installed.
    """
    where = HubPath.of(address)
    wanted = [where.path, f"{where.path}/*"] if where.path else ["*"]
    otherwise = f"or download it from {where.page} by other means, then type {instead}"
    found = snapshot(where.repository, wanted, otherwise) / where.path
    if not found.exists():
        raise NetworkError(
            f"{where.repository} has no {where.path}: look at {where._replace(path='').page}"
        )
    return found


def snapshot(wanted: Repository, patterns: list[str], otherwise: str = _COPIED) -> Path:
    """The folder of a repository's files in the cache; what is there already is not loaded again.

    Args:
        wanted: the repository.
        patterns: names of the files, with `*`; others are left on the hub.
        otherwise: what to do where the hub cannot be reached.

    Raises:
        UsageError: the package is not installed.
        NetworkError: the hub cannot be reached, or has no such repository.
    """
    with _in_sentences(f"could not download {wanted}", otherwise) as package:
        found: str = package.snapshot_download(
            wanted.name,
            revision=wanted.revision,
            allow_patterns=patterns,
            cache_dir=cache_folder() / HUB,
            endpoint=_endpoint(),
            library_name="gancli",
        )
    return Path(found)


def upload(wanted: Repository, folder: Path, message: str, *, private: bool) -> str:
    """Make a folder's files those of a repository, which is made where there is none.

    Checkpoints that the folder lacks are removed from the repository.

    Args:
        wanted: the repository.
        folder: holds nothing else.
        message: of the commit.
        private: whether a new repository is to be seen by its owner alone.

    Returns:
        the address of the repository's page.

    Raises:
        UsageError: the package is not installed.
        NetworkError: the hub cannot be reached, or refuses.
    """
    otherwise = f"or write the files with {named('push')} ... --out DIR, and upload them elsewhere"
    with _in_sentences(f"could not upload to {wanted}", otherwise) as package:
        api = package.HfApi(endpoint=_endpoint(), library_name="gancli")
        made = api.create_repo(wanted.name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=wanted.name,
            folder_path=folder,
            revision=wanted.revision,
            commit_message=message,
            delete_patterns=["checkpoints/*"],
        )
    return str(made)


def hub_package() -> Any:  # noqa: ANN401
    """The package of the hub, whose progress bars are off: they would not keep to one line.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise UsageError(
            f"the Hugging Face hub needs the package {_PACKAGE}, which is not installed: "
            "pip install 'gancli[hub]'"
        )
    package = import_module(_PACKAGE)
    import_module(f"{_PACKAGE}.utils").disable_progress_bars()
    return package


def _endpoint() -> str | None:
    # The package reads it once, when it is imported.
    return os.environ.get("HF_ENDPOINT")


@contextmanager
def _in_sentences(fault: str, otherwise: str) -> Iterator[Any]:
    """The package, whose errors become one sentence."""
    package = hub_package()
    try:
        yield package
    except Exception as error:  # whatever the package raises, of several libraries
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in _REFUSALS:
            raise NetworkError(f"{fault}: {_REFUSALS[status]}") from error
        said = " ".join(str(error).split())[:REASON_CHARACTERS] or type(error).__name__
        if isinstance(error, ValueError):
            raise NetworkError(f"{fault}: the hub refuses it: {said}") from error
        raise NetworkError(
            f"{fault} ({said}): try again when the hub can be reached, {otherwise}"
        ) from error


def refuse_foreign(wanted: Repository, folder: Path) -> None:
    """Check that a repository's files are those of a run.

    Raises:
        RunError: there is no checkpoint among them.
    """
    if not any((folder / "checkpoints").glob("*.safetensors")):
        raise RunError(
            f"{wanted} holds no checkpoint of gancli: name a repository that {named('push')} made"
        )
