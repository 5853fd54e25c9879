"""Fits a model's preset to people's own images of any size; knows no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gancli.catalog.merge import PLAYERS, Table
from gancli.errors import UsageError

HOME_MULTIPLIERS = (1, 2, 4)
"""What a convolutional network has where its preset does not say: images of 32 pixels."""
MOST_FLAT = 64
"""The largest side, in pixels, that networks without convolutions are given."""
KEPT = ("flip", "noise")
"""Fields of the data that do not belong to one set alone."""
CONVOLUTIONAL, LAYERED = "cnn", "eigen"
"""The families that deepen with the image; the second has coordinates for each layer."""


@dataclass(frozen=True)
class UserImages:
    """People's own images, as the command line found them."""

    name: str
    """short; names the run"""
    data: Table
    """the preset's table of them, with `path`, `size` and `classes`"""

    def __str__(self) -> str:
        return str(self.data["path"])


def fitted(table: Table, own: UserImages, instead: Sequence[str]) -> Table:
    """A preset made for another set of images, fitted to these.

    Args:
        table: the resolved preset.
        own: the images.
        instead: models to name where this one cannot learn them.

    Raises:
        UsageError: the images are too large for the model's networks, or lack its labels.
    """
    kept = {key: table["data"][key] for key in KEPT if key in table["data"]}
    of_the_set = {"data", *(f"data.{key}" for key in table["data"] if key not in KEPT)}
    deviations = {k: said for k, said in table.get("deviations", {}).items() if k not in of_the_set}
    made = table | {"data": own.data | kept, "deviations": deviations}
    for player in PLAYERS:
        network = table[player]["network"]
        made[player] = table[player] | {"network": _deepened(network, own, table, instead)}
    if "levels" in table["prior"]:
        levels = [doublings(own), *table["prior"]["levels"][1:]]
        made["prior"] = table["prior"] | {"levels": levels}
    if not own.data["classes"] and _wants_labels(table):
        raise UsageError(
            f"read {own}, whose images have no classes, and {table['name']} learns from classes: "
            f"lay them out as one folder per class ({own}/cats/1.jpg, {own}/dogs/1.jpg), or choose "
            f"one of {', '.join(instead)}"
        )
    return made


def _wants_labels(table: Table) -> bool:
    conditions = (table[player]["network"].get("condition", "none") for player in PLAYERS)
    return "class_loss" in table["objective"] or any(said != "none" for said in conditions)


def _deepened(
    network: Mapping[str, Any], own: UserImages, table: Table, instead: Sequence[str]
) -> dict[str, Any]:
    """The network for another side: its innermost map as wide as it was, or, where every layer has
    directions, the outermost."""
    size = own.data["size"]
    if network["family"] not in (CONVOLUTIONAL, LAYERED):
        if size > MOST_FLAT:
            raise UsageError(
                f"read {own} at {size} pixels, and {table['name']}'s networks have no "
                f"convolutions, which is well up to {MOST_FLAT}: choose --image-size {MOST_FLAT}, "
                f"or one of {', '.join(instead)}"
            )
        return dict(network)
    if network["family"] == LAYERED:
        most = max(network["multipliers"])
        return {**network, "multipliers": [min(2**n, most) for n in range(doublings(own) + 1)]}
    widest = network["dim"] * network.get("multipliers", HOME_MULTIPLIERS)[-1]
    multipliers = [2**n for n in range(doublings(own))]
    return {**network, "dim": max(widest // multipliers[-1], 1), "multipliers": multipliers}


def doublings(own: UserImages) -> int:
    """From 4 pixels, the smallest map's side, to the images'."""
    side: int = own.data["size"]
    return side.bit_length() - 3
