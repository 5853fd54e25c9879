"""DINOv2's vision transformer, whose class token FD-DINOv2 compares.

Oquab et al. 2023 (arXiv:2304.07193); as features for scores, Stein et al. 2023 (arXiv:2306.04675).
Built from torch's own encoder layers: the scale of each branch is folded into its last layer.
"""

from collections.abc import Mapping
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancli.evaluation.torchvision_inception import IMAGENET_MEAN, IMAGENET_STD

DINOV2_SIDE = 224
HEAD_WIDTH = 64
"""Features of each attention head, in all of DINOv2's sizes but the largest."""
DINOV2_EPS = 1e-6
GRID_OFFSET = 0.1
"""Added to the grid's side when position embeddings are resized, as the authors' code does."""


class DinoV2(nn.Module):
    """Gives the class token after the last norm."""

    mean: Tensor
    std: Tensor
    start: Tensor
    """(1, 1, width) the class token, with its position"""
    places: Tensor
    """(1, patches, width) the patches' positions"""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        """Build the network, in the size that the weights have.

        Args:
            weights: the state of the authors' network.

        Raises:
            KeyError: they are another network's.
            RuntimeError: they are another network's.
        """
        super().__init__()
        projection = weights["patch_embed.proj.weight"]
        width, channels, self.patch, _ = projection.shape
        self.width = int(width)
        depth = len([name for name in weights if name.endswith("attn.qkv.weight")])
        hidden = len(weights["blocks.0.mlp.fc1.bias"])
        self.embed = nn.Conv2d(channels, width, self.patch, self.patch)
        layer = nn.TransformerEncoderLayer(
            width, width // HEAD_WIDTH, hidden, 0.0, "gelu", DINOV2_EPS,
            batch_first=True, norm_first=True,
        )  # fmt: skip
        last = nn.LayerNorm(width, DINOV2_EPS)
        self.encoder = nn.TransformerEncoder(layer, depth, last, enable_nested_tensor=False)
        self.load_state_dict(_renamed(weights, depth))
        positions = resized_positions(weights["pos_embed"], DINOV2_SIDE // self.patch)
        self.register_buffer("start", weights["cls_token"] + positions[:, :1], persistent=False)
        self.register_buffer("places", positions[:, 1:], persistent=False)
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Features of (B, width), of uint8 images of (B, 3, H, W)."""
        side = (DINOV2_SIDE, DINOV2_SIDE)
        x = F.interpolate(images.float(), side, mode="bicubic", antialias=True).clamp(0, 255)
        patches = self.embed((x / 255 - self.mean) / self.std).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.start.expand(len(x), -1, -1), patches + self.places], 1)
        return (self.encoder(tokens)[:, 0],)


def resized_positions(positions: Tensor, side: int) -> Tensor:
    """Position embeddings for a grid of another side.

    Args:
        positions: (1, 1 + n^2, width), that of the class token first.
        side: of the new grid.
    """
    own = isqrt(positions.shape[1] - 1)
    if own == side:
        return positions
    grid = positions[:, 1:].reshape(1, own, own, -1).permute(0, 3, 1, 2)
    factor = (side + GRID_OFFSET) / own
    grid = F.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    return torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, side * side, -1)], 1)


def _renamed(weights: Mapping[str, Tensor], depth: int) -> dict[str, Tensor]:
    """The authors' weights by the names of torch's layers."""
    found = {}
    pairs = {
        "norm1": "norm1",
        "norm2": "norm2",
        "mlp.fc1": "linear1",
        "mlp.fc2": "linear2",
        "attn.proj": "self_attn.out_proj",
    }
    for kind in ("weight", "bias"):
        found[f"embed.{kind}"] = weights[f"patch_embed.proj.{kind}"]
        found[f"encoder.norm.{kind}"] = weights[f"norm.{kind}"]
        for place in range(depth):
            old, new = f"blocks.{place}", f"encoder.layers.{place}"
            scales = {
                "attn.proj": weights[f"{old}.ls1.gamma"],
                "mlp.fc2": weights[f"{old}.ls2.gamma"],
            }
            found[f"{new}.self_attn.in_proj_{kind}"] = weights[f"{old}.attn.qkv.{kind}"]
            for theirs, ours in pairs.items():
                value, scale = weights[f"{old}.{theirs}.{kind}"], scales.get(theirs)
                if scale is not None:
                    value = value * scale.reshape(-1, *[1] * (value.dim() - 1))
                found[f"{new}.{ours}.{kind}"] = value
    return found
