"""`gan collapse-study` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_dataset
from gancli.cli.options import (
    CompileOption,
    DataDirOption,
    DeviceOption,
    DpiOption,
    JobsOption,
    OnOption,
    SetOption,
    StepsOption,
)
from gancli.defaults import FIGURE_DPI, STUDY_SEEDS


def collapse_study(
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            autocompletion=complete_dataset,
            help="ring8, grid25, ring8-veegan, grid25-veegan, mnist or stacked-mnist.",
        ),
    ] = "ring8",
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            metavar="A,B,...",
            help="Models or preset files to compare. Default: all that train on mixtures.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=1000, metavar="N", help="Seeds of each model.")
    ] = STUDY_SEEDS,
    steps: StepsOption = None,
    overrides: SetOption = None,
    jobs: JobsOption = None,
    on: OnOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The study's folder. Default: runs/collapse-NAME.")
    ] = None,
    dpi: DpiOption = FIGURE_DPI,
    device: DeviceOption = None,
    compiled: CompileOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Measure mode collapse: models x seeds, counted, with intervals and a report.

    Rerun the same command to finish the rest.
    """
    from gancli.experiment.worker_process import workers_ahead

    with workers_ahead(0 if on else jobs or 1):
        from gancli.commands import collapse_study as command
        from gancli.environment import Place

        command.collapse_study(
            command.StudyRequest(
                dataset=dataset,
                models=models,
                seeds=seeds,
                steps=steps,
                overrides=tuple(overrides or ()),
                jobs=jobs,
                place=Place(device, None, data_dir),
                compiled=compiled,
                out=out,
                dpi=dpi,
                on=on,
            )
        )
