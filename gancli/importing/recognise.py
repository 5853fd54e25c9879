"""Tells which source wrote the networks that were read, and gives their tensors our names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gancli.errors import RunError
from gancli.importing import w86763777
from gancli.importing.koshian2 import KOSHIAN2
from gancli.importing.layout import DISCRIMINATOR, GENERATOR, Layout, is_trained
from gancli.importing.mimicry import MIMICRY
from gancli.importing.read_files import SavedNet, SourceFiles
from gancli.importing.rebuildzoo import REBUILDZOO
from gancli.importing.victarry import VICTARRY
from gancli.importing.xyfjason import XYFJASON
from gancli.state import non_finite
from gancli.tally import Tensors

LAYOUTS: Sequence[Layout] = (
    XYFJASON,
    KOSHIAN2,
    REBUILDZOO,
    VICTARRY,
    w86763777.RESIDUAL,
    w86763777.NORMED_FIRST,
    w86763777.BARE_FIRST,
    MIMICRY,
)


@dataclass(frozen=True)
class Recognised:
    """Networks whose source is known."""

    path: Path
    layout: Layout
    theirs: Mapping[str, Mapping[str, Tensor]]
    """by player, under the source's names"""

    def ours(self) -> dict[str, Tensors]:
        """By player, under our names; tensors that the source does not use are left out.

        Raises:
            RunError: a number in them is not finite.
        """
        made = {player: self.named(player, net) for player, net in self.theirs.items()}
        bad = [f"{player}'s {key}" for player, net in made.items() for key in non_finite(net)]
        if bad:
            raise RunError(
                f"{self.path}: its {bad[0]} is not finite, so that its run had diverged: name an "
                "earlier checkpoint"
            )
        return made

    def named(self, player: str, net: Mapping[str, Tensor]) -> Tensors:
        """A network's tensors under our names."""
        layout, made = self.layout, {}
        for key, tensor in net.items():
            name = layout.our_name(player, key)
            if name is not None and not layout.ignores(key):
                ours = layout.ours(key, tensor)
                made[name] = -ours if layout.sign(self.theirs, player, name) < 0 else ours
        return made

    def trained_names(self, player: str) -> list[str]:
        """Our names of a network's parameters, in the order in which the source has them."""
        keys = [key for key in self.theirs[player] if is_trained(key)]
        return [self.layout.our_name(player, key) or key for key in keys]


def recognise(found: SourceFiles) -> Recognised:
    """The source of networks, by the names of all their tensors.

    Raises:
        RunError: no source has these names, or its networks are not among ours.
    """
    best: tuple[int, Layout, str] | None = None
    for layout in LAYOUTS:
        told = {player: net.tensors for net in found.nets if (player := _player(layout, net))}
        if len(told) == len(found.nets):
            if layout.refusal:
                raise RunError(
                    f"{found.path} was written by {layout.source}, whose networks are not among "
                    f"those here: {layout.refusal}"
                )
            return Recognised(found.path, layout, told)
        known, stranger = _closest(layout, found.nets)
        if best is None or known > best[0]:
            best = known, layout, stranger
    assert best is not None
    known_sources = ", ".join(dict.fromkeys(each.source for each in LAYOUTS))
    resembles = f"; it resembles those of {best[1].source}" if best[0] else ""
    raise RunError(
        f"{found.path} has a tensor {best[2]}, which none of the sources that are read has "
        f"({known_sources}){resembles}"
    )


def _player(layout: Layout, net: SavedNet) -> str | None:
    """Whose network it is if this layout has all its names; None: it does not."""
    players = [net.player] if net.player else [GENERATOR, DISCRIMINATOR]
    for player in players:
        if net.tensors and all(layout.knows(player, key) for key in net.tensors):
            return player
    return None


def _closest(layout: Layout, nets: Sequence[SavedNet]) -> tuple[int, str]:
    """How many names a layout has, and the first one that it has not."""
    count, stranger = 0, ""
    for net in nets:
        players = [net.player] if net.player else [GENERATOR, DISCRIMINATOR]
        known = max(
            ([key for key in net.tensors if layout.knows(p, key)] for p in players), key=len
        )
        count += len(known)
        strange = [key for key in net.tensors if key not in known]
        stranger = stranger or (strange[0] if strange else "")
    return count, stranger
