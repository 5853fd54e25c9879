"""The command line: each command parses, calls, and renders."""

from gancli.cli.boundary import main

__all__ = ["main"]
