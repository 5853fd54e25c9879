"""What holds where nothing is typed: the seed, counts and batch sizes; knows no torch."""

IMAGES_AT_ONCE = 64
"""Images that an evaluation generates and looks at together; scores are equal to the bit at equal
numbers."""
EVALUATED_IMAGES = 50_000
"""Images that an evaluation generates; published scores are of as many."""
