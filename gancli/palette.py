"""The colours of figures and pages: text and grounds, reals and fakes, curves, and fields.

Pages have them as variables (`page_colours`), in a light and a dark value each. Text has a contrast
of at least 4.5 with the grounds that it stands on, and so have curves, whose names are written in
their colours. Of the curves the first four, which share a plot, can be told apart with every kind
of colour blindness; `tests/test_pages.py` computes all of this.
"""

Pair = tuple[str, str]
"""A colour on the light and on the dark ground"""

REAL_COLOUR = "#3a9d5d"
"""Real points."""
FAKE_COLOUR = "#1f4fd8"
"""Generated points."""
REAL_FIELD = "#c4def7"
"""Where a discriminator sees reals."""
FAKE_FIELD = "#f7cdbe"
"""Where a discriminator sees fakes."""
INK, SOFT_INK = "#1c2530", "#5b6775"
"""Text, and what matters less."""
ALARM_INK = "#b42318"
"""Text about what went wrong."""
SERIES: tuple[Pair, ...] = (
    ("#1f4fd8", "#6f9bf5"),
    ("#c14500", "#f08040"),
    ("#0f7a62", "#58e69a"),
    ("#823da8", "#d294b8"),
    ("#763a1c", "#ffb87a"),
    ("#5b6775", "#3ebdf0"),
    ("#a01050", "#8f80ff"),
    ("#06283a", "#f6d3e8"),
)
"""Curves of one plot, in their order."""
MODEL_COLOURS = tuple(light for light, _ in SERIES)
"""The same in files, which have a white ground."""
PLAIN_COLOUR = MODEL_COLOURS[0]
"""What is neither, e.g. a histogram."""
PAGE: dict[str, Pair] = {
    "ground": ("#f4f6f9", "#10161d"),
    "paper": ("#ffffff", "#18202a"),
    "ink": (INK, "#e6ebf2"),
    "soft": (SOFT_INK, "#9aa7b6"),
    "line": ("#d8dee6", "#33404f"),
    "accent": ("#1f4fd8", "#7aa2ff"),
    "on-accent": ("#ffffff", "#10161d"),
    "good": ("#23804a", "#57c785"),
    "still": ("#5b6775", "#9aa7b6"),
    "bad": (ALARM_INK, "#ff9b85"),
    "shade": ("#1c253055", "#000000cc"),
    "real": (REAL_COLOUR, REAL_COLOUR),
    "fake": (FAKE_COLOUR, FAKE_COLOUR),
}
"""What pages call their colours: ground and paper lie behind; ink, soft, good, still and bad are
text; on-accent is text on accent, good, still and bad; shade is the shadow of what scrolls; reals
and fakes are as in pictures, which have a white ground everywhere."""
RULE = PAGE["line"][0]
"""Thin lines in films, and what is still empty."""
GOOD_NEWS, NO_NEWS, BAD_NEWS = (PAGE[name][0] for name in ("good", "still", "bad"))
"""Verdicts in films: all is well, nothing moves, something is wrong."""


def page_colours() -> dict[str, Pair]:
    """All colours of pages, light and dark, by the names of their variables."""
    return PAGE | {f"series-{number}": pair for number, pair in enumerate(SERIES, 1)}
