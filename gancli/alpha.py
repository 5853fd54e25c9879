"""Transparency of images with four channels: red, green, blue and alpha."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RGBA_CHANNELS = 4
_CHEQUER_PIXELS = 8
"""Side of a chequer."""
_LIGHT, _DARK = 255, 204


def over_white(images: Tensor) -> Tensor:
    """uint8 images of (N, C, H, W), those of four channels laid over white, (N, 3, H, W)."""
    if images.shape[1] != RGBA_CHANNELS:
        return images
    share = images[:, 3:].float() / 255
    return (images[:, :3].float() * share + 255 * (1 - share)).round().to(torch.uint8)


def over_chequers(images: NDArray[Any]) -> NDArray[Any]:
    """uint8 images of (..., H, W, C), those of four channels laid over grey and white chequers."""
    if images.shape[-1] != RGBA_CHANNELS:
        return images
    rows, columns = (np.arange(side) // _CHEQUER_PIXELS for side in images.shape[-3:-1])
    ground = np.where((rows[:, None] + columns) % 2, _DARK, _LIGHT)[..., None]
    share = images[..., 3:] / 255
    laid = np.rint(images[..., :3] * share + ground * (1 - share))
    return laid.astype(np.uint8)
