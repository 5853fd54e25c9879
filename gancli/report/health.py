"""How a run was doing, as its page shows it: a band of verdicts over the steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gancli.health.verdict import Verdict
from gancli.html import data_uri
from gancli.report.summary import Summary
from gancli.runs.own_files import BINS_FILE


@dataclass(frozen=True)
class VerdictSpan:
    """The steps from a verdict to the next."""

    first: int
    last: int
    verdict: Verdict
    frame: int | None
    """the place of the preview at its end, among those that the page shows; None: there is none"""

    @property
    def colour(self) -> str:
        """The class of its colour."""
        return self.verdict.tone.value

    @property
    def title(self) -> str:
        """The verdict in a word or three."""
        return self.verdict.title

    @property
    def length(self) -> int:
        """In steps, 1 at least."""
        return max(1, self.last - self.first)


class BinsPicture(NamedTuple):
    """Bins that samples miss, and bins that they fill most."""

    source: str
    """a data URI"""
    words: str
    """what is seen in it"""


def spans_of(summary: Summary, shown: Sequence[int]) -> list[VerdictSpan]:
    """The verdicts of a run, in order.

    Args:
        summary: the run's.
        shown: the steps of the previews that the page shows, in order.
    """
    found, end = summary.verdicts, max(summary.step, 1)
    ends = [*(each.step for each in found), end][1:]
    return [
        VerdictSpan(each.step, until, each.verdict, _frame(each.step, shown))
        for each, until in zip(found, ends, strict=True)
    ]


def _frame(step: int, shown: Sequence[int]) -> int | None:
    """The first preview at or after a verdict, else the last."""
    after = [place for place, at in enumerate(shown) if at >= step]
    return after[0] if after else len(shown) - 1 if shown else None


def before_any(summary: Summary) -> int:
    """Steps before the first verdict."""
    return summary.verdicts[0].step if summary.verdicts else 0


def bins_picture(summary: Summary) -> BinsPicture | None:
    """The real images that the last look's samples missed; None: there was no look yet."""
    file = summary.run.folder / BINS_FILE
    if not file.is_file():
        return None
    preset = summary.header.preset
    words = (
        f"on the left real images of {preset.dataset} that samples of {preset.name} lack, on the "
        "right samples that there are too many of; each row is a bin, with its share of both"
    )
    return BinsPicture(data_uri(file.read_bytes()), words)
