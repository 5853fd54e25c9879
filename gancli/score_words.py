"""Scores in words: the names they are typed by, their labels and their numbers; knows no torch."""

from gancli.scores import (
    METRIC_TABLE,
    PUBLISHED_EXTRACTOR,
    STD_SUFFIX,
    metric_of,
    option_of,
    score_named,
    whole_score,
)


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


def extractor_of(name: str) -> str:
    """The feature network that published values of a score are computed with."""
    entry = metric_of(whole_score(name.removesuffix(STD_SUFFIX)))
    return (None if entry is None else entry.extractor) or PUBLISHED_EXTRACTOR


def score_label(name: str, extractor: str, *, published: bool) -> str:
    """A score's label; that of other features than the published ones says whose they are.

    Args:
        name: of the score, of all classes.
        extractor: the name of the feature network.
        published: whether it has the published weights.
    """
    score = score_named(name)
    is_usual = published and extractor == extractor_of(name)
    by_features = score.names_extractor and not score.of_known_modes
    return f"{score.label} [{extractor}]" if by_features and not is_usual else score.label


def shown_number(name: str, value: float, *, short: bool = False) -> str:
    """A value of a score; a distance a hair below 0 is 0.

    Args:
        name: of the score.
        value: raw.
        short: whether large ones get fewer decimals.
    """
    score = score_named(whole_score(name))
    if score.is_share:
        return f"{value:.2%}"
    value = max(0.0, value) if score.is_distance else value
    fewer = sum(abs(value) >= limit for limit in (1, 10, 100)) if short else 0
    return f"{value:.{max(0, score.decimals - fewer)}f}"
