"""The base of everything a preset may say."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen, without unknown keys, and with finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    def idle(self) -> Mapping[str, str]:
        """Fields that change nothing as the others stand, and why.

        In a preset such a field must have its default.
        """
        return {}
