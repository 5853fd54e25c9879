"""The names that scores and metrics are typed by."""

from gancli.scores import METRIC_TABLE, option_of


def score_meant(typed: str) -> str:
    """The name of the score that is meant by its name, its label, an alias or its metric's option.

    Capitals, hyphens and blanks do not matter; a text that means none is returned as it is.
    """
    word = _plain(typed)
    for entry in METRIC_TABLE.values():
        for score in entry.scores:
            if word in map(_plain, (score.name, score.label, *score.aliases)):
                return score.name
        if word == _plain(entry.name) and len(entry.scores) == 1:
            return entry.scores[0].name
    return typed


def metric_meant(typed: str) -> str:
    """The metric that is meant by its option's name or by that of one of its scores."""
    word = _plain(typed)
    named = next((name for name in METRIC_TABLE if _plain(name) == word), None)
    return named or option_of(score_meant(typed)) or typed


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
