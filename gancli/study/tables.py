"""The ranking's cells as text, for the terminal and the page."""

from gancli.study.results import (
    COUNTS_OF_MODES,
    NOT_YET,
    SHARE_MEASURES,
    ModelResult,
    NotYet,
    Results,
    SeedInterval,
)

SMALLEST_SHOWN = 0.001
"""Smaller numbers are only said to be so."""
DASH = "\N{EN DASH}"
HEADINGS = {
    "held": "modes held",
    "captured": "captured",
    "high_quality": "quality",
    "reverse_kl": "rev. KL",
    "jensen_shannon": "JSD",
    "std_ratio": "std ratio",
    "published_captured": "captured*",
    "published_high_quality": "quality*",
    "published_kl": "KL*",
}
"""Measures and what they are called; the starred are counted as in the literature's tables."""
AS_PUBLISHED = ("captured", "published_captured", "published_high_quality", "published_kl")
OF_SPREAD = ("reverse_kl", "jensen_shannon", "std_ratio")


def columns_of(results: Results) -> dict[str, str]:
    """The measures this arena has, and their headings."""
    ceiling = results.ceiling.model_dump()
    return {name: heading for name, heading in HEADINGS.items() if ceiling[name] is not None}


def model_row(model: ModelResult, columns: dict[str, str]) -> list[str]:
    """A model's cells of the ranking."""
    row = [model.model]
    for name in columns:
        found = model.measures.get(name)
        row.append(DASH if found is None else _shown(name, found))
    began = [_step(step) for step in model.collapse_steps]
    # One word for all of them: a column of three is wide enough without.
    began = began[:1] if {*began} == {NOT_YET} else began
    unrest = model.lately
    lately = f"{unrest.least:g}, {unrest.median:g}, {unrest.most:g}" if unrest else DASH
    return [*row, ", ".join(began) or "failed", lately]


def ceiling_row(results: Results, columns: dict[str, str]) -> list[str]:
    """What real data score."""
    ceiling = results.ceiling.model_dump()
    scores = [
        f"{100 * ceiling[name]:.1f} %" if name in SHARE_MEASURES else _number(ceiling[name])
        for name in columns
    ]
    return ["real data", *scores, "", ""]


def _shown(name: str, found: SeedInterval) -> str:
    """The values of a few seeds in order of size; of six or more, their mean and its interval."""
    is_share = name in SHARE_MEASURES

    def number(value: float) -> str:
        return f"{100 * value:.1f}" if is_share else _number(value)

    unit = " %" if is_share else ""
    if found.low is not None and found.high is not None:
        ends = ", ".join(number(end) for end in found.band)
        return f"{number(found.mean)}{unit} [{ends}]"
    if found.count > 1 and name in COUNTS_OF_MODES and found.most is not None:
        unit = f" of {number(found.most)}"
    return ", ".join(number(value) for value in sorted(found.values)) + unit


def _step(step: int | NotYet | None) -> str:
    if step is None:
        return DASH
    return step if isinstance(step, str) else f"{step:,}"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= SMALLEST_SHOWN or not value else f"<{SMALLEST_SHOWN:g}"
