"""`gan bench ...` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import PrecisionName
from gancli.cli.complete import complete_model
from gancli.cli.options import (
    AsJsonOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    SetOption,
    ThreadsOption,
    VariantOption,
)
from gancli.defaults import (
    BENCH_EVALUATION_BATCH_SIZE,
    BENCH_EVALUATION_COUNT,
    BENCH_FEATURES,
    BENCH_ROUNDS,
    BENCH_SAMPLE_COUNT,
    BENCH_STUDY_STEPS,
)

RoundsOption = Annotated[
    int, typer.Option("--rounds", min=1, metavar="R", help="Rounds of timing.")
]

bench_app = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)


@bench_app.command(name="train")
def bench_train(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            show_default=False,
            autocompletion=complete_model,
            help="A model's name, or a preset file. Default: every model on every data set, one "
            "line for each (its lite variant where there is one).",
        ),
    ] = None,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    overrides: SetOption = None,
    device: DeviceOption = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option("--precision", help="Precision of our loop; the others compute in fp32."),
    ] = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    rounds: RoundsOption = BENCH_ROUNDS,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Time our loop of MODEL with --compile as well.")
    ] = False,
    as_json: AsJsonOption = False,
) -> None:
    """Compare the time of training steps with a textbook's loop and the fastest we can write."""
    from gancli.commands import bench as command
    from gancli.environment import Place

    command.bench_train(
        command.BenchRequest(
            model=model,
            dataset=dataset,
            variant=variant,
            overrides=tuple(overrides or ()),
            precision=precision,
            place=Place(device, threads, data_dir),
            rounds=rounds,
            compiled=compiled,
            as_json=as_json,
        )
    )


@bench_app.command("sample")
def bench_sample(
    count: Annotated[
        int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="Number of images.")
    ] = BENCH_SAMPLE_COUNT,
    threads: ThreadsOption = None,
    rounds: RoundsOption = BENCH_ROUNDS,
    as_json: AsJsonOption = False,
) -> None:
    """Compare the time of writing 32-pixel images with generating or saving them alone."""
    from gancli.commands import bench as command

    command.bench_sample(count, threads, rounds, as_json=as_json)


@bench_app.command("data")
def bench_data(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH]",
            show_default=False,
            help="A folder of images, a zip, an npz or parquet. Default: 2,000 made-up JPEGs.",
        ),
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    rounds: RoundsOption = BENCH_ROUNDS,
    as_json: AsJsonOption = False,
) -> None:
    """Time decoding, the start of a second run, and steps with data that are not on the device."""
    from gancli.commands import bench as command
    from gancli.environment import Place

    command.bench_data(path, Place(device, threads, None), rounds, as_json=as_json)


@bench_app.command("evaluate")
def bench_evaluate(
    count: Annotated[
        int,
        typer.Option("--count", min=20, max=100_000, metavar="N", help="Images to score."),
    ] = BENCH_EVALUATION_COUNT,
    memory_count: Annotated[
        int,
        typer.Option(
            "--memory-count",
            min=20,
            max=1_000_000,
            metavar="N",
            help="Number of made-up features for measuring memory.",
        ),
    ] = BENCH_FEATURES,
    pieces: Annotated[
        int,
        typer.Option("--pieces", min=1, metavar="N", help="Batch size of the extractor."),
    ] = BENCH_EVALUATION_BATCH_SIZE,
    threads: ThreadsOption = None,
    rounds: RoundsOption = BENCH_ROUNDS,
    as_json: AsJsonOption = False,
) -> None:
    """Compare scoring time with the bare extractor and torch-fidelity; measure its memory."""
    from gancli.bench.scoring import ScoreSizes
    from gancli.commands import bench as command

    sizes = ScoreSizes(count, pieces, memory_count, rounds)
    command.bench_evaluate(sizes, threads, as_json=as_json)


@bench_app.command("study")
def bench_study(
    steps: Annotated[
        int, typer.Option("--steps", min=1, metavar="N", help="Steps of each of the two cells.")
    ] = BENCH_STUDY_STEPS,
    as_json: AsJsonOption = False,
) -> None:
    """Compare the time of two cells of a collapse study at once with the same two in turn."""
    from gancli.commands import bench as command

    command.bench_study(steps, as_json=as_json)
