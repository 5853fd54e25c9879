"""What a module says of its source's files: the names of tensors, and ours."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from gancli.networks.by_shapes import SPECTRAL, Fields

NameRule = tuple[str, str | Callable[[re.Match[str]], str]]
"""A pattern of the source's whole names, and ours; a match may be expanded."""
SourceNets = Mapping[str, Mapping[str, Tensor]]
"""By player: the source's tensors under the source's names."""

GENERATOR, DISCRIMINATOR, RECONSTRUCTOR = "generator", "discriminator", "reconstructor"
OLD_SPECTRAL = {"weight_orig": "original", "weight_u": "0._u", "weight_v": "0._v"}
"""torch's older spectral norm, and ours."""
PLAIN = "weight|bias|running_mean|running_var|num_batches_tracked"
_NOT_TRAINED = re.compile(
    r"(?:running_mean|running_var|num_batches_tracked|_u|_v|weight_u|weight_v|sn_u|sn_sigma)"
)


def _nothing(nets: SourceNets) -> Fields:
    del nets
    return {}


def _as_it_is(key: str, tensor: Tensor) -> Tensor:
    del key
    return tensor


def _alike(players: SourceNets, player: str, key: str) -> int:
    del players, player, key
    return 1


@dataclass(frozen=True)
class Layout:
    """One source's files."""

    source: str
    """OWNER/REPOSITORY"""
    names: Mapping[str, Sequence[NameRule]]
    """by player"""
    fields: Callable[[SourceNets], Fields] = _nothing
    """what all its networks have that no shape tells"""
    endings: Sequence[tuple[str, str]] = ()
    """patterns that are replaced in a name before the rules apply"""
    unused: str = r"(?!)"
    """pattern of names that are stored without being used"""
    ours: Callable[[str, Tensor], Tensor] = _as_it_is
    """the source's tensor, by its name there, as ours"""
    sign: Callable[[SourceNets, str, str], int] = _alike
    """1 or -1, by which a tensor is multiplied, by its player and our name"""
    epochs_begun: int | None = None
    """what is added to the number in a file's name to count the epochs behind it; None: it counts
    no epochs"""
    refusal: str = ""
    """why these networks are not among ours"""

    def our_name(self, player: str, key: str) -> str | None:
        """Our name of one of the source's tensors; None: no rule knows it."""
        for pattern, replacement in self.endings:
            key = re.sub(pattern, replacement, key)
        for pattern, replaced in self.names.get(player, ()):
            if match := re.fullmatch(pattern, key):
                return match.expand(replaced) if isinstance(replaced, str) else replaced(match)
        return None

    def ignores(self, key: str) -> bool:
        """Whether the source stores a tensor without using it."""
        return re.fullmatch(self.unused, key) is not None

    def knows(self, player: str, key: str) -> bool:
        """Whether a tensor of this name belongs to this player."""
        return self.ignores(key) or self.our_name(player, key) is not None


def by_layer(table: Mapping[str, str]) -> list[NameRule]:
    """Rules from the layers' names, there and here; spectral norm may be torch's older one."""
    rules: list[NameRule] = []
    for theirs, ours in table.items():
        start = re.escape(theirs)
        rules.append((rf"{start}\.({PLAIN})", rf"{ours}.\g<1>"))
        rules += [
            (rf"{start}\.{old}", f"{ours}.{SPECTRAL}.{new}") for old, new in OLD_SPECTRAL.items()
        ]
    return rules


def is_trained(key: str) -> bool:
    """Whether a tensor, by its name anywhere, is a parameter; the others are buffers."""
    return _NOT_TRAINED.fullmatch(key.rpartition(".")[2]) is None


def trailing_without(keys: Mapping[str, Tensor], part: str, blocks: Sequence[str]) -> int:
    """How many of the last blocks have no tensor whose name goes on with `part`."""
    count = 0
    for block in reversed(blocks):
        if any(key.startswith(f"{block}.{part}") for key in keys):
            break
        count += 1
    return count
