"""torchvision's Inception v3 with ImageNet's classes, fed as koshian2/SNGAN feeds it.

https://github.com/koshian2/SNGAN/blob/master/inception_score.py, after
https://github.com/sbarratt/inception-score-pytorch.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancli.evaluation.pretrained import INCEPTION_SIDE

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in 0 to 1, by channel: as torchvision's other networks expect them. These
weights expect -1 to 1, to which the network's own `transform_input` would convert; the source
switches that off, so the network sees a wider range than it learnt from."""


class TorchvisionInception(nn.Module):
    """Gives the 2,048 pooled features and the logits of ImageNet's 1,000 classes."""

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        """Build the network.

        Args:
            weights: the state of torchvision's network, its auxiliary classifier included.

        Raises:
            RuntimeError: they are another network's.
        """
        from torchvision.models import inception_v3

        super().__init__()
        whole = inception_v3(weights=None, transform_input=False, init_weights=False)
        whole.load_state_dict(weights)
        self.classifier = whole.fc
        whole.fc = nn.Identity()
        self.body = whole
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features of (B, 2048) and logits of (B, 1000), of uint8 images of (B, 3, H, W)."""
        x = (images.float() / 255 - self.mean) / self.std
        x = F.interpolate(
            x, size=(INCEPTION_SIDE, INCEPTION_SIDE), mode="bilinear", align_corners=True
        )
        features = self.body(x)
        return features, self.classifier(features)
