"""Steps of an experiment's cells of which there are pictures."""

SPREAD = 8
"""Steps of which there are pictures, where nothing says which."""


def spread_steps(steps: int) -> list[int]:
    """A few steps of a training of this length, evenly spread, the last among them."""
    return sorted({max(1, round(steps * part / SPREAD)) for part in range(1, SPREAD + 1)})
