"""The command line: each command parses, calls, and renders."""

from gancli.cli.main import main

__all__ = ["main"]
