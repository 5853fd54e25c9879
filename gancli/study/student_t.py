"""Student's t distribution, as far as an interval of a mean takes it."""

import math

HALVINGS = 60
"""Of an angle: more change no digit of a float."""


def two_sided_t(level: float, degrees: int) -> float:
    """The t that Student's |T| stays below with this probability.

    Abramowitz and Stegun 1964, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4: with
    t = sqrt(n) tan(angle), the probability is a finite sum, which rises with the angle.

    Args:
        level: in (0, 1).
        degrees: of freedom, n >= 1.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = _probability(middle, degrees) < level
        low, high = (middle, high) if below else (low, middle)
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _probability(angle: float, degrees: int) -> float:
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = degrees % 2 == 1
    term = cosine if is_odd else 1.0
    total = 0.0
    for factor in range(3 if is_odd else 2, degrees + 1, 2):
        total += term
        term *= (factor - 1) / factor * cosine**2
    return (angle + sine * total) * 2 / math.pi if is_odd else sine * total
