"""Many images as one picture."""

from PIL import Image
from torch import Tensor, uint8

from gancli.errors import UsageError
from gancli.pictures import grid


def image_grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """Images in one picture, in reading order.

    Args:
        images: uint8 of (B, C, H, W), C = 1 or 3, as `Model.sample` gives them.
        columns: how many side by side; None: about as many as rows.

    Raises:
        UsageError: they are of another type or shape.
    """
    if images.dtype != uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise UsageError(
            f"images are {images.dtype} of shape {tuple(images.shape)}: pass uint8 of (B, C, H, W) "
            "with 1 or 3 channels"
        )
    return grid(images.permute(0, 2, 3, 1).numpy(), columns)
