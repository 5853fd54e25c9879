"""The charts of a run, as its page and `gan figures` show them: curves that share their axes."""

from typing import NamedTuple

from gancli.evaluation.mode_coverage import FAIR_SHARE, RADIUS_IN_STD
from gancli.health.measures import LOOK, LOOKS
from gancli.html import thinned
from gancli.report.summary import Series, Summary
from gancli.turn_gauge import GAUGES

MAX_CURVE_POINTS = 2000
"""Points of one curve; more could not be told apart."""
SCORE_WORDS = {
    "modes_captured": f"modes with at least one sample within {RADIUS_IN_STD:g} standard "
    "deviations of their centre",
    "modes_held": f"modes with at least {FAIR_SHARE:.0%} of their fair share of all samples, within"
    f" {RADIUS_IN_STD:g} standard deviations",
    "high_quality": f"share of all samples within {RADIUS_IN_STD:g} standard deviations of a mode",
}
"""What previews count on mixtures."""


class Chart(NamedTuple):
    """Curves that share an axis."""

    title: str
    series: Series
    words: str = ""
    """what is plotted, where its name does not say"""


def charts_of(summary: Summary) -> list[Chart]:
    """A run's charts, those left out that have no points."""
    charts = [Chart("losses", summary.losses), Chart("terms of the losses", summary.terms)]
    charts += [
        Chart(name, {name: points}, SCORE_WORDS.get(name, ""))
        for name, points in summary.scores.items()
    ]
    charts += [Chart(name, {name: points}) for name, points in summary.judged.items()]
    charts += [
        Chart(name.removeprefix(LOOK).replace("_", " "), {name: points}, LOOKS.get(name, ""))
        for name, points in summary.looks.items()
    ]
    charts += [
        Chart(kind.replace("_", " "), series, GAUGES.get(kind, ""))
        for kind, series in summary.gauges.items()
    ]
    charts.append(Chart("learning rates", summary.rates))
    charts.append(Chart("steps per second", {"steps/s": summary.speed}))
    shorter = [
        Chart(
            title,
            {name: thinned(points, MAX_CURVE_POINTS) for name, points in series.items() if points},
            words,
        )
        for title, series, words in charts
    ]
    return [chart for chart in shorter if chart.series]
