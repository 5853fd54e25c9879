"""`gan pull` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer


def pull(
    address: Annotated[
        str,
        typer.Argument(
            metavar="hf:OWNER/NAME",
            help="Repository on the Hugging Face hub; @REVISION, at the end, names a branch, a tag "
            "or a commit.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the run. Default: the next one in runs/."
        ),
    ] = None,
) -> None:
    """Download a run from the Hugging Face hub: pip install 'gancli\\[hub]'."""
    from gancli.commands import pull as command

    command.pull(address, out)
