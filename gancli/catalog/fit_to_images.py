"""Fits a model's preset to a user's own images of any size; knows no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gancli.catalog.merge import OPTIONAL_PLAYER, PLAYERS, Table
from gancli.errors import UsageError

KEPT = ("flip", "noise", "range")
"""Fields of the data that do not belong to one set alone."""


class FittedNetwork(NamedTuple):
    """A network's table, fitted to images."""

    table: Table
    layers_with_levels: int = 0
    """how many of its layers have coordinates of their own"""
    largest_side: int | None = None
    """the largest images it learns, by their side in pixels; None: any"""


NetworkFit = Callable[[str, Table, int], FittedNetwork]
"""Takes a player, its network's table and the images' shorter side; the network's family fits the
table."""


@dataclass(frozen=True)
class UserImages:
    """A user's own images, as described by the command line."""

    name: str
    """short; names the run"""
    data: Table
    """the preset's table of them, with `path`, `size` and `classes`"""
    why: str = ""
    """what the classes were taken from, or why there are none"""
    count: Callable[[], int | None] = lambda: None
    """how many there are, where a schedule in epochs asks"""

    @property
    def sides(self) -> tuple[int, ...]:
        """Height and width, in pixels."""
        size = self.data["size"]
        return (size, size) if isinstance(size, int) else tuple(size)

    def __str__(self) -> str:
        return str(self.data["path"])


def fitted(table: Table, own: UserImages, instead: Sequence[str], fit: NetworkFit) -> Table:
    """A preset made for another set of images, fitted to these.

    Args:
        table: the resolved preset.
        own: the images.
        instead: models to name where this one cannot learn them.
        fit: asks the network's family; families know torch.

    Raises:
        UsageError: the images are too large for the model's networks, or lack its labels.
    """
    kept = {key: table["data"][key] for key in KEPT if key in table["data"]}
    of_the_set = {"data", *(f"data.{key}" for key in table["data"] if key not in KEPT)}
    deviations = {k: said for k, said in table.get("deviations", {}).items() if k not in of_the_set}
    made = table | {"data": own.data | kept, "deviations": deviations}
    sides = own.sides
    levels = table["prior"].get("levels")
    for player in (name for name in (*PLAYERS, OPTIONAL_PLAYER) if name in table):
        network = fit(player, table[player]["network"], min(sides))
        if network.largest_side and max(sides) > network.largest_side:
            size = "x".join(map(str, dict.fromkeys(sides)))
            raise UsageError(
                f"{table['name']} learns images of up to {network.largest_side} pixels, and {own} "
                f"is read at {size}: choose --image-size {network.largest_side}, or one of "
                f"{', '.join(instead)}"
            )
        made[player] = table[player] | {"network": network.table}
        if levels and network.layers_with_levels:
            made["prior"] = table["prior"] | {"levels": [network.layers_with_levels, *levels[1:]]}
    if not own.data["classes"] and _wants_labels(table):
        raise UsageError(
            f"the images in {own} have no classes{f' ({own.why})' if own.why else ''}, and "
            f"{table['name']} learns from classes: "
            f"sort them into one folder per class ({own}/cats/1.jpg, {own}/dogs/1.jpg), or choose "
            f"one of {', '.join(instead)}"
        )
    return made


def _wants_labels(table: Table) -> bool:
    conditions = (table[player]["network"].get("condition", "none") for player in PLAYERS)
    return "class_loss" in table["objective"] or any(said != "none" for said in conditions)
