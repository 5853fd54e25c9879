"""`gan doctor` as it is typed."""

from typing import Annotated

import typer

from gancli.choices import DeviceName
from gancli.cli.options import AsJsonOption, DataDirOption


def doctor(
    device: Annotated[
        DeviceName | None,
        typer.Option(
            "--device", help="Device that must be usable: it counts as a fault if it is not."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Check this machine: versions, devices, disk, caches, data, weights, and what to type.

    Ends with exit code 10 if something stands in the way of a command.
    """
    from gancli.commands import doctor as command

    command.doctor(device, data_dir, as_json=as_json)
