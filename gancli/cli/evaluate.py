"""`gan evaluate` as it is typed."""

from pathlib import Path
from typing import Annotated, cast

import typer

from gancli.cli.complete import complete_dataset, complete_run
from gancli.cli.image_options import ImagesKeyOption
from gancli.cli.metric_options import WithMetrics
from gancli.cli.options import (
    AsJsonOption,
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    DevicesOption,
    RawOption,
    TrustOption,
)
from gancli.defaults import (
    EVALUATION_COUNT,
    IMAGES_AT_ONCE,
    MEMORY_GIB,
    QUICK_COUNT,
    QUICK_RESAMPLES,
)


@WithMetrics
def evaluate(
    images: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|IMAGES]",
            show_default=False,
            autocompletion=complete_run,
            help="A run's folder or name, a checkpoint file, or a model's name (its latest run); "
            "or images: a folder, a zip, an npz or parquet. Default: the latest run that fits.",
        ),
    ] = None,
    metrics: tuple[str, ...] = (),
    everything: Annotated[
        bool, typer.Option("--all", help="Compute every metric that applies.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Compute the metrics for which few images are enough, with intervals: --mind --is "
            f"--dc, {QUICK_COUNT} images on either side, --bootstrap {QUICK_RESAMPLES}; then say "
            "how long the full protocol would take.",
        ),
    ] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            max=10_000_000,
            metavar="N",
            help=f"Generated images, of all classes together. Default: {EVALUATION_COUNT}; of "
            f"--is-koshian2 10000, with --quick {QUICK_COUNT}.",
        ),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            "--per-class", min=1, max=1_000_000, metavar="N", help="Generated images per class."
        ),
    ] = None,
    classes_as: Annotated[
        str | None,
        typer.Option(
            "--classes-as",
            metavar="reference|equal",
            help="Classes of the generated images: in the reference's proportions, or equally many "
            "of each. Default: equal where the reference's classes nearly are, else reference.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test|both|PATH",
            help="Real images to compare with: a split of the run's data set, or a folder, a zip "
            "or an npz, also one of mu and sigma. Default: train.",
        ),
    ] = None,
    reference_count: Annotated[
        int | None,
        typer.Option(
            "--reference-count",
            min=2,
            metavar="N",
            help="Real images to compare with, drawn at random, the same ones each time. Default: "
            f"all; with --quick {QUICK_COUNT}.",
        ),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            "--held-out",
            metavar="PATH",
            help="Real images that the generator has not seen, for --memorisation. Default: the "
            "test split, where there is one.",
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
            metavar="inception|vgg16|dinov2|mnist|pixels|inception-torchvision",
            help="Feature network. Default: mnist on MNIST, else inception; of --modes alone "
            "pixels, of --is-koshian2 inception-torchvision.",
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
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compute the feature network as it was published, layer by layer. Default: batch "
            "norms folded into convolutions, the same features but for rounding.",
        ),
    ] = False,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Compute the feature network in bfloat16, where the device is faster in it; such "
            "scores do not rank next to others.",
        ),
    ] = False,
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
    ] = MEMORY_GIB,
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
    settings: dict[str, int] | None = None,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    devices: DevicesOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="File to add scores to, instead of the run's."),
    ] = None,
    export_statistics: Annotated[
        Path | None,
        typer.Option(
            "--export-statistics",
            metavar="FILE.npz",
            help="File for mean and covariance of the scored images' features, as pytorch-fid "
            "reads them.",
        ),
    ] = None,
    export_reference: Annotated[
        Path | None,
        typer.Option(
            "--export-reference", metavar="FILE.npz", help="The same of the real images' features."
        ),
    ] = None,
    images_key: ImagesKeyOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Score images against real ones, by --fid and --is unless metrics are named.

    Every score is printed with its protocol.
    """
    del devices  # Its processes come here.
    from gancli.commands import evaluate as command
    from gancli.evaluation.protocol import ClassesAs
    from gancli.evaluation.request import EvaluationRequest, ExtractorWeights

    command.evaluate(
        command.EvaluateRequest(
            EvaluationRequest(
                metrics,
                everything=everything,
                count=count,
                per_class=per_class,
                classes_as=cast(ClassesAs | None, classes_as),
                raw=raw,
                reference=reference,
                reference_count=reference_count,
                held_out=held_out,
                images_key=images_key,
                dataset=dataset,
                data_dir=data_dir,
                extractor=extractor,
                weights=ExtractorWeights(weights, trust_weights),
                forward=command.chosen_forward(exact=exact, fast=fast),
                batch_size=batch_size,
                memory_gib=memory_budget,
                resamples=bootstrap,
                settings=settings or {},
            ),
            images=images,
            quick=quick,
            checkpoint=checkpoint,
            device=device,
            out=out,
            export_statistics=export_statistics,
            export_reference=export_reference,
            as_json=as_json,
        )
    )
