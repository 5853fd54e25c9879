"""Commands as a reader can paste them into a shell."""

import shlex


def command(*words: object) -> str:
    """`gan` and these words, each quoted where a shell would take it apart."""
    return f"gan {shlex.join(map(str, words))}"
