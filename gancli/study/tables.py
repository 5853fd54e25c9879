"""The ranking's cells as text, for the terminal and the page."""

from gancli.study.results import ModelResult, Results, SeedInterval

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
SHARE_MEASURES = ("high_quality", "published_high_quality")


def columns_of(results: Results) -> dict[str, str]:
    """The measures this arena has, and their headings."""
    ceiling = results.ceiling.model_dump()
    return {name: heading for name, heading in HEADINGS.items() if ceiling[name] is not None}


def model_row(model: ModelResult, columns: dict[str, str]) -> list[str]:
    """A model's cells of the ranking."""
    row = [model.model]
    for name in columns:
        found = model.measures.get(name)
        row.append(DASH if found is None else _interval(found, share=name in SHARE_MEASURES))
    began = [DASH if step is None else f"{step:,}" for step in model.collapse_steps]
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


def _interval(found: SeedInterval, *, share: bool) -> str:
    if share:
        width = "" if found.half_width is None else f" ± {100 * found.half_width:.1f}"
        return f"{100 * found.mean:.1f}{width} %"
    width = "" if found.half_width is None else f" ± {found.half_width:.2g}"
    return f"{_number(found.mean)}{width}"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= SMALLEST_SHOWN or not value else f"<{SMALLEST_SHOWN:g}"
