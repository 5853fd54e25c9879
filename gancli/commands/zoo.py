"""`gan zoo`."""

from gancli.report.zoo_table import print_zoo, print_zoo_card
from gancli.zoo.entries import zoo_card, zoo_names


def zoo(name: str | None) -> None:
    """List the generators that come with gancli, or print the card of one.

    Args:
        name: of one, with or without `zoo:`; None: all.

    Raises:
        RunError: there is none of this name.
    """
    if name is None:
        print_zoo({each: zoo_card(each) for each in zoo_names()})
    else:
        print_zoo_card(name, zoo_card(name))
