"""The kinds of data set. A new one is a file here and a name in the union."""

from typing import Annotated

from pydantic import Field

from gancli.data.dataset import Dataset
from gancli.data.deck import Deck
from gancli.data.images import TorchvisionImages
from gancli.data.mixture import Mixture
from gancli.data.own import OwnImages
from gancli.data.stacked import StackedDigits

AnyData = Annotated[
    Mixture | TorchvisionImages | StackedDigits | OwnImages, Field(discriminator="kind")
]

__all__ = [
    "AnyData",
    "Dataset",
    "Deck",
    "Mixture",
    "OwnImages",
    "StackedDigits",
    "TorchvisionImages",
]
