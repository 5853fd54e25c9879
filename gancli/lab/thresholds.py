"""The thresholds by which modes are counted and verdicts given, for the page: those of the tool."""

from gancli.evaluation.mode_coverage import FAIR_SHARE, RADIUS_IN_STD
from gancli.health import divergence, finding, rules

_OF_VERDICTS = {
    divergence: ("WILD_UPDATE", "WILD_DISCRIMINATOR_UPDATE", "WILD_GRADIENT", "WILD_LOSS"),
    finding: ("SURE",),
    rules: (
        "TREND", "TREND_SHARE", "TREND_ERRORS", "LEAST_FALL", "SMALL_FALL", "LOW_DIVERSITY",
        "STUCK", "FEW_HELD", "BAD_FIT", "SURE_ACCURACY", "BLIND_ACCURACY", "STILL_UPDATE",
        "WARM_UP_OF_POINTS",
    ),
}  # fmt: skip


def thresholds() -> dict[str, float]:
    """Each by its name."""
    found = {
        name: getattr(module, name) for module, names in _OF_VERDICTS.items() for name in names
    }
    return found | {"RADIUS_IN_STD": RADIUS_IN_STD, "FAIR_SHARE": FAIR_SHARE}
