"""The colours of figures: reals, fakes, and where a discriminator sees either.

Text that names them is drawn in them, so that no sentence goes stale when one changes. The pages
have a style sheet of their own, in report/templates and study/templates.
"""

REAL_COLOUR = "#3a9d5d"
"""Real points."""
FAKE_COLOUR = "#1f4fd8"
"""Generated points."""
REAL_FIELD = "#c4def7"
"""Where a discriminator sees reals."""
FAKE_FIELD = "#f7cdbe"
"""Where a discriminator sees fakes."""
PLAIN_COLOUR = "#1f4fd8"
"""What is neither, e.g. a histogram."""
INK, SOFT_INK = "#1c2530", "#5b6775"
"""Text, and what matters less."""
RULE = "#dfe4ea"
"""Thin lines, and what is still empty."""
GOOD_NEWS, NO_NEWS, BAD_NEWS = "#23804a", "#5b6775", "#b3402a"
"""Verdicts: all is well, nothing moves, something is wrong."""
MODEL_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#b08900",
    "#56b4e9",
    "#6f4ba8",
    "#4d4d4d",
)
"""Models in one plot; mostly Okabe and Ito's, which colour-blind readers tell apart."""
