"""`gan resume` as it is typed."""

from gancli.cli.options import (
    DataDirOption,
    DeviceOption,
    FromCheckpointOption,
    RunArgument,
    TensorboardOption,
    ThreadsOption,
    TrustOption,
    WeightsOption,
)


def resume(
    run: RunArgument = None,
    checkpoint: FromCheckpointOption = "last",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    data_dir: DataDirOption = None,
    tensorboard: TensorboardOption = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
) -> None:
    """Continue a run, bit for bit as if it had never stopped."""
    from gancli.commands import resume as command
    from gancli.environment import Place
    from gancli.evaluation.request import ExtractorWeights
    from gancli.run_job import TrainOptions

    command.resume(
        run,
        Place(device, threads, data_dir),
        TrainOptions(
            data_dir,
            tensorboard=tensorboard,
            weights=ExtractorWeights(weights, trust_weights),
            checkpoint=checkpoint,
        ),
    )
