"""`gan compare` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.options import DataDirOption, DeviceOption, TrustOption, WeightsOption


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN ...",
            help="Runs' folders or names, models' names (their latest runs), or folders with an "
            "evaluation.json.",
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="SCORE",
            help="What ranks: fid, kid, inception_score, precision, recall, density, coverage, "
            "intra_fid or recognised. Default: the first that all have.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test",
            help="Only scores against this split. Default: those of most images.",
        ),
    ] = None,
    floor: Annotated[
        bool, typer.Option("--floor", help="Score real data, too, however long it takes.")
    ] = False,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Leave real data out.")] = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the ranking for programs.")
    ] = False,
) -> None:
    """Rank runs that were scored alike, beside real data; others are told what to type."""
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
