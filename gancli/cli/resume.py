"""`gan resume` as it is typed."""

from typing import Annotated

import typer

from gancli.choices import OnNan
from gancli.cli.options import (
    DataDirOption,
    DeviceOption,
    DevicesOption,
    FromCheckpointOption,
    LogOption,
    OnNanOption,
    OwnRunArgument,
    StopWhenOption,
    TensorboardOption,
    ThreadsOption,
    TrustOption,
    WeightsOption,
)


def resume(
    run: OwnRunArgument = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="PATH",
            help="New place of the run's images, where they are your own and have been moved.",
        ),
    ] = None,
    checkpoint: FromCheckpointOption = "last",
    device: DeviceOption = None,
    devices: DevicesOption = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    on_nan: OnNanOption = OnNan.STOP,
    stop_when: StopWhenOption = None,
    log: LogOption = None,
    tensorboard: TensorboardOption = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
) -> None:
    """Continue a run, bit for bit as if it had never stopped."""
    del devices  # Its processes come here.
    from gancli.commands import resume as command
    from gancli.environment import Place
    from gancli.evaluation.request import ExtractorWeights
    from gancli.report.loggers import chosen
    from gancli.run_job import TrainOptions

    command.resume(
        run,
        Place(device, threads, data_dir),
        TrainOptions(
            data_dir,
            log=chosen(log, tensorboard=tensorboard),
            weights=ExtractorWeights(weights, trust_weights),
            checkpoint=checkpoint,
            on_nan=on_nan,
            stop_when=stop_when,
        ),
        dataset,
    )
