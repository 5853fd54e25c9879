"""Scores as an object for programs."""

from collections.abc import Mapping
from html import escape

import numpy as np

from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.evaluation.mode_coverage import (
    assign_points,
    jensen_shannon,
    reverse_kl,
    std_ratio,
)
from gancli.evaluation.protocol import Evaluation
from gancli.sampler import Sampler

POINTS_SCORED = 2500
"""Number of points that VEEGAN's counts are taken on."""


class Scores(dict[str, float]):
    """Scores by name; for images, `evaluations` holds their protocols and intervals."""

    def __init__(
        self, scores: Mapping[str, float], evaluations: tuple[Evaluation, ...] = ()
    ) -> None:
        super().__init__(scores)
        self.evaluations = evaluations
        """one for each reference, e.g. the training and the test split, and extractor; none for
        points"""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{value:.4g}</td></tr>" for name, value in self.items()
        )
        return f"<table>{rows}</table>"


def scores_of_points(sampler: Sampler, count: int) -> Scores:
    """How points spread over the modes of a mixture.

    `modes_held`, `modes_captured` and `high_quality` as training's previews count them (Srivastava
    et al. 2017, VEEGAN, section 4.1); `reverse_kl` and `jensen_shannon` between the points' modes
    and the data's, in nats (Lin et al. 2018, PacGAN, section 4); `std_ratio`: how wide the modes
    are, in units of the data's. A score that cannot be computed, because no point is near a mode,
    is left out.

    Args:
        sampler: makes the points.
        count: how many, of seeds 0 to count - 1.

    Raises:
        UsageError: the data are not a mixture, so their modes are unknown.
    """
    spec = sampler.preset.data
    if not isinstance(spec, Mixture):
        raise UsageError(
            f"{sampler.preset.dataset} is not a mixture, so it has no modes to count: compare "
            "sample() with the data"
        )
    points = sampler.all(range(count)).astype(np.float64)
    assigned = assign_points(points, spec.centres(), spec.std)
    cover = assigned.coverage()
    found = {
        "modes_held": float(cover.held),
        "modes_captured": float(cover.captured),
        "high_quality": cover.high_quality,
        "reverse_kl": reverse_kl(assigned.counts, assigned.shares),
        "jensen_shannon": jensen_shannon(assigned.counts, assigned.shares),
        "std_ratio": std_ratio(points, assigned, spec.std),
    }
    return Scores({name: value for name, value in found.items() if value is not None})
