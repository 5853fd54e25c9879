"""What a score, a setting and the entry of a metric are; knows no torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Score:
    """A number that a metric gives, under the name it has in evaluation.json."""

    name: str
    label: str
    """in tables and on pages"""
    better: Literal["higher", "lower"] | None = None
    """which way is better; None: it ranks no runs"""
    decimals: int = 4
    is_share: bool = False
    """whether it is shown in percent"""
    is_count: bool = False
    """whether it counts things, of which there are `most`"""
    is_distance: bool = False
    """whether it cannot be below 0, but for rounding"""
    names_extractor: bool = True
    """whether the extractor's name stands behind the label, unless it is the published one"""
    least: float | None = None
    """the least value there can be, of a score that is neither a share nor a distance"""
    most: float | None = None
    """the largest, of such a score"""
    of_known_modes: bool = False
    """whether there is one only where the data's modes are known"""
    aliases: tuple[str, ...] = ()
    """other short names; that of a metric with one score is one of its own accord"""

    def is_better(self, value: float, other: float) -> bool:
        """Whether a value is better than another."""
        return value > other if self.better == "higher" else value < other

    def possible(self, value: float) -> float:
        """The nearest value that the score can have."""
        least = 0.0 if self.is_share or self.is_distance else self.least
        most = 1.0 if self.is_share else self.most
        value = value if least is None else max(least, value)
        return value if most is None else min(most, value)


@dataclass(frozen=True)
class MetricSetting:
    """A whole number that a metric is computed with, and that may be set."""

    name: str
    """`kid-subsets`: --kid-subsets"""
    label: str
    """in the protocol's words: `subsets`"""
    default: int
    help: str
    least: int = 1
    """the smallest that makes sense"""


@dataclass(frozen=True)
class MetricEntry:
    """A metric as it is named in options and settings."""

    name: str
    """`fid`: --fid"""
    help: str
    scores: tuple[Score, ...]
    """but for their spreads, and for those of single classes"""
    is_option: bool = True
    """False: it is computed wherever it applies, and has no option"""
    is_default: bool = False
    """whether it is computed where no metric is named"""
    is_quick: bool = False
    """whether `gan evaluate --quick` computes it: few images are enough for it"""
    settings: tuple[MetricSetting, ...] = ()
    """what it is computed with"""
    extractor: str | None = None
    """the only extractor it is defined for; None: it takes any"""
    extractor_alone: str | None = None
    """the one it takes where no other metric is computed; None: that of the images"""
    count: int | None = None
    """images it is defined for, generated where no number is typed; None: it takes any number"""
    note: str = ""
    """what to say wherever its scores are shown"""
