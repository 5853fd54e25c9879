"""The ranking's cells as text, for the terminal and the page."""

from gancli.study.results import Interval, ModelResult, Results

DASH = "\N{EN DASH}"
HEADINGS = {
    "held": "modes held",
    "captured": "captured",
    "high_quality": "high quality",
    "reverse_kl": "reverse KL",
    "jensen_shannon": "JSD",
    "std_ratio": "std ratio",
    "published_captured": "captured*",
    "published_high_quality": "high quality*",
    "published_kl": "KL*",
}
"""Measures and what they are called; the starred are counted as in the literature's tables."""
SHARES = ("high_quality", "published_high_quality")


def columns_of(results: Results) -> dict[str, str]:
    """The measures this arena has, and their headings."""
    ceiling = results.ceiling.model_dump()
    return {name: heading for name, heading in HEADINGS.items() if ceiling[name] is not None}


def model_row(model: ModelResult, columns: dict[str, str]) -> list[str]:
    """A model's cells of the ranking."""
    row = [model.model]
    for name in columns:
        found = model.measures.get(name)
        row.append(DASH if found is None else _interval(found, share=name in SHARES))
    began = [DASH if step is None else f"{step:,}" for step in model.collapse_steps]
    unrest = model.lately
    lately = f"{unrest.least:g}, {unrest.median:g}, {unrest.most:g}" if unrest else DASH
    return [*row, ", ".join(began) or "failed", lately]


def ceiling_row(results: Results, columns: dict[str, str]) -> list[str]:
    """What real data score."""
    ceiling = results.ceiling.model_dump()
    scores = [
        f"{ceiling[name]:.1%}" if name in SHARES else f"{ceiling[name]:.3g}" for name in columns
    ]
    return ["real data", *scores, "", ""]


def _interval(found: Interval, *, share: bool) -> str:
    if share:
        width = "" if found.half_width is None else f" ± {100 * found.half_width:.1f}"
        return f"{100 * found.mean:.1f}{width} %"
    width = "" if found.half_width is None else f" ± {found.half_width:.2g}"
    return f"{found.mean:.3g}{width}"
