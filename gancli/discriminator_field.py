"""A discriminator's field: its logit at every point of the plane that points live in."""

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.types import Players, Sample

FIELD_SIDE = 48
"""The field is the discriminator's logit on a square grid with this many points per side."""
Field = NDArray[np.float32]
"""(FIELD_SIDE, FIELD_SIDE) logits over the square the points live in, rows upwards"""


def discriminator_field(players: Players) -> Field | None:
    """The logit at every point of the square [-1, 1]^2; pairs are judged with the guessed noise.

    None where the discriminator gives several points one logit.
    """
    weight = next(players.discriminator.parameters())
    side = torch.linspace(-1, 1, FIELD_SIDE, device=weight.device, dtype=weight.dtype)
    y, x = torch.meshgrid(side, side, indexing="ij")
    points = torch.stack([x, y], dim=2).flatten(0, 1)
    nets = [net for net in (players.discriminator, players.reconstructor) if net is not None]
    training = [net.training for net in nets]
    try:
        for net in nets:
            net.eval()
        with torch.no_grad():
            guess = players.reconstructor(points) if players.reconstructor else None
            logit = players.discriminator(Sample(points, guess)).logit
    finally:
        for net, was in zip(nets, training, strict=True):
            net.train(was)
    if logit.numel() != FIELD_SIDE**2:
        return None
    field: Field = logit.float().cpu().numpy().reshape(FIELD_SIDE, FIELD_SIDE)
    return field
