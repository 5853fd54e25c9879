"""The fixed choices of options, as they are typed; knows no torch."""

from enum import StrEnum


class DeviceName(StrEnum):
    """Where to compute."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class PrecisionName(StrEnum):
    """How exactly to compute."""

    BF16 = "bf16"
    FP32 = "fp32"
    FP64 = "fp64"


class GpuName(StrEnum):
    """GPUs whose published rates `--plan` knows."""

    T4 = "T4"
    A100 = "A100"
    H100 = "H100"


class FitName(StrEnum):
    """How images that are not square become square."""

    CROP = "crop"
    RESIZE = "resize"


class ClassesName(StrEnum):
    """What the classes of a user's own images are taken from."""

    AUTO = "auto"
    FOLDERS = "folders"
    NONE = "none"


class FramesName(StrEnum):
    """Which images of an animation, or of a document of several pages, are read."""

    FIRST = "first"
    ALL = "all"


class FigureFormat(StrEnum):
    """The format of a plot's file."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


class ExportName(StrEnum):
    """The format of an exported generator."""

    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    TORCHSCRIPT = "torchscript"
    TORCH_EXPORT = "torch-export"
    HTML = "html"


class WeightName(StrEnum):
    """The type of an exported generator's weights."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class FilmFormat(StrEnum):
    """The format of a film."""

    GIF = "gif"
    WEBP = "webp"
    MP4 = "mp4"


class OnNan(StrEnum):
    """What training does when a loss or weight is no longer finite."""

    STOP = "stop"
    ROLLBACK = "rollback"


class VerdictName(StrEnum):
    """How a run is doing, in a word or three."""

    HEALTHY = "healthy"
    IMPROVING = "improving"
    PLATEAU = "plateau"
    DISCRIMINATOR_TOO_STRONG = "discriminator-too-strong"
    GENERATOR_TOO_STRONG = "generator-too-strong"
    COLLAPSING = "collapsing"
    MODE_DROPPING = "mode-dropping"
    DIVERGING = "diverging"
    MEMORISING = "memorising"


class StopWhen(StrEnum):
    """Verdicts at which training may stop."""

    PLATEAU = "plateau"
    COLLAPSED = "collapsed"


class LoggerName(StrEnum):
    """Programs that show the numbers of many runs, by the names of their packages."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    TRACKIO = "trackio"


class LabelWay(StrEnum):
    """What the labels of a walk do between stops of different classes."""

    BLENDED = "blended"
    HELD = "held"
