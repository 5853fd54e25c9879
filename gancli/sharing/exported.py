"""A generator as other programs call it: named tensors in, samples out."""

from collections.abc import Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gancli.errors import RunError
from gancli.outside import model_from
from gancli.pasteable import named
from gancli.plugins import load_plugins
from gancli.sharing.card import GeneratorCard
from gancli.types import DataShape, GeneratorNet, Latent

CARD = "card"
"""The key of the card in a file's metadata."""
_WRITER = named("export", "--to", "safetensors")


class ExportedGenerator(nn.Module):
    """A generator whose inputs are the parts of a latent, in order, and not a latent.

    Args:
        generator: the network; spectral norm in it is folded into the weights.
        names: of the inputs, as `Latent` calls them.
        unit: what the network's 1 is in the samples.
    """

    def __init__(self, generator: GeneratorNet, names: Sequence[str], unit: float) -> None:
        super().__init__()
        self.generator = fold(generator).eval()
        self.names = tuple(names)
        self.unit = unit

    def forward(self, *inputs: Tensor) -> Tensor:
        """Samples, as numbers: of (B, C, H, W) in the card's range, or (B, D) in data units.

        Args:
            inputs: one of (B, ...) for each name, in order.
        """
        made = self.generator(Latent(**dict(zip(self.names, inputs, strict=True))))
        return made if self.unit == 1.0 else made * self.unit


def fold(generator: GeneratorNet) -> GeneratorNet:
    """The generator, changed: each weight that is computed in every pass is kept as it is now.

    Spectral norm divides by an estimate that stands still in evaluation, so that samples stay the
    same.
    """
    with torch.no_grad():
        for module in generator.eval().modules():
            for name in list(getattr(module, "parametrizations", ())):
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)
                # It may be a view, which files of programs cannot hold.
                weight = getattr(module, name)
                weight.data = weight.data.contiguous().clone()
    return generator


def rebuild(
    path: str | Path, dtype: torch.dtype = torch.float32
) -> tuple[ExportedGenerator, GeneratorCard]:
    """The generator in a safetensors file that `gan export` wrote, and its card.

    Args:
        path: the file.
        dtype: type of its weights and of what it computes with; inputs of numbers must have it.

    Raises:
        RunError: it is missing, or not such a file; its network is a plugin's that is not loaded.
    """
    file = Path(path)
    load_plugins()
    try:
        with safetensors.safe_open(file, "pt") as opened:
            said = (opened.metadata() or {}).get(CARD)
        tensors = safetensors.torch.load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise RunError(
            f"could not read {file}: {error}: name a file that {_WRITER} wrote"
        ) from error
    if said is None:
        raise RunError(f"{file} has no card of a generator: name a file that {_WRITER} wrote")
    card = model_from(GeneratorCard, said, file, RunError)
    generator = card.network.build(card.prior, DataShape(card.shape, card.labels))
    made = ExportedGenerator(generator, [each.name for each in card.inputs], card.unit)
    try:
        made.generator.load_state_dict(tensors)
    except RuntimeError as error:
        raise RunError(
            f"the tensors in {file} are not those of its card: export it again"
        ) from error
    return made.to(dtype), card
