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
