"""Views of samples that are differentiable, so that the generator learns through them."""

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import pad

from gancli.objective.context import NamedDraws, View
from gancli.objective.term import TERMS

POLICIES = {"color": "colour", "colour": "colour", "translation": "translation", "cutout": "cutout"}
"""Names of its parts -> their fields."""


@TERMS.register("augmentation")
class DifferentiableAugmentation(View):
    """Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"
    (arXiv:2006.10738): the discriminator sees every image changed at random, real or generated."""

    colour: bool = True
    """change brightness, saturation and contrast"""
    translation: float = Field(default=0.125, ge=0, lt=1)
    """greatest shift, as a part of the side; what is shifted in is 0"""
    cutout: float = Field(default=0.5, ge=0, le=1)
    """side of the square that is set to 0, as a part of the image's"""

    @model_validator(mode="before")
    @classmethod
    def _by_names(cls, said: object) -> object:
        """Its parts by their names with commas, of which one is spelt in either way."""
        if not isinstance(said, str):
            return said
        names = [POLICIES.get(name.strip(), "") for name in said.split(",")]
        if "" in names:
            raise ValueError(
                f'it is "{said}", and must be one or more of colour, translation and cutout, with '
                "commas, or a table, e.g. {cutout = 0.25}"
            )
        off = {"colour": False, "translation": 0.0, "cutout": 0.0}
        return {field: value for field, value in off.items() if field not in names}

    @model_validator(mode="after")
    def _changes_something(self) -> "DifferentiableAugmentation":
        if not (self.colour or self.translation or self.cutout):
            raise ValueError("colour, translation and cutout are all off: leave out augmentation")
        return self

    def show(self, x: Tensor, draws: NamedDraws) -> Tensor:
        """Images of (B, C, H, W), each with changes of its own."""
        seen = _recoloured(x, draws) if self.colour else x
        seen = _shifted(seen, self.translation, draws) if self.translation else seen
        return (_cut_out(seen, self.cutout, draws) if self.cutout else seen).to(x.dtype)

    def equation(self) -> str:
        """The view in symbols."""
        named = {"colour": self.colour, "translation": self.translation, "cutout": self.cutout}
        return f"D(T(x)) for D(x), T: {', '.join(name for name, used in named.items() if used)}"

    def needs_images(self) -> bool:
        """Always."""
        return True

    def needs_signed(self) -> bool:
        """Always: shifts and cuts show 0, and brightness moves by at most a quarter of [-1, 1]."""
        return True


def _recoloured(x: Tensor, draws: NamedDraws) -> Tensor:
    def amount(name: str) -> Tensor:
        return draws.uniform(name, len(x), 1, 1, 1)

    x = x + amount("brightness") - 0.5
    grey = x.mean(1, keepdim=True)
    x = torch.lerp(grey, x, 2 * amount("saturation").to(x.dtype))
    level = x.mean((1, 2, 3), keepdim=True)
    return torch.lerp(level, x, amount("contrast").to(x.dtype) + 0.5)


def _shifted(x: Tensor, part: float, draws: NamedDraws) -> Tensor:
    height, width = x.shape[2:]
    reach = [int(side * part + 0.5) for side in (height, width)]
    rows, columns = (
        _offsets(draws.uniform(name, len(x)), most, side)
        for name, most, side in (("down", reach[0], height), ("right", reach[1], width))
    )
    frame = pad(x, (reach[1], reach[1], reach[0], reach[0]))
    image = torch.arange(len(x), device=x.device)[:, None, None]
    return frame.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def _whole(u: Tensor, count: int) -> Tensor:
    """Whole numbers from 0 to count - 1, each as likely."""
    # The largest u below 1, times count, may round to count.
    return (u * count).long().clamp(max=count - 1)


def _offsets(u: Tensor, most: int, side: int) -> Tensor:
    """The places in a frame that is wider by `most` on each side, (B, side)."""
    first = _whole(u, 2 * most + 1)
    return first[:, None] + torch.arange(side, device=u.device)


def _cut_out(x: Tensor, part: float, draws: NamedDraws) -> Tensor:
    inside = torch.ones(1, 1, 1, device=x.device, dtype=torch.bool)
    for axis, (name, side) in enumerate((("top", x.shape[2]), ("left", x.shape[3]))):
        length = int(side * part + 0.5)
        # The square's centre is anywhere in the image, so that its edge may be outside.
        centre = _whole(draws.uniform(name, len(x)), side + 1 - length % 2)
        place = torch.arange(side, device=x.device) - (centre - length // 2)[:, None]
        within = (place >= 0) & (place < length)
        inside = inside & (within[:, :, None] if axis == 0 else within[:, None])
    return x.masked_fill(inside[:, None], 0)
