"""The names of the measures of samples in training, and the meaning of their numbers."""

LOOK = "health."
"""How the names begin; those of turns have it in their middle."""
BINS_HELD = LOOK + "bins_held"
BINS_DIVERGENCE = LOOK + "bins_divergence"
DIVERSITY = LOOK + "diversity"
NEAREST_REAL = LOOK + "nearest_real"
PREVIEW_CHANGE = LOOK + "preview_change"
LOOKS = {
    BINS_HELD: "share of the bins of real images that the samples hold",
    BINS_DIVERGENCE: "Jensen-Shannon divergence of samples and reals over these bins, in nats",
    DIVERSITY: "mean distance of two samples, compared with that of two reals",
    NEAREST_REAL: "distance of a sample to the nearest real image, compared with that of reals to "
    "each other: the median",
    PREVIEW_CHANGE: "mean change of a preview's pixels since the last one, as a share of the scale",
}
"""Each measure, in words."""


def is_look(name: str) -> bool:
    """Whether a logged value was measured of samples."""
    return name.startswith(LOOK)
