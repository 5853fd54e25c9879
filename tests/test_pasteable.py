"""Commands survive being pasted."""

import shlex

import pytest

from gancli.pasteable import begin_with, command, named


@pytest.mark.parametrize("odd", ["my photos/cats", "it's", "a;b", "$HOME", "~x", "a\tb", "", "ü *"])
def test_a_shell_reads_back_what_was_meant(odd: str) -> None:
    assert shlex.split(command("train", "gan", "--dataset", odd)) == [
        *("gan", "train", "gan", "--dataset", odd)
    ]


def test_plain_words_stay_plain() -> None:
    assert command("resume", "runs/gan-ring8-1") == "gan resume runs/gan-ring8-1"


def test_plugins_come_with_commands_and_not_with_names() -> None:
    begin_with(["--plugin", "my part.py"])
    try:
        assert command("resume", "a b") == "gan --plugin 'my part.py' resume 'a b'"
        assert (named("bench", "train"), named()) == ("gan bench train", "gan")
    finally:
        begin_with([])
    assert command("resume", "a b") == "gan resume 'a b'"
