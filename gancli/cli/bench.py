"""`gan bench ...` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import PrecisionName
from gancli.cli.options import (
    DataDirOption,
    DatasetOption,
    DeviceOption,
    SetOption,
    ThreadsOption,
    VariantOption,
)

bench_app = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)


@bench_app.command(name="train")
def bench_train(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            show_default=False,
            help="A model's name, or a preset file. Left out: every model on every data set, a "
            "line each (lite where there is one).",
        ),
    ] = None,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    overrides: SetOption = None,
    device: DeviceOption = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option("--precision", help="Of ours; the others stay in float32. Default: fp32."),
    ] = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="How often each loop is timed.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Time training steps beside a textbook's loop and the fastest one we know how to write."""
    from gancli import environment as place
    from gancli.commands import bench as benching

    benching.bench_training(
        benching.BenchRequest(
            model=model,
            dataset=dataset,
            variant=variant,
            overrides=tuple(overrides or ()),
            precision=precision,
            place=place.Place(device, threads, data_dir),
            rounds=rounds,
            as_json=as_json,
        )
    )


@bench_app.command("sample")
def bench_sample(
    count: Annotated[
        int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="How many images.")
    ] = 10_000,
    threads: ThreadsOption = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="How often each is timed.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Time writing 32-pixel images into a folder beside generating or saving them alone."""
    from gancli.commands import bench as benching

    benching.bench_sampling(count, threads, rounds, as_json=as_json)


@bench_app.command("data")
def bench_data(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH]",
            show_default=False,
            help="A folder of images, a zip or an npz. Left out: 2,000 made-up JPEGs.",
        ),
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="How often each loop is timed.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Time decoding, the second run's start, and steps whose data do not lie on the device."""
    from gancli import environment as place
    from gancli.commands import bench_data as loading

    loading.bench_data(path, place.Place(device, threads, None), rounds, as_json=as_json)


@bench_app.command("evaluate")
def bench_evaluate(
    count: Annotated[
        int,
        typer.Option("--count", min=20, max=100_000, metavar="N", help="Images that are scored."),
    ] = 2000,
    memory_count: Annotated[
        int,
        typer.Option(
            "--memory-count",
            min=20,
            max=1_000_000,
            metavar="N",
            help="Made-up features whose memory is measured.",
        ),
    ] = 50_000,
    pieces: Annotated[
        int,
        typer.Option("--pieces", min=1, metavar="N", help="Images of a turn of the extractor."),
    ] = 256,
    threads: ThreadsOption = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="How often each is timed.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Time scoring beside the bare extractor and torch-fidelity's distance; measure its memory."""
    from gancli.bench.scoring import ScoreSizes
    from gancli.commands import bench as benching

    sizes = ScoreSizes(count, pieces, memory_count, rounds)
    benching.bench_evaluation(sizes, threads, as_json=as_json)


@bench_app.command("study")
def bench_study(
    steps: Annotated[
        int, typer.Option("--steps", min=1, metavar="N", help="Of each of the two cells.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Time two cells of a collapse study at once beside the same two in turn."""
    from gancli.commands import collapse_study as studying

    studying.bench_study(steps, as_json=as_json)
