"""`gan evaluate` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    IMAGES_AT_ONCE,
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    RunArgument,
)


def evaluate(
    run: RunArgument = None,
    fid: Annotated[bool, typer.Option("--fid", help="Frechet distance of features.")] = False,
    inception: Annotated[bool, typer.Option("--is", help="Inception score.")] = False,
    kid: Annotated[bool, typer.Option("--kid", help="Kernel distance of features.")] = False,
    prc: Annotated[bool, typer.Option("--prc", help="Precision and recall.")] = False,
    dc: Annotated[bool, typer.Option("--dc", help="Density and coverage.")] = False,
    intra_fid: Annotated[
        bool, typer.Option("--intra-fid", help="FID of each class, and their mean.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All that apply.")] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            max=10_000_000,
            metavar="N",
            help="Generated images, as many of each class as of the others. Default: 50000.",
        ),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option("--per-class", min=1, max=1_000_000, metavar="N", help="Of each class."),
    ] = None,
    reference: Annotated[
        str, typer.Option("--reference", metavar="train|test|both", help="The real images.")
    ] = "train",
    extractor: Annotated[
        str | None,
        typer.Option(
            "--extractor",
            metavar="inception|vgg16|mnist",
            help="The feature network. Default: mnist on MNIST, else inception.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="The extractor's. Default: downloaded."),
    ] = None,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Take weights that are not the published ones.")
    ] = False,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Images seen at once.")
    ] = IMAGES_AT_ONCE,
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            max=100_000,
            metavar="N",
            help="95 % intervals of the scores, by N resamples, e.g. 1000: how far they would "
            "move with other images of the same generator.",
        ),
    ] = 0,
    checkpoint: CheckpointOption = "last",
    raw: Annotated[
        bool, typer.Option("--raw", help="The weights as trained, not their moving average.")
    ] = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores for programs.")] = False,
) -> None:
    """Score a run's images beside real ones, with the protocol on every number."""
    from gancli.cli import evaluating

    asked = {"fid": fid, "is": inception, "kid": kid, "prc": prc, "dc": dc, "intra-fid": intra_fid}
    evaluating.evaluate(
        evaluating.EvaluateRequest(
            run=run,
            metrics=tuple(name for name, wanted in asked.items() if wanted),
            everything=everything,
            count=count,
            per_class=per_class,
            reference=reference,
            extractor=extractor,
            weights=weights,
            trust_weights=trust_weights,
            batch_size=batch_size,
            checkpoint=checkpoint,
            raw=raw,
            device=device,
            data_dir=data_dir,
            as_json=as_json,
            resamples=bootstrap,
        )
    )
