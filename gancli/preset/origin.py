"""Where the weights came from that a run started with."""

from typing import Literal

from pydantic import Field

from gancli.outside import STEP_LIMIT
from gancli.settings import Settings

FOLDER_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What presets and data sets are called, so that runs' folders can be named after them."""


class Origin(Settings):
    """The checkpoint of another run, by its content; where it was kept is not told."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """of the checkpoint's file, as its header says"""
    preset: str = Field(pattern=FOLDER_NAME)
    """name of the preset it was trained with"""
    dataset: str = Field(pattern=FOLDER_NAME)
    """name of the data set it was trained on"""
    step: int = Field(ge=0, le=STEP_LIMIT)
    """how long it was trained"""
    generator: Literal["moving average", "weights as trained"]
    """which of its generator's weights were taken"""

    def __str__(self) -> str:
        """In words, for sentences."""
        return f"{self.preset} on {self.dataset}, step {self.step:,}"
