"""A Dask cluster: the address of its scheduler, and the connection to it.

Importing this file does not import `distributed`, an extra: only `cluster_at` does.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gancli.errors import NetworkError, RunError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Security

PROTOCOLS = {"dask": "tcp", "tcp": "tcp", "tls": "tls"}
"""What an address begins with -> what Dask calls it."""
SCHEDULER_PORT = 8786
"""The port of `dask scheduler`, where an address names none."""
CONNECT_SECONDS = 10.0
TOLD_BY = ("distributed", "distributed.client", "distributed.gc", "tornado.application")
"""Loggers that would print tracebacks where a sentence says what happened."""


def scheduler_address(on: str) -> str:
    """The address of a scheduler as Dask writes it; `dask://` means `tcp://`.

    Raises:
        UsageError: it is none, or `distributed` is not installed.
    """
    if find_spec("distributed") is None:
        raise UsageError(
            "--on needs Dask, which is not installed: pip install 'gancli[cluster]', or leave the "
            "option out"
        )
    try:
        parts = urlsplit(on)
        host, port = parts.hostname or "", parts.port or SCHEDULER_PORT
    except ValueError:
        host, port = "", 0
    if not host or parts.scheme not in PROTOCOLS or parts.path.strip("/") or "@" in parts.netloc:
        raise UsageError(
            f"--on {on} is not the address of a Dask scheduler: give dask://HOST:PORT, "
            "tcp://HOST:PORT or tls://HOST:PORT"
        )
    return f"{PROTOCOLS[parts.scheme]}://{f'[{host}]' if ':' in host else host}:{port}"


@dataclass(frozen=True)
class Cluster:
    """A scheduler with its workers."""

    client: "Client"
    address: str

    def slots(self, *, on_gpu: bool) -> int:
        """Cells that its workers take at a time, at present.

        Raises:
            RunError: there are workers, and none has a GPU.
        """
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        if not on_gpu:
            return sum(worker["nthreads"] for worker in workers)
        found = int(sum(worker["resources"].get("gpu", 0) for worker in workers))
        if workers and not found:
            raise RunError(
                f"no worker of {self.address} says that it has a GPU: start them with --resources "
                "gpu=1, or choose --device cpu"
            )
        return found


@contextmanager
def cluster_at(address: str) -> Iterator[Cluster]:
    """A connection to a scheduler.

    Raises:
        NetworkError: none answers there.
        UsageError: it needs certificates, and they are not set or cannot be read.
    """
    from distributed import Client, Security

    for name in TOLD_BY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    if address.startswith("tls:"):
        _require_certificates(Security())
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="gancli")
    except OSError as error:
        raise NetworkError(
            f"no Dask scheduler answers at {address}: start one (dask scheduler), or type the "
            "address that it prints after --on"
        ) from error
    with client:
        yield Cluster(client, address)


def _require_certificates(security: "Security") -> None:
    reason = "they are not set"
    try:
        if security.get_connection_args("client")["ssl_context"] is not None:
            return
    except OSError as error:
        reason = str(error)
    raise UsageError(
        f"--on tls:// needs certificates ({reason}): name their files in "
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__CLIENT__CERT and ...__CLIENT__KEY"
    )
