"""Randomness without state: every draw is a function of what it is drawn for.

Both kinds of stream are NumPy's Philox (Salmon et al. 2011, "Parallel Random Numbers: As Easy as
1, 2, 3"), a counter-based generator: key and counter say which numbers come out, so nothing
needs saving to resume a run, and nothing depends on how many processes or batches share the work.
"""

import hashlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

SEED_LIMIT = 2**48
"""Samples' seeds are below this, so that no stream runs into another's."""
_WORDS_PER_BLOCK = 4
"""A Philox counter value yields four 64-bit words."""


def purpose_word(purpose: str) -> int:
    """The second 64-bit word of the Philox keys of a purpose; the first is a run's seed, or 0."""
    digest = hashlib.blake2b(purpose.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _key(seed: int, purpose: str) -> NDArray[np.uint64]:
    """A 128-bit Philox key; `seed` in [0, 2^64)."""
    return np.array([seed, purpose_word(purpose)], dtype=np.uint64)


def stream(
    seed: int, purpose: str, step: int = 0, turn: int = 0, *, rollbacks: int = 0
) -> np.random.Generator:
    """The generator of one purpose in one turn of one step of the run with this seed.

    `rollbacks` counts how often the run went back after a number that was not finite: each time it
    goes on with other numbers, 2^64 blocks further in the same sequence.
    """
    counter = np.array([0, rollbacks, step, turn], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose), counter=counter))


def uniforms(seeds: Sequence[int], purpose: str, count: int) -> NDArray[np.float64]:
    """Independent numbers in (0, 1) for each seed, shape (len(seeds), count).

    Row i depends on (seeds[i], purpose, count) alone: seed s owns the s-th stretch of one Philox
    sequence, so a run of consecutive seeds is one vectorised draw.
    """
    blocks = -(-count // _WORDS_PER_BLOCK)
    rows = []
    for _, group in groupby(enumerate(seeds), key=lambda pair: pair[1] - pair[0]):
        run = [seed for _, seed in group]
        source = np.random.Philox(key=_key(0, purpose))
        source.advance(run[0] * blocks)
        words = source.random_raw(len(run) * blocks * _WORDS_PER_BLOCK)
        rows.append(words.reshape(len(run), -1)[:, :count])
    if not rows:
        return np.empty((0, count))
    # 52 bits and a half: every value is exact in a double, and neither 0 nor 1 occurs.
    return (np.concatenate(rows) >> np.uint64(12)).astype(np.float64) * 2.0**-52 + 2.0**-53
