"""`gan evaluate` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    RawOption,
)
from gancli.defaults import IMAGES_AT_ONCE


def evaluate(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|IMAGES]",
            show_default=False,
            help="A run's folder or name, a checkpoint file, or a model's name (its latest run); "
            "or images: a folder, a zip or an npz. Left out: the latest run that fits.",
        ),
    ] = None,
    fid: Annotated[bool, typer.Option("--fid", help="Frechet distance of features.")] = False,
    inception: Annotated[bool, typer.Option("--is", help="Inception score.")] = False,
    kid: Annotated[bool, typer.Option("--kid", help="Kernel distance of features.")] = False,
    prc: Annotated[bool, typer.Option("--prc", help="Precision and recall.")] = False,
    dc: Annotated[bool, typer.Option("--dc", help="Density and coverage.")] = False,
    intra_fid: Annotated[
        bool, typer.Option("--intra-fid", help="FID of each class, and their mean.")
    ] = False,
    memorisation: Annotated[
        bool,
        typer.Option(
            "--memorisation", help="Nearest training images, beside those of held-out reals."
        ),
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
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test|both|PATH",
            help="The real images: a split of the run's data set, or a folder, a zip or an npz. "
            "Default: train.",
        ),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            "--held-out",
            metavar="PATH",
            help="Real images the generator has not seen, for --memorisation. Default: the test "
            "split, where there is one.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", metavar="NAME", help="Whose split --reference means, for given images."
        ),
    ] = None,
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
    memory_budget: Annotated[
        float,
        typer.Option(
            "--memory-budget",
            min=0.1,
            max=4096,
            metavar="GIB",
            help="Memory to work in; features that do not fit lie in a file meanwhile.",
        ),
    ] = 4.0,
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
    raw: RawOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Add the scores to this file, not the run's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores for programs.")] = False,
) -> None:
    """Score images beside real ones, with the protocol on every number."""
    from gancli.commands import evaluate as evaluating
    from gancli.commands import inputs as subjects
    from gancli.commands import job as preparing

    asked = {
        "fid": fid,
        "is": inception,
        "kid": kid,
        "prc": prc,
        "dc": dc,
        "intra-fid": intra_fid,
        "memorisation": memorisation,
    }
    choice = subjects.Choice(
        subject=subject,
        by_class=per_class is not None or intra_fid,
        count=count,
        per_class=per_class,
        checkpoint=checkpoint,
        raw=raw,
        reference=reference,
        memorises=memorisation or everything,
        held_out=held_out,
        dataset=dataset,
        data_dir=data_dir,
        batch_size=batch_size,
    )
    evaluating.evaluate_as_typed(
        preparing.EvaluateRequest(
            choice=choice,
            metrics=tuple(name for name, wanted in asked.items() if wanted),
            everything=everything,
            extractor=extractor,
            weights=weights,
            trust_weights=trust_weights,
            memory_gib=memory_budget,
            device=device,
            out=out,
            as_json=as_json,
            resamples=bootstrap,
        )
    )
