"""The network families. A new one is a file here and a name in the union."""

from typing import Annotated

from pydantic import Field

from gancli.networks.cnn import Cnn
from gancli.networks.eigen import Eigen
from gancli.networks.mlp import Mlp

AnyNetwork = Annotated[Mlp | Cnn | Eigen, Field(discriminator="family")]

__all__ = ["AnyNetwork", "Cnn", "Eigen", "Mlp"]
