"""`gan compare` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.complete import complete_run
from gancli.cli.options import AsJsonOption, DataDirOption, DeviceOption, TrustOption, WeightsOption


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN ...",
            autocompletion=complete_run,
            help="Run folders or names, model names (their latest runs), or folders with an "
            "evaluation.json.",
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="SCORE",
            help="Score to rank by: fid, kid, inception_score, precision, recall, density, "
            "coverage, intra_fid or recognised. Default: the first score that all runs have.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test",
            help="Split that scores compare with. Default: that of the scores with most images.",
        ),
    ] = None,
    floor: Annotated[
        bool, typer.Option("--floor", help="Also score real images, however long it takes.")
    ] = False,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Leave real images out.")] = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Rank runs scored by the same protocol; for other runs, show how to score them alike."""
    from gancli import environment as place
    from gancli.commands import baseline as flooring
    from gancli.commands import compare as comparing
    from gancli.commands import evaluate_in_training as examining

    comparing.compare(
        comparing.CompareRequest(
            runs=tuple(runs),
            by=by,
            reference=reference,
            floor=flooring.FloorRequest(
                floor,
                examining.Weights(weights, trust_weights),
                place.Place(device, None, data_dir),
            ),
            no_floor=no_floor,
            as_json=as_json,
        )
    )
