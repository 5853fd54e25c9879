"""The charts of a run, as its page and `gan figures` show them: curves that share their axes."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gancli.evaluation.mode_coverage import FAIR_SHARE, RADIUS_IN_STD
from gancli.figures import CurveLine, CurvePanel
from gancli.health.measures import LOOK, LOOKS, is_look
from gancli.html import thinned
from gancli.page_charts import PageChart, page_chart
from gancli.report.summary import LOSS, Series, Summary
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
SHARE_AXIS = (0.0, 1.0)
"""From none to all."""
GAUGE_TITLES: dict[str, tuple[str, tuple[float, float] | None]] = {
    "logit_gap": ("logit gap", None),
    "gradient_norm": ("gradient norms", None),
    "update_ratio": ("update-to-weight ratios", None),
    "penalty_share": ("share of penalties in the loss", SHARE_AXIS),
    "clipped": ("share of clipped parameters", SHARE_AXIS),
    "sigma": ("largest singular value", None),
}
"""Of measures of health but accuracy, their charts' titles and axes."""
RATIO_WORDS = "the generator's over the discriminator's"


class Chart(NamedTuple):
    """Curves that share an axis."""

    title: str
    series: Series
    words: str = ""
    """what is plotted, where its name does not say"""
    span: tuple[float, float] | None = None
    """of the vertical axis; None: as the values are"""
    of_players: bool = False
    """whether the curves' names say whose they are, and the title alone what they are"""

    def title_of(self, name: str) -> str:
        """The title of a chart of one of the curves."""
        if is_look(name):
            return self.title
        return f"{self.title}: {name}" if self.of_players else name


def charts_of(summary: Summary) -> list[Chart]:
    """A run's charts, those left out that have no points."""
    charts = [Chart("losses", summary.losses), Chart("terms of the losses", summary.terms)]
    charts += [
        Chart(name, {name: points}, SCORE_WORDS.get(name, ""))
        for name, points in summary.scores.items()
    ]
    charts += [Chart(name, {name: points}) for name, points in summary.judged.items()]
    charts += [
        Chart(spelled_out(name.removeprefix(LOOK)), {name: points}, LOOKS.get(name, ""))
        for name, points in summary.looks.items()
    ]
    charts += _health(summary)
    charts.append(Chart("learning rates", summary.rates))
    charts.append(Chart("steps per second", {"steps/s": summary.speed}))
    shorter = [chart._replace(series=_thinned(chart.series)) for chart in charts]
    return [chart for chart in shorter if chart.series]


def panel_of(chart: Chart) -> CurvePanel:
    """A chart as it is drawn, in files and on pages."""
    lines = [
        CurveLine(
            name,
            np.array([point.step for point in points], np.float64),
            np.array([point.value for point in points], np.float64),
        )
        for name, points in chart.series.items()
    ]
    values = [point.value for points in chart.series.values() for point in points]
    # Counts, shares and speeds have a zero; losses do not.
    is_loss = any(name.startswith(LOSS) for name in chart.series)
    above_zero = bool(values) and not is_loss and min(values) >= 0
    limits = None
    if above_zero and all(map(math.isfinite, values)):
        limits = (0.0, 1.05 * max(values) or 1.0)
    return CurvePanel(chart.title, lines, chart.span or limits)


def charts_on_page(charts: Sequence[Chart]) -> list[PageChart]:
    """Charts as a page draws them, those left out that have no points."""
    drawn = [
        page_chart(panel_of(chart._replace(title=spelled_out(chart.title))), chart.words)
        for chart in charts
    ]
    return [chart for chart in drawn if chart is not None]


def with_short_names(chart: Chart) -> Chart:
    """A run's chart with its curves' names in words: of losses, the player's alone."""
    names = {name: spelled_out(name.removeprefix(LOSS).removeprefix(LOOK)) for name in chart.series}
    return chart._replace(series={names[name]: own for name, own in chart.series.items()})


def spelled_out(name: str) -> str:
    """A name of the log as it is read."""
    return name.replace("_", " ")


def _thinned(series: Series) -> Series:
    return {name: thinned(points, MAX_CURVE_POINTS) for name, points in series.items() if points}


def _health(summary: Summary) -> Iterator[Chart]:
    """How the turns went, each measure in a chart; those of constraints from plugins come last."""
    kinds = dict(summary.gauges)
    separation = {
        side: points
        for side, kind in (("reals", "accuracy_real"), ("fakes", "accuracy_fake"))
        for points in kinds.pop(kind, {}).values()
    }
    ratios = {"generator / discriminator": summary.gradient_ratios}
    found = [
        Chart(
            "accuracy of the discriminator",
            separation,
            "share of the batch that it judges to be what it is",
            SHARE_AXIS,
        )
    ]
    for kind, (title, span) in GAUGE_TITLES.items():
        found.append(Chart(title, kinds.pop(kind, {}), GAUGES[kind], span))
        if kind == "gradient_norm":
            found.append(Chart("ratio of the gradient norms", ratios, RATIO_WORDS))
    found += [Chart(kind.replace("_", " "), series) for kind, series in kinds.items()]
    yield from (chart._replace(of_players=True) for chart in found)
