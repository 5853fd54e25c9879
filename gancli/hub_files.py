"""Files of the Hugging Face hub, by their address `hf:OWNER/REPO/PATH`; knows no torch.

`huggingface_hub` downloads them, an extra: `pip install 'gancli[hub]'`. Files lie in its own cache,
and a file that is there is not downloaded again.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from gancli.errors import NetworkError, UsageError

HUB_PREFIX = "hf:"
HUB_REMEDY = "pip install 'gancli[hub]'"
HUB_SITE = "https://huggingface.co"


class HubAddress(NamedTuple):
    """Where on the hub files are."""

    repository: str
    """OWNER/REPO"""
    path: str
    """of a file or a folder within it; empty: all of it"""

    @property
    def page(self) -> str:
        """The address for a browser."""
        return f"{HUB_SITE}/{self.repository}/tree/main/{self.path}".rstrip("/")

    @staticmethod
    def of(address: str) -> "HubAddress":
        """The parts of `hf:OWNER/REPO/PATH`.

        Raises:
            UsageError: it is not such an address.
        """
        owner, _, rest = address.removeprefix(HUB_PREFIX).partition("/")
        name, _, path = rest.partition("/")
        parts = path.rstrip("/").split("/") if path else []
        if not owner or not name or not {"", ".", ".."}.isdisjoint(parts):
            raise UsageError(
                f"{address} is not an address on the hub: type {HUB_PREFIX}OWNER/REPO/PATH, e.g. "
                f"{HUB_PREFIX}OWNER/REPO/FOLDER/model.pt"
            )
        return HubAddress(f"{owner}/{name}", "/".join(parts))


def hub_library() -> Any:  # noqa: ANN401
    """The package that talks to the hub.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module("huggingface_hub")
    except ImportError as error:
        raise UsageError(
            f"{HUB_PREFIX} addresses need huggingface_hub, which is not installed: {HUB_REMEDY}"
        ) from error


def downloaded(address: str, *, instead: str) -> Path:
    """Download a file or a folder of the hub, unless it is in the cache already.

    Args:
        address: `hf:OWNER/REPO/PATH`.
        instead: the command to type once the files are downloaded by other means.

    Returns:
        The file or the folder, in the cache of `huggingface_hub`.

    Raises:
        NetworkError: the hub cannot be reached, or there is no such file.
        UsageError: it is not such an address, or `huggingface_hub` is not installed.
    """
    where = HubAddress.of(address)
    hub = hub_library()
    wanted = [where.path, f"{where.path}/*"] if where.path else None
    try:
        folder = Path(hub.snapshot_download(where.repository, allow_patterns=wanted))
    except hub.errors.HFValidationError as error:
        raise UsageError(
            f"{address} is not an address on the hub ({_brief(error)}): type "
            f"{HUB_PREFIX}OWNER/REPO/PATH"
        ) from error
    except hub.errors.RepositoryNotFoundError as error:
        raise NetworkError(
            f"the hub has no repository {where.repository}, or it is private: look at "
            f"{HUB_SITE}/{where.repository}, and log in with: hf auth login"
        ) from error
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"could not download {address} ({_brief(error)}): download it from {where.page} by "
            f"other means, then type {instead}"
        ) from error
    found = folder / where.path
    if not found.exists():
        raise NetworkError(
            f"{where.repository} on the hub has no {where.path}: look at "
            f"{HUB_SITE}/{where.repository}/tree/main"
        )
    return found


def _brief(error: Exception) -> str:
    """The first line of an error, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
