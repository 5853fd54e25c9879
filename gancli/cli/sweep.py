"""`gan sweep` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_model
from gancli.cli.options import (
    CompileOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    DpiOption,
    JobsOption,
    OnOption,
    PlanOption,
    SetOption,
    StepsOption,
    TrustOption,
    VariantOption,
    WeightsOption,
)
from gancli.defaults import FIGURE_DPI


def sweep(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            autocompletion=complete_model,
            help="A model's name, or a preset file; may be left out with --over model=A,B.",
        ),
    ] = None,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="FIELD=A,B,...",
            help="An axis of the grid: a field and its values, e.g. optimizer.lr=1e-4,2e-4, "
            "objective=vanilla,hinge+r1 or model=A,B. May be given several times.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=1000, metavar="N", help="Seeds of each cell.")
    ] = 1,
    steps: StepsOption = None,
    score: Annotated[
        str | None,
        typer.Option(
            "--score",
            metavar="A,B,...",
            help="Measures: modes, ground, loss, or metrics of gan evaluate (fid, is, ...). "
            "Default: modes where the data set's are known, else loss.",
        ),
    ] = None,
    score_every: Annotated[
        int | None,
        typer.Option(
            "--score-every",
            min=1,
            metavar="N",
            help="Steps between two measurements. Default: modes several times, metrics at the "
            "end.",
        ),
    ] = None,
    search: Annotated[
        int | None,
        typer.Option(
            "--search",
            min=1,
            max=10_000,
            metavar="N",
            help="Let Optuna propose N combinations instead of a grid, from ranges such as "
            "--over optimizer.lr=1e-5..1e-2: by the first score.",
        ),
    ] = None,
    overrides: SetOption = None,
    jobs: JobsOption = None,
    on: OnOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The sweep's folder. Default: runs/sweep-MODEL-DATASET-HASH."),
    ] = None,
    dpi: DpiOption = FIGURE_DPI,
    device: DeviceOption = None,
    compiled: CompileOption = False,
    data_dir: DataDirOption = None,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    plan: PlanOption = False,
) -> None:
    """Train every combination of values, several at a time, and compare them in one report.

    Rerun the same command to finish the rest; more seeds are added to what is there, and with --out
    more values, too.
    """
    from gancli.experiment.worker_process import workers_ahead

    with workers_ahead(0 if plan or on else jobs or 1):
        from gancli.commands import sweep as command
        from gancli.environment import Place
        from gancli.evaluation.request import ExtractorWeights

        command.sweep(
            command.SweepRequest(
                model=model,
                dataset=dataset,
                variant=variant,
                over=tuple(over or ()),
                seeds=seeds,
                steps=steps,
                score=score,
                score_every=score_every,
                search=search,
                overrides=tuple(overrides or ()),
                jobs=jobs,
                on=on,
                place=Place(device, None, data_dir),
                compiled=compiled,
                out=out,
                dpi=dpi,
                weights=ExtractorWeights(weights, trust_weights),
                plan_only=plan,
            )
        )
