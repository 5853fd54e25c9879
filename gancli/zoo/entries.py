"""What is in the zoo, and the card of each generator; knows no torch."""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from gancli.catalog import preset_folder
from gancli.catalog.preset_files import close_to
from gancli.errors import RunError
from gancli.outside import model_from
from gancli.pasteable import command
from gancli.settings import Settings

ZOO_PREFIX = "zoo:"
"""Of a name typed where a run is expected."""
GENERATOR_ENDING, CARD_ENDING = ".safetensors", ".json"


class ZooScore(Settings):
    """A score of a generator."""

    label: str
    """as tables name it, with what it was compared with"""
    value: str
    protocol: str
    """how many samples, against what, seen by which network"""


class ZooCard(Settings):
    """What there is to know of a generator before it is used."""

    model: str
    variant: str
    dataset: str
    about: str
    """what it makes, in a few words"""
    licence: str
    """of the data it has learnt from"""
    weights: str
    """`moving average` or `as trained`, and how they are stored"""
    rounding: str
    """how far images differ from those of the weights before they were rounded"""
    parameters: int
    steps: int
    seconds: int
    """of training, on two cores that were shared"""
    command: str
    """that trained it"""
    scores: tuple[ZooScore, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


def zoo_folder() -> Path:
    """Where generators and cards are."""
    return preset_folder() / "zoo"


def zoo_names() -> list[str]:
    """All generators, by name."""
    return sorted(path.stem for path in zoo_folder().glob(f"*{GENERATOR_ENDING}"))


def zoo_file(name: str) -> Path:
    """A generator's file: a checkpoint of the generator alone.

    Args:
        name: with or without its prefix.

    Raises:
        RunError: there is none of this name.
    """
    plain = name.removeprefix(ZOO_PREFIX)
    names = zoo_names()
    if plain not in names:
        raise RunError(
            f"there is no {plain!r} in the zoo{close_to(plain, names)}: {command('zoo')} lists "
            "what there is"
        )
    return zoo_folder() / f"{plain}{GENERATOR_ENDING}"


def typed_place(file: Path, otherwise: Callable[[Path], str] = str) -> str:
    """What a person types for a checkpoint: `zoo:NAME` for one of the zoo, else its path.

    Args:
        file: the checkpoint.
        otherwise: writes a path as text.
    """
    return f"{ZOO_PREFIX}{file.stem}" if file.parent == zoo_folder() else otherwise(file)


def zoo_card(name: str) -> ZooCard:
    """A generator's card.

    Args:
        name: with or without its prefix.

    Raises:
        RunError: there is none of this name.
    """
    file = zoo_file(name).with_suffix(CARD_ENDING)
    return model_from(ZooCard, file.read_text(encoding="utf-8"), file, RunError)
