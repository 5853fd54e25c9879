"""`gan push` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_run
from gancli.cli.options import CheckpointOption, DeviceOption


def push(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=complete_run,
            help="A run's folder or name, or a model's name (its latest run).",
        ),
    ],
    to: Annotated[
        str,
        typer.Argument(metavar="OWNER/NAME", help="Repository on the Hugging Face hub."),
    ],
    checkpoint: CheckpointOption = "last",
    generator_only: Annotated[
        bool,
        typer.Option(
            "--generator-only",
            help="Leave out all that only training needs: a smaller file, which cannot be resumed.",
        ),
    ] = False,
    license_name: Annotated[
        str | None,
        typer.Option(
            "--license",
            metavar="NAME",
            help="License of the weights, as the hub names it, e.g. mit or cc-by-4.0.",
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Hide a new repository from others.")
    ] = False,
    device: DeviceOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write the files into this new folder, to look at or to upload elsewhere, and "
            "upload nothing.",
        ),
    ] = None,
) -> None:
    """Upload a run to the Hugging Face hub, with a page about it: pip install 'gancli\\[hub]'."""
    from gancli.commands import push as command

    command.push(
        command.PushRequest(
            run=run,
            to=to,
            checkpoint=checkpoint,
            generator_only=generator_only,
            license=license_name,
            private=private,
            device=device,
            out=out,
        )
    )
