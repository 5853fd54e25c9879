"""The commands and their options; the work is done in the modules they import when called.

Nothing here imports torch, which takes seconds: `gan --help` must not wait for it.
"""

from pathlib import Path
from typing import Annotated

import typer

import gancli
from gancli.choices import FormatName, PrecisionName
from gancli.cli.bench import bench_app
from gancli.cli.compare import compare
from gancli.cli.data import data, status
from gancli.cli.evaluate import evaluate
from gancli.cli.options import (
    CheckpointOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    FitOption,
    ImageSizeOption,
    Model,
    RawOption,
    RunArgument,
    SetOption,
    SkipBrokenOption,
    StepsOption,
    TensorboardOption,
    ThreadsOption,
    TruncationOption,
    TrustOption,
    VariantOption,
    VerifyOption,
    WeightsOption,
)
from gancli.cli.presets import presets_app
from gancli.cli.traverse import traverse

app = typer.Typer(
    help="Train, sample, evaluate, traverse and compare the classic GANs, repeatably.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("data")(data)
app.add_typer(presets_app, name="presets")
app.add_typer(bench_app, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gan {gancli.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")
    ] = False,
) -> None:
    """Train, sample, evaluate, traverse and compare the classic GANs, repeatably."""
    del version, debug


@app.command()
def train(
    model: Model,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    steps: StepsOption = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, max=2**63 - 1, metavar="S", help="Default: 5678."),
    ] = None,
    device: DeviceOption = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option("--precision", help="Default: bf16 where CUDA has it, else fp32."),
    ] = None,
    threads: ThreadsOption = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Bit-equal runs on CUDA too; slower there.")
    ] = False,
    overrides: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="The run's folder. Default: runs/MODEL-DATASET-NNN."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    image_size: ImageSizeOption = None,
    fit: FitOption = None,
    skip_broken: SkipBrokenOption = False,
    verify: VerifyOption = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with --out, or the latest run of model and data set."),
    ] = False,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Resume although the preset has changed.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the run that is in --out.")
    ] = False,
    tensorboard: TensorboardOption = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the step and the networks as they will run; stop."),
    ] = False,
) -> None:
    """Train a model: previews, metrics and checkpoints go to the run's folder."""
    from gancli import user_images as own
    from gancli.commands import train as training
    from gancli.evaluation.request import ExtractorWeights

    training.train(
        training.TrainRequest(
            model=model,
            dataset=dataset,
            variant=variant,
            steps=steps,
            seed=seed,
            device=device,
            precision=precision,
            threads=threads,
            deterministic=deterministic,
            overrides=tuple(overrides or ()),
            out=out,
            data_dir=data_dir,
            resume=resume,
            allow_changes=allow_changes,
            force=force,
            dry_run=dry_run,
            tensorboard=tensorboard,
            images=own.ImageChoices(image_size, fit, skip_broken, verify),
            weights=ExtractorWeights(weights, trust_weights),
        )
    )


@app.command()
def resume(
    run: RunArgument = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    tensorboard: TensorboardOption = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
) -> None:
    """Go on with a run, bit for bit as if it had never stopped."""
    from gancli.commands import resume as resuming
    from gancli.environment import Place
    from gancli.evaluation.request import ExtractorWeights
    from gancli.run_job import TrainOptions

    resuming.resume(
        run,
        Place(device, threads, data_dir),
        TrainOptions(
            data_dir, tensorboard=tensorboard, weights=ExtractorWeights(weights, trust_weights)
        ),
    )


@app.command()
def sample(
    run: RunArgument = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            metavar="N",
            help="How many: seeds 0 to N-1. Default: 64.",
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="0-63", help="Which: numbers and ranges, e.g. 0-7,42."),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            "--per-class",
            min=1,
            metavar="N",
            help="How many of each class, into a folder a class (conditional models).",
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes", metavar="0,3,cat", help="Which classes: names or numbers. Default: all."
        ),
    ] = None,
    truncation: TruncationOption = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Samples generated at once.")
    ] = 500,
    form: Annotated[
        FormatName | None,
        typer.Option("--format", help="zip: PNGs and dataset.json. Default: folder; points: npz."),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also write all samples as one picture.")
    ] = False,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Default: samples/ in the run's folder."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is in --out.")] = False,
) -> None:
    """Write samples: each depends on the checkpoint and its seed alone."""
    from gancli.commands import sample as sampling

    sampling.sample(
        sampling.SampleRequest(
            run=run,
            count=count,
            seeds=seeds,
            per_class=per_class,
            classes=classes,
            truncation=truncation,
            batch_size=batch_size,
            form=form,
            grid=grid,
            checkpoint=checkpoint,
            raw=raw,
            device=device,
            out=out,
            force=force,
        )
    )


app.command()(evaluate)
app.command("eval", hidden=True)(evaluate)
app.command()(traverse)
app.command()(compare)
app.command()(status)


@app.command("collapse-study")
def collapse_study(
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            help="ring8, grid25, ring8-veegan, grid25-veegan, mnist or stacked-mnist.",
        ),
    ] = "ring8",
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            metavar="A,B,...",
            help="Which models. Default: all that train on mixtures.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=1000, metavar="N", help="Seeds of each model.")
    ] = 3,
    steps: StepsOption = None,
    overrides: SetOption = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            max=256,
            metavar="J",
            help="Cells at a time, each on one thread. Default: as many as there are cores; 1 on "
            "a GPU.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The study's folder. Default: runs/collapse-NAME.")
    ] = None,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Measure mode collapse: models x seeds, counted, with intervals and a report.

    Typed again, it goes on with what is missing.
    """
    from gancli import environment as place
    from gancli.commands import collapse_study as studying

    studying.collapse_study(
        studying.StudyRequest(
            dataset=dataset,
            models=models,
            seeds=seeds,
            steps=steps,
            overrides=tuple(overrides or ()),
            jobs=jobs,
            place=place.Place(device, None, data_dir),
            out=out,
        )
    )
