"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import DeviceName, LoggerName, OnNan, StopWhen
from gancli.cli.complete import (
    complete_dataset,
    complete_model,
    complete_run,
    complete_variant,
)
from gancli.launch import is_shared
from gancli.signals import exit_undisturbed

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=complete_model,
        help="A model's name (listed by gan presets), or a preset file.",
    ),
]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        show_default=False,
        autocompletion=complete_run,
        help="A run's folder or name, a checkpoint file, a model's name (its latest run), "
        "zoo:NAME, or hf:OWNER/NAME on the Hugging Face hub. Default: the latest run that fits.",
    ),
]
OwnRunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        show_default=False,
        autocompletion=complete_run,
        help="A run's folder or name, or a model's name (its latest run). Default: the latest run "
        "that fits.",
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        autocompletion=complete_dataset,
        help="A data set's name, or images of your own: a folder, a zip, an npz or parquet. May be "
        "left out where all the model's data sets are like its first one.",
    ),
]
VariantOption = Annotated[
    str | None,
    typer.Option(
        "--variant",
        autocompletion=complete_variant,
        help="reference (the default), paper, lite, or another: gan presets MODEL lists them.",
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option("--steps", min=1, metavar="N", help="Generator updates (schedule.steps)."),
]
EpochsOption = Annotated[
    int | None,
    typer.Option("--epochs", min=1, metavar="N", help="Passes through the data (schedule.epochs)."),
]
CompileOption = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="One compiled function for each step, used where its numbers agree with the "
        "step's; takes a C++ compiler, and a minute or so at the start.",
    ),
]
DpiOption = Annotated[
    int,
    typer.Option("--dpi", min=50, max=1200, metavar="N", help="Pixels per inch of plots as PNG."),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        max=256,
        metavar="J",
        help="Cells at a time, each on one thread. Default: one per core; 1 on a GPU.",
    ),
]
PlanOption = Annotated[
    bool,
    typer.Option(
        "--plan", help="Estimate time and files from a few steps, without training or writing."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Change a field, e.g. schedule.batch_size=64; an empty value removes it.",
    ),
]
DeviceOption = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Device to compute on. Default: cuda where available, else cpu."),
]


def _in_processes(context: typer.Context, count: int | None) -> int | None:
    """Start the processes, and end as they do; each of them comes here as well."""
    if count is None or count == 1 or is_shared() or context.resilient_parsing:
        return count
    from gancli.start_processes import start_processes

    exit_undisturbed(start_processes(context.find_root().obj, count))


DevicesOption = Annotated[
    int | None,
    typer.Option(
        "--devices",
        min=1,
        max=1024,
        metavar="N",
        callback=_in_processes,
        help="Processes that share the work, each with a GPU of its own where there are GPUs; "
        "torchrun starts them. Default: 1.",
    ),
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="dask://HOST:PORT",
        help="Scheduler of a Dask cluster whose workers run the cells, each on one thread (or on "
        "one GPU with --device cuda; default there: cpu): pip install 'gancli\\[cluster]'.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=1024, metavar="T", help="Number of CPU threads. Default: all cores."
    ),
]
LatentsOption = Annotated[
    Path | None,
    typer.Option(
        "--latents",
        metavar="FILE",
        help="An npz or safetensors of latents, whose rows, from 0, take the place of seeds.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of named data sets. Default: the one that the command's run was trained with, "
        "where it has a run and the folder is there; else GANCLI_DATA, else a cache folder.",
    ),
]
TensorboardOption = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        help="The same as --log tensorboard.",
    ),
]
LogOption = Annotated[
    list[LoggerName] | None,
    typer.Option(
        "--log",
        help="Also write numbers and previews for this program, e.g. after pip install "
        "'gancli\\[wandb]'; repeatable.",
    ),
]
OnNanOption = Annotated[
    OnNan,
    typer.Option(
        "--on-nan",
        help="When a loss or weight is no longer finite: stop, or go back to the last good "
        "checkpoint and on with other random numbers, three times at most.",
    ),
]
StopWhenOption = Annotated[
    StopWhen | None,
    typer.Option(
        "--stop-when",
        help="Verdict to stop at, with everything saved; gan resume goes on.",
    ),
]
CheckpointOption = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        metavar="last|best|STEP",
        help="Checkpoint of the run; best: by the evaluations made in training.",
    ),
]
FromCheckpointOption = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        metavar="last|best|STEP",
        help="Checkpoint to resume from; those after it are removed.",
    ),
]
AugmentOption = Annotated[
    str | None,
    typer.Option(
        "--augment",
        metavar="NAMES",
        help="Differentiable augmentation, for few images: colour, translation, cutout, or several "
        "with commas (objective.augmentation).",
    ),
]
StartFromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        autocompletion=complete_run,
        help="A run, or a checkpoint file, whose weights the new run starts with (fine-tuning): "
        "the generator's moving average, where it has one.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights of the feature extractor, for evaluation in training. Default: downloaded.",
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust-weights", help="Accept weights that are not the published ones."),
]
RawOption = Annotated[
    bool, typer.Option("--raw", help="Use the weights as trained, not their moving average.")
]
TruncationOption = Annotated[
    float | None,
    typer.Option(
        "--truncation",
        min=0.01,
        max=100,
        metavar="T",
        help="Largest distance of the noise from 0, in units of the prior's scale (a standard "
        "deviation where it is normal): smaller gives likelier, less varied samples.",
    ),
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
