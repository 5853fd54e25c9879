"""Published scores of a configuration, and its differences from the paper."""

import json
from typing import Any

from pydantic import field_validator

from gancli.settings import Settings

ABSENT = "absent"
"""The value that a deviation gives a field that is not set."""


class Published(Settings):
    """Scores published for this configuration."""

    source: str
    """who, and by which protocol"""
    fid: float | None = None
    inception_score: float | None = None
    inception_score_std: float | None = None
    intra_fid: float | None = None
    """mean over the classes of the FID between each class and its own training images"""


class Deviation(Settings):
    """What a paper says of one field; a deviation wherever the field says otherwise."""

    paper: Any
    """the field's value in the paper, or a description of what no value can say"""
    note: str = ""
    """where the paper says so, or why it matters"""

    @field_validator("paper")
    @classmethod
    def _finite(cls, paper: object) -> object:
        try:
            json.dumps(paper, allow_nan=False)
        except ValueError as error:
            raise ValueError("all numbers must be finite") from error
        return paper

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        value = self.paper if isinstance(self.paper, str) else json.dumps(self.paper)
        return f"paper: {value}{note}"
