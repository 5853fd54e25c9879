"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import DeviceName, FitName

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name (gan presets), or a preset file.")
]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        show_default=False,
        help="A run's folder or name, a checkpoint file, or a model's name (its latest run). "
        "Left out: the latest run that fits.",
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="A data set's name, or images of your own: a folder, a zip or an npz. May be left "
        "out where the model has one.",
    ),
]
VariantOption = Annotated[
    str | None,
    typer.Option("--variant", help="reference (the default), paper or lite."),
]
StepsOption = Annotated[
    int | None,
    typer.Option("--steps", min=1, metavar="N", help="Generator updates: schedule.steps."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Change a field, e.g. schedule.batch_size=64; an empty value takes it out.",
    ),
]
DeviceOption = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Default: cuda where there is one, else cpu."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=1024, metavar="T", help="CPU threads. Default: all cores."
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where named data sets lie. Default: where the resumed run's lay, else GANCLI_DATA, "
        "else a cache folder.",
    ),
]
ImageSizeOption = Annotated[
    int | None,
    typer.Option(
        "--image-size",
        metavar="N",
        help="Side of your own images in training: 16, 32, 64, 128 or 256. Default: what the "
        "smallest allows, 64 at most.",
    ),
]
FitOption = Annotated[
    FitName | None,
    typer.Option("--fit", help="crop to the middle square (the default), or resize anyhow."),
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="Go on without images that cannot be decoded.")
]
VerifyOption = Annotated[
    bool,
    typer.Option(
        "--verify", help="Read your own images again, and decode them anew if they have changed."
    ),
]
TensorboardOption = Annotated[
    bool,
    typer.Option(
        "--tensorboard", help="Also write losses and previews for TensorBoard (an extra)."
    ),
]
CheckpointOption = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        metavar="last|best|STEP",
        help="Which checkpoint of the run; best: by its evaluations in training.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="The extractor's, where training evaluates. Default: downloaded.",
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust-weights", help="Take weights that are not the published ones.")
]
RawOption = Annotated[
    bool, typer.Option("--raw", help="The weights as trained, not their moving average.")
]
TruncationOption = Annotated[
    float | None,
    typer.Option(
        "--truncation",
        min=0.01,
        max=100,
        metavar="T",
        help="Noise no further than T from 0, in units of the prior's scale (a standard "
        "deviation, where it is normal): likelier, less varied.",
    ),
]
