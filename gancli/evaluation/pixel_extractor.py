"""Pixels as features, for modes of images where no network is at hand: it needs no download."""

import torch

from gancli.data.torchvision_set import resized
from gancli.evaluation.extractors import PIXEL_SIDE, PIXELS, Extractor, Seen, width_of


def pixel_extractor(device: torch.device) -> Extractor:
    """The pixels of small copies of the images, in [0, 1]; grey ones count as RGB."""

    def see(images: torch.Tensor) -> Seen:
        small = resized(images, PIXEL_SIDE).float() / 255
        return Seen(small.expand(-1, 3, -1, -1).flatten(1), None)

    return Extractor(
        name=PIXELS,
        weights="none",
        published=False,
        resize=f"to {PIXEL_SIDE}x{PIXEL_SIDE}, bilinear, antialiased",
        width=width_of(PIXELS),
        device=device,
        see=see,
    )
