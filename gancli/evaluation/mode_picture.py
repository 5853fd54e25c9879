"""A picture of bins: real images that the samples lack, next to samples there are too many of."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.mode_bins import BinnedSamples
from gancli.pictures import enlarged, labelled_table, png, to_image

SHOWN_BINS = 8
"""Rows on either side."""


def bin_picture(binned: BinnedSamples, reals: ImageSet, fakes: ImageSet) -> bytes:
    """A PNG: on the left reals of the bins that samples are rarest in, compared with reals; on the
    right samples of those they are commonest in; each row the images nearest to a bin's centre.

    Args:
        binned: the samples in bins of the reals.
        reals: the real images.
        fakes: the samples.
    """
    order = np.argsort(binned.z, kind="stable")[:SHOWN_BINS]
    filled = np.flatnonzero(binned.assigned.counts)
    fullest = filled[np.argsort(-binned.z[filled], kind="stable")][:SHOWN_BINS]
    examples = binned.bins.examples
    left = [
        (_label(binned, n), _shown(reals, examples[n][examples[n] >= 0].tolist())) for n in order
    ]
    right = [(_label(binned, n), _shown(fakes, binned.examples_of(n))) for n in fullest]
    return png(
        _side_by_side(
            _table("reals", left),
            _table("samples", right),
        )
    )


def _label(binned: BinnedSamples, number: int) -> str:
    made = binned.assigned.counts[number] / len(binned.bin)
    return f"bin {number}\n{binned.bins.shares[number]:.2%} of reals\n{made:.2%} of samples"


def _shown(images: ImageSet, places: Sequence[int]) -> list[Image.Image]:
    if not places:
        return []
    return [to_image(each) for each in enlarged(images.at(places).permute(0, 2, 3, 1).numpy())]


def _table(heading: str, rows: Sequence[tuple[str, list[Image.Image]]]) -> Image.Image:
    size = next(images[0].size for _, images in rows if images)
    widest = max(len(images) for _, images in rows)
    return labelled_table(rows, size, [heading, *[""] * (widest - 1)])


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), "white")
    whole.paste(left, (0, 0))
    whole.paste(right, (left.width, 0))
    return whole
