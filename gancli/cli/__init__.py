"""The command line: each command parses, calls, and renders."""

from gancli.cli.main import main, program

__all__ = ["main", "program"]
