"""The kinds of data set. A new one is a file here, registered below, or a plugin."""

from typing import Annotated

from gancli.any_of import AnyOf
from gancli.data.batch_source import BatchSource
from gancli.data.dataset import Dataset, DataSpec
from gancli.data.image_folder import ImageFolder
from gancli.data.mixture import Mixture
from gancli.data.stacked import StackedDigits
from gancli.data.torchvision_images import TorchvisionImages
from gancli.registry import Registry

KINDS = Registry[type[DataSpec]]("data set")
KINDS.register("mixture")(Mixture)
KINDS.register("torchvision")(TorchvisionImages)
KINDS.register("stacked-digits")(StackedDigits)
KINDS.register("images")(ImageFolder)
AnyData = Annotated[DataSpec, AnyOf(KINDS, "kind")]

__all__ = [
    "KINDS",
    "AnyData",
    "BatchSource",
    "DataSpec",
    "Dataset",
    "ImageFolder",
    "Mixture",
    "StackedDigits",
    "TorchvisionImages",
]
