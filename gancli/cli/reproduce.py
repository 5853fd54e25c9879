"""`gan reproduce` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    DataDirOption,
    DeviceOption,
    DpiOption,
    JobsOption,
    OnOption,
    PlanOption,
    SetOption,
    TrustOption,
    WeightsOption,
)
from gancli.defaults import FIGURE_DPI


def reproduce(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="An experiment's name, or a file of your own. Default: list the experiments.",
        ),
    ] = None,
    lite: Annotated[
        bool, typer.Option("--lite", help="Run the shorter form that fits two CPU cores.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="CELL",
            help="Run these cells alone: a cell's name, or how some begin. May be given several "
            "times.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=1, max=1000, metavar="N", help="Seeds. Default: as the file says."
        ),
    ] = None,
    overrides: SetOption = None,
    jobs: JobsOption = None,
    on: OnOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The experiment's folder. Default: runs/reproduce-NAME."),
    ] = None,
    dpi: DpiOption = FIGURE_DPI,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    plan: PlanOption = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FILE", help="Keep the results in a file, for the ledger."),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            help="Write a page of all experiments, published and kept results side by side.",
        ),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            "--kept",
            metavar="DIR",
            help="With --ledger: where results are kept. Default: reproductions next to the page.",
        ),
    ] = None,
) -> None:
    """Run a published experiment, and print ours next to the published values.

    Rerun the same command to finish the rest.
    """
    from gancli.commands import reproduce as command
    from gancli.environment import Place
    from gancli.errors import UsageError
    from gancli.evaluation.request import ExtractorWeights

    if kept is not None and ledger is None:
        raise UsageError("--kept applies only with --ledger: leave it out")
    if ledger is not None:
        if name is not None:
            raise UsageError("--ledger writes of all experiments: leave the name out")
        command.ledger(command.LedgerRequest(ledger, kept))
        return
    if name is None:
        if plan or keep is not None:
            raise UsageError("no experiment given: --plan and --keep need its name")
        command.list_experiments()
        return
    command.reproduce(
        command.ReproduceRequest(
            name=name,
            lite=lite,
            only=tuple(only or ()),
            seeds=seeds,
            overrides=tuple(overrides or ()),
            jobs=jobs,
            on=on,
            place=Place(device, None, data_dir),
            out=out,
            dpi=dpi,
            weights=ExtractorWeights(weights, trust_weights),
            plan_only=plan,
            keep=keep,
        )
    )
