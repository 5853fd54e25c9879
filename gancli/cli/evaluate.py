"""`gan evaluate` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_dataset, complete_run
from gancli.cli.options import (
    AsJsonOption,
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    RawOption,
    TrustOption,
)
from gancli.defaults import EVALUATION_COUNT, IMAGES_AT_ONCE


def evaluate(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|IMAGES]",
            show_default=False,
            autocompletion=complete_run,
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
            "--memorisation",
            help="Distance to the nearest training images, compared with held-out real images.",
        ),
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All metrics that apply.")] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            max=10_000_000,
            metavar="N",
            help=f"Generated images, spread evenly over the classes. Default: {EVALUATION_COUNT}.",
        ),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            "--per-class", min=1, max=1_000_000, metavar="N", help="Generated images per class."
        ),
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
            "--dataset",
            metavar="NAME",
            autocompletion=complete_dataset,
            help="Data set that --reference train/test refers to, when scoring image files.",
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
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Weights of the feature extractor. Default: downloaded.",
        ),
    ] = None,
    trust_weights: TrustOption = False,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Batch size.")
    ] = IMAGES_AT_ONCE,
    memory_budget: Annotated[
        float,
        typer.Option(
            "--memory-budget",
            min=0.1,
            max=4096,
            metavar="GIB",
            help="Memory to work in; features that do not fit are kept in a temporary file.",
        ),
    ] = 4.0,
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            max=100_000,
            metavar="N",
            help="Resamples for 95 % intervals of the scores, e.g. 1000: how far the scores "
            "would move with other images from the same generator.",
        ),
    ] = 0,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="File to add scores to, instead of the run's."),
    ] = None,
    as_json: AsJsonOption = False,
) -> None:
    """Score images against real ones; every score is printed with its protocol."""
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
