"""Scores as an object for programs."""

from collections.abc import Mapping
from html import escape

from gancli.evaluation.protocol import Evaluation


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
