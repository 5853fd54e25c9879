"""Commands survive being pasted."""

import shlex

import pytest

from gancli.pasteable import command


@pytest.mark.parametrize("odd", ["my photos/cats", "it's", "a;b", "$HOME", "~x", "a\tb", "", "ü *"])
def test_a_shell_reads_back_what_was_meant(odd: str) -> None:
    assert shlex.split(command("train", "gan", "--dataset", odd)) == [
        *("gan", "train", "gan", "--dataset", odd)
    ]


def test_plain_words_stay_plain() -> None:
    assert command("resume", "runs/gan-ring8-1") == "gan resume runs/gan-ring8-1"
