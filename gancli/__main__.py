"""`python -m gancli` is `gan`."""

from gancli.cli import program

program()
