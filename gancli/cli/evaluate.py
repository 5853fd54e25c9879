"""`gan evaluate` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.metric_options import WithMetrics
from gancli.cli.options import CheckpointOption, DataDirOption, DeviceOption, RawOption
from gancli.defaults import EVALUATED_IMAGES, IMAGES_AT_ONCE


@WithMetrics
def evaluate(
    images: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|IMAGES]",
            show_default=False,
            help="A run's folder or name, a checkpoint file, or a model's name (its latest run); "
            "or images: a folder, a zip or an npz. Default: the latest run that fits.",
        ),
    ] = None,
    metrics: tuple[str, ...] = (),
    everything: Annotated[
        bool, typer.Option("--all", help="All metrics that can be computed.")
    ] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            max=10_000_000,
            metavar="N",
            help="Number of images to generate, the same number of each class. Default: "
            f"{EVALUATED_IMAGES}.",
        ),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            "--per-class",
            min=1,
            max=1_000_000,
            metavar="N",
            help="Number of images to generate of each class.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="train|test|both|PATH",
            help="Real images to compare with: a split of the run's data set, or a folder, a zip "
            "or an npz. Default: train.",
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
            help="Data set that --reference train or test refers to, when scoring image files.",
        ),
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(
            "--extractor",
            metavar="inception|vgg16|mnist",
            help="Feature network. Default: mnist on MNIST, else inception.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", metavar="FILE", help="Extractor weights file. Default: downloaded."
        ),
    ] = None,
    trust_weights: Annotated[
        bool,
        typer.Option("--trust-weights", help="Accept weights other than the published ones."),
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
    ] = 4.0,
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            max=100_000,
            metavar="N",
            help="Number of resamples for 95 % intervals, e.g. 1000: how far the scores would "
            "move with other images of the same generator.",
        ),
    ] = 0,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="File to add the scores to, instead of the run's."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Score generated images by comparison with real ones, with the protocol on every number."""
    from gancli.commands import evaluate as command
    from gancli.evaluation.request import EvaluationRequest, ExtractorWeights

    command.evaluate(
        command.EvaluateRequest(
            EvaluationRequest(
                metrics,
                everything=everything,
                count=count,
                per_class=per_class,
                raw=raw,
                reference=reference,
                held_out=held_out,
                dataset=dataset,
                data_dir=data_dir,
                extractor=extractor,
                weights=ExtractorWeights(weights, trust_weights),
                batch_size=batch_size,
                memory_gib=memory_budget,
                resamples=bootstrap,
            ),
            images=images,
            checkpoint=checkpoint,
            device=device,
            out=out,
            as_json=as_json,
        )
    )
