"""`gan compare` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_run
from gancli.cli.options import AsJsonOption, DataDirOption, DeviceOption, TrustOption, WeightsOption
from gancli.scores import ranking_scores


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN ...",
            autocompletion=complete_run,
            help="Run folders or names, model names (their latest runs), or files of gan evaluate "
            "--out, or the folders of such files.",
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="SCORE",
            autocompletion=ranking_scores,
            help="Score to rank by, e.g. fid, is, kid, recall or coverage. Default: the first that "
            "all runs have.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test",
            help="Only compare scores against this split. Default: the split with the most scored "
            "images.",
        ),
    ] = None,
    floor: Annotated[
        bool,
        typer.Option(
            "--floor",
            help="Score real images too, as the best value to expect, however long it takes.",
        ),
    ] = False,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Do not score real images.")] = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    as_json: AsJsonOption = False,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Also write the table, as .csv, .md or .tex, or as .html a page with the runs' "
            "samples of the same latents and their curves in one chart each; may be repeated.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files in --out.")] = False,
) -> None:
    """Rank runs scored by the same protocol, and show in which fields they differ.

    Runs that differ in their seeds alone share a row. Runs of points need no
    scores: the modes that they hold are counted. Where runs were not scored
    alike, show how to score them. A page (--out compare.html) needs no scores.
    """
    from gancli.commands import compare as command
    from gancli.environment import Place
    from gancli.evaluation.baseline import BaselineRequest
    from gancli.evaluation.request import ExtractorWeights

    command.compare(
        command.CompareRequest(
            runs=tuple(runs),
            by=by,
            reference=reference,
            baseline=BaselineRequest(
                floor,
                ExtractorWeights(weights, trust_weights),
                Place(device, None, data_dir),
            ),
            no_baseline=no_floor,
            as_json=as_json,
            out=tuple(out or ()),
            force=force,
        )
    )
