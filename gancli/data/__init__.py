"""The kinds of data set. A new one is a file here and a name in the union."""

from typing import Annotated

from pydantic import Field

from gancli.data.batch_source import BatchSource
from gancli.data.dataset import Dataset
from gancli.data.image_folder import ImageFolder
from gancli.data.mixture import Mixture
from gancli.data.stacked import StackedDigits
from gancli.data.torchvision_images import TorchvisionImages

AnyData = Annotated[
    Mixture | TorchvisionImages | StackedDigits | ImageFolder, Field(discriminator="kind")
]

__all__ = [
    "AnyData",
    "BatchSource",
    "Dataset",
    "ImageFolder",
    "Mixture",
    "StackedDigits",
    "TorchvisionImages",
]
