"""The defaults of options: the seed, counts, batch sizes, memory; knows no torch.

Help, requests and the library take them from here, so that each stands in one place.
"""

DEFAULT_SEED = 5678
"""Seed of a run, and of data sets that are generated rather than read."""

SAMPLE_COUNT = 64
"""Samples of `gan sample`."""
SAMPLES_PER_CLASS = 10
"""Samples of each class, where `gan sample` goes by class."""
SAMPLE_BATCH_SIZE = 500
"""Samples that `gan sample` generates together."""

EVALUATION_COUNT = 50_000
"""Number of generated images to score, the same as for published scores."""
QUICK_COUNT = 5_000
"""Images on either side of `gan evaluate --quick`, for which MIND was proposed."""
QUICK_RESAMPLES = 1_000
"""Of the bootstrap of `gan evaluate --quick`."""
IMAGES_AT_ONCE = 64
"""Images that an evaluation generates and looks at together; scores are equal to the bit at equal
numbers."""

MEMORY_GIB = 4.0
"""Memory that an evaluation works in, in GiB."""

TRAVERSE_FRAMES = 9
"""Values of each axis of a traversal."""
TRAVERSE_ROWS = 5
"""Samples that a traversal varies."""
TRAVERSE_BATCH_SIZE = 64
"""Images that a traversal generates together."""
WALK_SECONDS = 10.0
"""Length of a walk."""
WALK_RATE = 20
"""Pictures per second of a walk between its stops."""

STUDY_SEEDS = 3
"""Seeds of each model in a study."""

BENCH_ROUNDS = 5
"""How often a benchmark times each of the loops that it compares."""
BENCH_SAMPLE_COUNT = 10_000
"""Images that `gan bench sample` writes."""
BENCH_EVALUATION_COUNT = 2_000
"""Images that `gan bench evaluate` scores."""
BENCH_EVALUATION_BATCH_SIZE = 256
"""Images that `gan bench evaluate` shows the extractor together."""
BENCH_FEATURES = 50_000
"""Made-up features whose memory `gan bench evaluate` measures."""
BENCH_STUDY_STEPS = 1_000
"""Steps of each cell that `gan bench study` runs."""
FIGURE_DPI = 200
"""Pixels per inch of plots."""

FILM_SIZE = "720"
"""Pixels of the longer side of a film."""
FILM_SECONDS = 12.0
FILM_RATE = 25
"""Frames per second of a film."""
