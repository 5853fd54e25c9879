"""The table of the zoo, and the card of a generator; knows no torch."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from gancli.pasteable import command
from gancli.report.console import console, say
from gancli.zoo.entries import ZOO_PREFIX, ZooCard


def print_zoo(cards: Mapping[str, ZooCard]) -> None:
    """Print a row per generator."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("makes", overflow="fold")
    table.add_column("first score", overflow="fold")
    for name, card in cards.items():
        score = f"{card.scores[0].label} {card.scores[0].value}" if card.scores else ""
        table.add_row(f"{ZOO_PREFIX}{name}", card.about, escape(score))
    console().print(table, soft_wrap=False)
    first = next(iter(cards), "NAME")
    say(f"\nsamples of one: {command('sample', ZOO_PREFIX + first, '--grid')}")
    say(f"its card:       {command('zoo', first)}")


def print_zoo_card(name: str, card: ZooCard) -> None:
    """Print all that is known of a generator."""
    plain = name.removeprefix(ZOO_PREFIX)
    say(f"{ZOO_PREFIX}{plain}: {card.about}\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, said in card_lines(card):
        table.add_row(escape(heading), escape(said))
    console().print(table, soft_wrap=False)
    say(f"\nits samples: {command('sample', ZOO_PREFIX + plain, '--grid')}")


def card_lines(card: ZooCard) -> list[tuple[str, str]]:
    """A card's headings and what it says under each."""
    lines = [
        ("model", f"{card.model}, variant {card.variant}, {card.parameters:,} parameters"),
        ("data", f"{card.dataset}; {card.licence}"),
        ("trained", f"{card.steps:,} steps, {card.seconds:,} s"),
        ("by", card.command),
        ("weights", f"{card.weights}; {card.rounding}"),
    ]
    return lines + [(each.label, f"{each.value} ({each.protocol})") for each in card.scores]
