"""`gan train` as it is typed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gancli.choices import GpuName, OnNan, PrecisionName
from gancli.cli.image_options import (
    ClassesOption,
    FitOption,
    FramesOption,
    ImageSizeOption,
    ImagesKeyOption,
    LabelsOption,
    SkipBrokenOption,
    VerifyOption,
    WhiteOption,
)
from gancli.cli.options import (
    AugmentOption,
    CompileOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    DevicesOption,
    EpochsOption,
    FromCheckpointOption,
    LogOption,
    Model,
    OnNanOption,
    PlanOption,
    SetOption,
    StartFromOption,
    StepsOption,
    StopWhenOption,
    TensorboardOption,
    ThreadsOption,
    TrustOption,
    VariantOption,
    WeightsOption,
)
from gancli.defaults import DEFAULT_SEED


def _off(name: str) -> Any:  # noqa: ANN401 - as typer has it
    """The option that lets a resumed run go on without another; few need it."""
    return typer.Option(f"--no-{name}", hidden=True, help=f"Go on without --{name}.")


def train(
    model: Model,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    steps: StepsOption = None,
    epochs: EpochsOption = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**63 - 1,
            metavar="S",
            help=f"Random seed. Default: {DEFAULT_SEED}.",
        ),
    ] = None,
    device: DeviceOption = None,
    devices: DevicesOption = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(
            "--precision", help="Numeric precision. Default: bf16 where CUDA has it, else fp32."
        ),
    ] = None,
    threads: ThreadsOption = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Bit-equal runs on CUDA too; slower there.")
    ] = False,
    no_deterministic: Annotated[bool, _off("deterministic")] = False,
    sync_bn: Annotated[
        bool,
        typer.Option(
            "--sync-bn",
            help="Batch norm over the samples of all processes, not of each alone (--devices).",
        ),
    ] = False,
    no_sync_bn: Annotated[bool, _off("sync-bn")] = False,
    compiled: CompileOption = False,
    no_compile: Annotated[bool, _off("compile")] = False,
    overrides: SetOption = None,
    augment: AugmentOption = None,
    start_from: StartFromOption = None,
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
    classes: ClassesOption = None,
    frames: FramesOption = None,
    images_key: ImagesKeyOption = None,
    labels: LabelsOption = None,
    verify: VerifyOption = False,
    white: WhiteOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the run in --out, or the latest of this model and data set."
        ),
    ] = False,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Resume although the preset has changed.")
    ] = False,
    checkpoint: FromCheckpointOption = "last",
    force: Annotated[bool, typer.Option("--force", help="Replace the run in --out.")] = False,
    on_nan: OnNanOption = OnNan.STOP,
    stop_when: StopWhenOption = None,
    log: LogOption = None,
    tensorboard: TensorboardOption = False,
    weights: WeightsOption = None,
    trust_weights: TrustOption = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the losses and networks without training."),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With --dry-run: print every layer and field.")
    ] = False,
    plan: PlanOption = False,
    gpu: Annotated[
        GpuName | None,
        typer.Option(
            "--estimate-for", case_sensitive=False, help="With --plan: estimate for this GPU, too."
        ),
    ] = None,
) -> None:
    """Train a model: previews, metrics and checkpoints go to the run's folder."""
    del devices  # Its processes come here.
    from gancli.commands import train as command
    from gancli.evaluation.request import ExtractorWeights
    from gancli.report.loggers import chosen
    from gancli.user_images import ImageChoices

    images = ImageChoices(
        image_size, fit, skip_broken, verify, white, classes, frames, images_key, labels
    )
    command.train(
        command.TrainRequest(
            model=model,
            dataset=dataset,
            variant=variant,
            steps=steps,
            epochs=epochs,
            seed=seed,
            device=device,
            precision=precision,
            threads=threads,
            deterministic=_switched(deterministic, no_deterministic),
            sync_bn=_switched(sync_bn, no_sync_bn),
            compiled=_switched(compiled, no_compile),
            overrides=tuple(overrides or ()),
            augment=augment,
            start_from=start_from,
            out=out,
            data_dir=data_dir,
            resume=resume,
            allow_changes=allow_changes,
            force=force,
            dry_run=dry_run,
            full=full,
            plan_only=plan,
            gpu=gpu,
            log=chosen(log, tensorboard=tensorboard),
            on_nan=on_nan,
            stop_when=stop_when,
            images=images,
            weights=ExtractorWeights(weights, trust_weights),
            checkpoint=checkpoint,
        )
    )


def _switched(on: bool, off: bool) -> bool | None:
    """What two options say of a switch; None: nothing, so that a resumed run keeps it."""
    return False if off else on or None
